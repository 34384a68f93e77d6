"""Runs a network for real, with random weights: proof of what its graph says, and gradients."""
