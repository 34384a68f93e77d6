"""What the outputs of any module see, found in the operators that it runs, in words."""
