"""Inputs for a network of another file."""

import torch

rows = torch.zeros(11, 6)
