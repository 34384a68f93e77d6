"""What every forward pass needs that only looks: what runs, shapes, and all put back after."""
