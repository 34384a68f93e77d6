"""From outputs back to inputs: what is seen, how evenly, and whether the past alone."""
