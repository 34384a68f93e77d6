"""What there is to say of numbers that are constants of a scripted module's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archscope.counting.constants import constants_of
from archscope.results import Note

if TYPE_CHECKING:
    from torch import nn


def constant_notes(model: nn.Module) -> tuple[Note, ...]:
    """Return a note of numbers that are no parameters, though they may have been: none or one."""
    held = constants_of(model)
    if not held.numbers:
        return ()
    many = f"{held.numbers:,} number{'s' if held.numbers > 1 else ''} in " + (
        f"{held.tensors} tensors" if held.tensors > 1 else "one tensor"
    )
    text = f"TorchScript holds {many} as constants of its code; these are in no count of parameters"
    if not held.alone:
        return (Note(level="info", text=text),)
    why = "torch.jit.freeze makes constants of parameters and buffers, and drops what it can fold"
    return (Note(level="warning", text=text, details=(why,)),)
