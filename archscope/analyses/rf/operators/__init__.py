"""The second road: what any module's outputs see, found in the operators that it runs, in words."""
