"""Exact integers from closed forms; the standard library alone."""
