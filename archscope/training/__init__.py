"""What a training step does and keeps: run once on tensors without data, never on the user's."""
