"""Random small networks against float64 autograd masks: equal, position by position."""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pytest
import torch
from drawn.seeds import batches

from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.forward import look
from archscope.dependence.answer.lowering import lower
from archscope.dependence.record.capture import capture
from archscope.dependence.sets.products import over
from archscope.subject import Inputs

UNITS = 3
CHOSEN = (*range(80), 115, 151, 161, 174, 207, 227, 251, 253)
"""Seeds whose networks lead through every line, and from each to every next one, that those of the
first 300 lead through."""


@pytest.mark.parametrize("seeds", batches(CHOSEN, 4))
def test_random_networks_see_what_their_gradients_see(
    random_graphs: ModuleType, seeds: Sequence[int]
) -> None:
    for seed in seeds:
        _check(random_graphs, seed)


def _check(random_graphs: ModuleType, seed: int) -> None:
    draw = random.Random(seed)
    axes, size = 1 + seed % 2, draw.randint(7, 12)
    model = random_graphs.RandomGraph(seed, axes)
    x = torch.rand(1, 2, *(size,) * axes, dtype=torch.float64)
    graph = capture(model, Inputs(args=(x,)), ("0",))
    assert graph.failure is None, seed
    lowered = lower(graph)
    assert not any(each.flag for each in lowered)
    source, target = graph.inputs["0"], graph.outputs["0"]
    positions = tuple(range(2, 2 + axes))
    seen = look(lowered, source, positions, [target]).seen[target]
    field = Field(target, seen.total, (size,) * axes)
    x.requires_grad_(True)
    y = model(x)
    for _ in range(UNITS):
        at = [draw.randrange(n) for n in y.shape[2:]]
        (gradient,) = torch.autograd.grad(y[(0, slice(None), *at)].sum(), x, retain_graph=True)
        mask = (gradient[0] != 0).any(0).numpy()
        unit = dict(enumerate(at, start=2))
        back = ways(lowered, target, unit, [source])
        assert np.array_equal(over(back[source], positions) > 0, mask), seed
        starts, window = field.over_all(unit)
        forward = np.zeros_like(mask)
        forward[tuple(slice(a, a + n) for a, n in zip(starts, window.shape, strict=True))] = window
        assert not (mask & ~forward).any(), seed
        if field.is_exact:
            assert np.array_equal(forward, mask), seed
        for axis in range(axes):
            others = tuple(other for other in range(axes) if other != axis)
            assert np.array_equal(forward.any(others), mask.any(others)), seed


def test_a_path_that_is_left_out_would_be_noticed(random_graphs: ModuleType) -> None:
    model = torch.nn.Conv1d(2, 1, 3, padding=1, dtype=torch.float64)
    graph = capture(model, Inputs(args=(torch.rand(1, 2, 8, dtype=torch.float64),)), ("0",))
    lowered = lower(graph)
    cut = frozenset(edge for each in lowered for edge in each.edges)

    back = ways(lowered, graph.outputs["0"], {2: 4}, [graph.inputs["0"]], without=cut)

    assert graph.inputs["0"] not in back
