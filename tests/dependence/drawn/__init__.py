"""Random networks of what real ones are made of, and what their gradients say."""
