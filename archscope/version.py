"""The version of archscope, in one place."""

__version__ = "0.2.0"
