"""The first road: what a family tells of its layers, answered without torch."""
