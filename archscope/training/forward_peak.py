"""The most memory that a forward pass without gradients has alive at once, on shapes alone."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.errors import ForwardError, first_line
from archscope.running.as_written import as_written
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.caches import empty_cached_functions
from archscope.running.storages import bytes_of
from archscope.running.twin import Original, twin_of
from archscope.subject import Subject
from archscope.training.fake import fake_mode
from archscope.training.live_memory import Alive


def forward_peak(subject: Subject, dtype: torch.dtype) -> int:
    """Return the most bytes beside weights and buffers, inputs included, cast to a number type.

    A block that repeats runs once: what it takes it has given back before the next. What a kernel
    takes for itself is not seen. Raises `ForwardError` where the forward needs data.
    """
    assert subject.inputs is not None
    original = Original(subject.model, subject.inputs)
    stand_in = partial(_without_data, dtype=dtype)
    with fake_mode() as fake, fake, as_written():
        twin = twin_of(original, weight=stand_in, argument=stand_in)
        given = [each for each in _leaves(twin.inputs) if isinstance(each, Tensor)]
        alive = Alive(str)
        alive.before((*parameters_of(twin.model), *buffers_of(twin.model), *given))
        try:
            with torch.no_grad(), original.out_of_reach(), alive.phase("forward"):
                twin.run()
        except Exception as error:
            empty_cached_functions()
            raise ForwardError(f"the forward pass failed: {first_line(error)}") from error
        if alive.has_more_than(()):
            empty_cached_functions()
        sizes = (change.bytes for change in alive.changes)
        return bytes_of(given) + max(accumulate(sizes, initial=0))


def _without_data(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    kind = dtype if tensor.is_floating_point() else tensor.dtype
    made = torch.empty_strided(tensor.size(), tensor.stride(), dtype=kind, device="cpu")
    is_weight = isinstance(tensor, torch.nn.Parameter)
    return torch.nn.Parameter(made, requires_grad=False) if is_weight else made


def _leaves(inputs: Any) -> list[Any]:
    return tree_leaves((inputs.args, dict(inputs.kwargs)))
