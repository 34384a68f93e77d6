"""Counts what one forward pass does, by two independent engines that must agree."""
