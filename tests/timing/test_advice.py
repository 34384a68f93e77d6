"""What torch warns of while something is timed is a note; what others warn of is shown."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

import archscope
from archscope.timing.advice import heard


class Warned(nn.Module):
    """A layer in whose forward torch warns."""

    def forward(self, x: Tensor) -> Tensor:
        _warn_as_torch("no kernel for\n  that (Triggered internally at /a/b.cpp:3.)")
        return x + 1


def _warn_as_torch(text: str) -> None:
    warnings.warn_explicit(text, UserWarning, torch.nn.functional.__file__, 1)


def test_torch_is_heard_once_and_others_are_shown() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        before = warnings.showwarning
        with heard() as said:
            warnings.warn("of my own", stacklevel=1)
            _warn_as_torch("of torch's")
            _warn_as_torch("of torch's")
        assert warnings.showwarning is before

    assert said == ["of torch's"]
    assert [str(each.message) for each in shown] == ["of my own"]


def test_what_torch_warned_of_is_a_note() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        report = archscope.time(Warned(), torch.zeros(2, 3), device="cpu", warmup=0, runs=1)

    texts = [note.text for note in report.section("passes").notes]
    assert texts.count("torch warned meanwhile: no kernel for that") == 1
