"""What people do with a receptive field: look-back, tiles, sizes of inputs, buffers."""
