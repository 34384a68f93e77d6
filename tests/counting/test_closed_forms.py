"""What a module states of itself is its closed form; what cannot be read as one is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
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


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...]]] = {
    "linear": (lambda: nn.Linear(8, 2), ((3, 5, 8),)),
    "linear, no bias": (lambda: nn.Linear(8, 2, bias=False), ((3, 5, 8),)),
    "vector": (lambda: nn.Linear(8, 2), ((8,),)),
    "embedding": (lambda: nn.Embedding(7, 3), ((2, 5),)),
    "convolution": (lambda: nn.Conv2d(4, 6, (3, 2), groups=2, stride=2), ((2, 4, 9, 8),)),
    "convolution, unbatched": (lambda: nn.Conv1d(4, 6, 3, bias=False), ((4, 9),)),
    "transposed": (lambda: nn.ConvTranspose1d(4, 6, 3, groups=2, stride=2), ((2, 4, 9),)),
    "transposed, unbatched": (lambda: nn.ConvTranspose1d(4, 6, 3), ((4, 9),)),
    "layer norm": (lambda: nn.LayerNorm((3, 5)), ((2, 3, 5),)),
    "layer norm, no bias": (lambda: nn.LayerNorm(5, bias=False), ((2, 5),)),
    "layer norm, no weight": (lambda: nn.LayerNorm(5, elementwise_affine=False), ((2, 5),)),
    "rms norm": (lambda: nn.RMSNorm(5), ((2, 5),)),
    "group norm": (lambda: nn.GroupNorm(2, 6), ((2, 6, 5),)),
    "batch norm, no weight": (lambda: nn.BatchNorm1d(6, affine=False), ((2, 6, 5),)),
    "instance norm": (lambda: nn.InstanceNorm1d(6), ((2, 6, 5),)),
    "gru": (lambda: nn.GRU(3, 4, 2, bidirectional=True), ((5, 2, 3),)),
    "lstm": (lambda: nn.LSTM(3, 4, bias=False), ((5, 2, 3),)),
    "rnn": (lambda: nn.RNN(3, 4, 2), ((5, 3),)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_closed_form_is_what_the_layer_holds_and_multiplies(name: str, count: Any) -> None:
    make, shapes = LAYERS[name]
    layer = make()
    kind = torch.long if isinstance(layer, nn.Embedding) else torch.float32
    inputs = [torch.zeros(shape, dtype=kind) for shape in shapes]
    made = layer(*inputs)
    output = tuple((made[0] if isinstance(made, tuple) else made).shape)
    form = closed_form(layer, shapes, output)

    assert form is not None
    assert form.params_value == sum(each.numel() for each in layer.parameters())
    assert form.macs_value == sum(count(layer, *inputs).dispatcher.macs().values())


def test_attention_multiplies_queries_keys_and_pairs_wherever_its_batch_stands() -> None:
    # 2 samples of 5 queries and 7 keys of 6 features; what is made of both is a layer of its own
    macs = 2 * (5 + 2 * 7) * 36 + 2 * 2 * 5 * 7 * 6
    for first in (True, False):
        layer = nn.MultiheadAttention(6, 2, batch_first=first, bias=first)
        q, k = ((2, 5, 6), (2, 7, 6)) if first else ((5, 2, 6), (7, 2, 6))
        form, alone = (
            closed_form(layer, [q, k, k], q),
            closed_form(layer, [(5, 6), *[(7, 6)] * 2], q),
        )

        assert form is not None
        assert alone is not None
        assert (form.macs_value, alone.macs_value) == (macs, macs // 2)
        assert form.params_value == sum(x.numel() for x in layer.parameters(recurse=False))


@pytest.mark.parametrize(
    ("layer", "given"),
    [
        (nn.MultiheadAttention(6, 2, kdim=4, vdim=4), 3),
        (nn.MultiheadAttention(6, 2, add_bias_kv=True), 3),
        (nn.MultiheadAttention(6, 2), 2),
        (nn.LSTM(6, 4, proj_size=2), 1),
        (nn.Linear(6, 2), 0),
    ],
)
def test_what_has_parts_that_no_formula_tells_has_no_closed_form(
    layer: nn.Module, given: int
) -> None:
    assert closed_form(layer, [(5, 2, 6)] * given, (5, 2, 6)) is None
