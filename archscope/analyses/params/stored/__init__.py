"""Counts what a file holds by its list of tensors, without torch."""
