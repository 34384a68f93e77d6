"""The version of archscope, in one place."""

VERSION = "0.1.0"
