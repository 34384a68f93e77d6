"""The effective receptive field: where most of the gradient lies, measured."""
