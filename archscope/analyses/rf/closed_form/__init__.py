"""The closed form: what a family tells of its layers, answered without torch."""
