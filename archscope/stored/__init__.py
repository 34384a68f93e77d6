"""Files that hold a network: names, shapes and number types of tensors, without running code."""
