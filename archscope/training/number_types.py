"""The words for number types, as they are typed."""

from __future__ import annotations

import torch

NUMBER_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
"""By the word; what is no word here stays as it is."""
