"""What a module states of itself is its closed form; what cannot be read as one is none."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from archscope.counting.closed_forms import closed_form
from archscope.theory.counts import ClosedForm, linear

FORM = linear(rows=3, inputs=8, outputs=2, bias=True)


class Stated(nn.Module):
    """States what it was made with, or raises it."""

    def __init__(self, said: Any) -> None:
        super().__init__()
        self.said = said

    def archscope_closed_form(self, inputs: Any, output: Any) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Other(nn.Linear):
    """A linear layer whose forward may be another one's."""


@pytest.mark.parametrize(
    ("module", "derived", "expected"),
    [
        (Stated(FORM), False, FORM),
        (Stated("48"), False, None),
        (Stated(ZeroDivisionError()), False, None),
        (nn.Linear(8, 2), False, FORM),
        (Other(8, 2), False, None),
        (Other(8, 2), True, FORM),
        (nn.ReLU(), True, None),
    ],
)
def test_who_states_a_closed_form(
    module: nn.Module, derived: bool, expected: ClosedForm | None
) -> None:
    assert closed_form(module, [(3, 8)], (3, 2), derived=derived) == expected
