"""Dilations for a wanted receptive field."""
