"""Exact sets of positions, and what operators do to them."""
