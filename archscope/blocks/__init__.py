"""Parts that several families share. They take plain arguments, never a family's spec."""
