"""Where torch makes tensors."""

from __future__ import annotations

import torch


def default_device() -> torch.device:
    """Return where torch makes tensors; older torch tells none that a `with` has chosen."""
    with torch._C._DisableTorchDispatch():  # no mode around has anything to say of it
        return torch.empty(0).device
