"""Rules of recurrent layers and cells that torch runs as one operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    from_all,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import from_matrix, gather, ranges, so_far
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Permute,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


@RULES.of("mkldnn_rnn_layer")
def recurrent_layer(node: Node, zeros: Zeros) -> list[Edge]:
    """One direction of one recurrent layer: (T, B, C) to (T, B, hidden), and the last states."""
    given, source = node.arguments, node.arguments["input"]
    before = shape_of(source)
    backward = bool(given.get("reverse"))
    output, *last = node.outputs
    found = []
    for target in filter(None, (output, *last[:2])):
        is_last = target is not output  # (B, hidden) or (1, B, hidden)
        width, alone = target.shape[-1], (1, *target.shape[-2:])
        kept: Step = Take(0, so_far(before[0], backward=backward))
        steps: Steps = (Mix(2, before[2], width), Reduce((0,), before[:1]) if is_last else kept)
        steps += (Reshape(alone, target.shape),) if is_last else ()
        found += edges(source, steps, target)
        for name in ("hx_", "cx_"):
            state = given.get(name)
            if isinstance(state, Value):
                own = (1, *state.shape[-2:])
                steps = (Reshape(state.shape, own), Mix(2, own[2], width))
                steps += (Reshape(alone, target.shape) if is_last else Spread((0,), before[:1]),)
                found += edges(state, steps, target)
    return found


@RULES.of("_cudnn_rnn", "miopen_rnn", "quantized_lstm", "quantized_gru")
def recurrent_layers(node: Node, zeros: Zeros) -> list[Edge]:
    """Layers of either direction: (T, B, C), or (B, T, C), to (T, B, directions hidden), states."""
    given, (target, *states) = node.arguments, targets(node)
    source = given["input"] if "input" in given else given["data"]
    if len(shape_of(source)) == 2:
        return _of_packed(node, source, target, states)
    time = 1 if given.get("batch_first") else 0
    length = shape_of(source)[time]
    mix = Mix(2, shape_of(source)[2], target.shape[2])
    found = []
    for kept, links in _directions(node, length, target.shape[2]):
        found += edges(source, (mix, Take(time, links), *kept), target)
    for state in states:
        found += _last(source, time, state) + _between_states(node, state)
    for start in _states(node):
        found += _from_state(start, time, target)
    for weight in tree_leaves(given.get("weight")):
        found += from_all(weight, target, *states)
    return found


def _directions(node: Node, length: int, width: int) -> list[tuple[Steps, Any]]:
    """Return for each direction which features it makes, and what it has read by each step."""
    given = node.arguments
    if not given.get("bidirectional"):
        return [((), so_far(length))]
    if given["num_layers"] > 1:  # the second layer runs back over what the first ran forth
        all_steps = np.full(length, length, dtype=np.int64)
        return [((), ranges(length, np.zeros_like(all_steps), all_steps))]
    first = np.arange(width) < width // 2
    return [
        ((Keep(first.reshape(1, 1, -1)),), so_far(length)),
        ((Keep(~first.reshape(1, 1, -1)),), so_far(length, backward=True)),
    ]


def _last(source: Any, time: int, state: Value) -> list[Edge]:
    """Return the edges to the last states (layers directions, B, hidden): from all steps."""
    before = shape_of(source)
    if len(state.shape) != 3 or state.shape[1] != before[1 - time]:
        return []  # what cuDNN keeps for a gradient
    alone = (before[0], 1, before[2]) if time else (1, *before[1:])
    turned = (1, before[1 - time], before[2])
    steps = (
        Reduce((time,), (before[time],)),
        Reshape(alone, turned),
        Mix(2, before[2], state.shape[2]),
        Spread((0,), (state.shape[0],)),
    )
    return edges(source, steps, state)


def _states(node: Node) -> list[Value]:
    leaves = tree_leaves([node.arguments.get(name) for name in ("hx", "cx")])
    return [leaf for leaf in leaves if isinstance(leaf, Value)]


def _from_state(start: Value, time: int, target: Value) -> list[Edge]:
    """Return the edges from a first state (layers directions, B, hidden) to all steps."""
    count, batch, width = start.shape
    alone = (batch, 1, width) if time else (1, batch, width)
    steps = (
        Reduce((0,), (count,)),
        Reshape((1, batch, width), alone),
        Mix(2, width, target.shape[2]),
        Spread((time,), (target.shape[time],)),
    )
    return edges(start, steps, target)


def _between_states(node: Node, state: Value) -> list[Edge]:
    """Return the edges from first states to last ones: of one sequence, through all layers."""
    found = []
    for start in _states(node):
        if len(start.shape) == len(state.shape) == 3 and start.shape[1] == state.shape[1]:
            layers = (Reduce((0,), start.shape[:1]), Spread((0,), state.shape[:1]))
            found += edges(start, (*layers, Mix(2, start.shape[2], state.shape[2])), state)
    return found


def _of_packed(node: Node, source: Any, target: Value, states: list[Value]) -> list[Edge]:
    """Return the edges of sequences that are packed step after step, the longest first."""
    sizes = node.arguments["batch_sizes"]
    left = sizes if isinstance(sizes, list | tuple) else constant(sizes).tolist()
    sequence = np.concatenate([np.arange(count) for count in left])
    step = np.repeat(np.arange(len(left)), left)
    own = sequence[:, None] == sequence
    given, mix = node.arguments, Mix(1, shape_of(source)[1], target.shape[1])
    first = np.arange(target.shape[1]) < target.shape[1] // 2
    past, ahead = own & (step <= step[:, None]), own & (step >= step[:, None])
    if not given.get("bidirectional"):
        found = edges(source, (mix, Take(0, from_matrix(past))), target)
    elif given["num_layers"] > 1:
        found = edges(source, (mix, Take(0, from_matrix(own))), target)
    else:
        found = edges(source, (mix, Take(0, from_matrix(past)), Keep(first[None])), target)
        found += edges(source, (mix, Take(0, from_matrix(ahead)), Keep(~first[None])), target)
    for state in states:
        if len(state.shape) == 3 and state.shape[1] == left[0]:
            rows = Take(0, from_matrix(np.arange(left[0])[:, None] == sequence))
            wide = (Mix(1, shape_of(source)[1], state.shape[2]), rows)
            flat = Reshape((left[0], state.shape[2]), (1, *state.shape[1:]))
            found += edges(source, (*wide, flat, Spread((0,), state.shape[:1])), state)
            found += _between_states(node, state)
    for start in _states(node):
        count, batch, width = start.shape
        alone = (Reduce((0,), (count,)), Reshape((1, batch, width), (batch, width)))
        steps = (*alone, Mix(1, width, target.shape[1]), Take(0, gather(batch, sequence)))
        found += edges(start, steps, target)
    return found


@RULES.of("_thnn_fused_lstm_cell", "_thnn_fused_gru_cell")
def cell(node: Node, zeros: Zeros) -> list[Edge]:
    """Gates (B, n hidden) and a state (B, hidden) to the next one: unit by unit."""
    given, found = node.arguments, []
    for target in targets(node):
        for name in ("input_gates", "hidden_gates", "cx", "hx"):
            found += _by_unit(given.get(name), target)
        for name in ("input_bias", "hidden_bias"):
            found += from_all(given.get(name), target)
    return found


def _by_unit(source: Any, target: Value) -> list[Edge]:
    if not isinstance(source, Value):
        return []
    batch, width = target.shape
    own = source.shape[1]
    hidden = int(np.gcd(own, width))
    steps = (
        Reshape(source.shape, (batch, own // hidden, hidden)),
        Reduce((1,), (own // hidden,)),
        Spread((1,), (width // hidden,)),
        Reshape((batch, width // hidden, hidden), target.shape),
    )
    return edges(source, steps, target)


def _within(lengths: Any, time: int, batch: int) -> Steps:
    """Return the step that leaves out what lies behind the end of each sequence, where it is known.

    Of `(time, batch, classes)`.
    """
    if isinstance(lengths, Value) or any(isinstance(one, Value) for one in tree_leaves(lengths)):
        return ()
    if not isinstance(lengths, list | tuple) and lengths.is_meta:
        return ()
    ends = np.broadcast_to(np.asarray(lengths), (batch,))
    return (Keep((np.arange(time)[:, None] < ends)[:, :, None]),)


@RULES.of("_ctc_loss")
def ctc_loss(node: Node, zeros: Zeros) -> list[Edge]:
    """Scores (T, B, C) of a sequence to one number, and its sums so far (B, T, 2 S + 1)."""
    given, (loss, sums) = node.arguments, targets(node)
    source = given["log_probs"]
    time, *rest = shape_of(source)
    if len(rest) != 2:
        raise DataDependentError
    batch, classes = rest
    within = _within(given["input_lengths"], time, batch)
    steps = (*within, Reduce((0, 2), (time, classes)), Reshape((1, batch, 1), (batch,)))
    found = edges(source, steps, loss)
    if len(sums.shape) == 3 and sums.shape[1] == time:
        so = (Take(0, so_far(time)), Mix(2, classes, sums.shape[2]))
        found += edges(source, (*so, Permute((1, 0, 2))), sums)
    else:
        found += from_all(source, sums)
    lengths = [given[name] for name in ("targets", "input_lengths", "target_lengths")]
    for value in tree_leaves(lengths):
        found += from_all(value, loss, sums)
    return found
