"""Uses of a receptive field: look-back, tiles, input sizes, buffers."""
