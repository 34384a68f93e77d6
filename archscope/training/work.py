"""Multiply-accumulates of a training step: forward, backward, and what is computed again.

Two roads. The closed form goes by which operands need a gradient: the backward of a product does
as much again for each operand that needs one, and nothing where none does. The other counts what
torch's dispatcher runs in a real backward pass on shapes. They share the forward's formulas, not
the rule: what a backward multiplies is read from its own operators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from archscope.counting.execution import KEPT, Kept, ShapesOnly, addresses_refused
from archscope.errors import ForwardError
from archscope.records import frozen
from archscope.running.as_written import as_written
from archscope.running.attributes import newly_made
from archscope.running.module_stack import tensors_in
from archscope.running.process import random_as_found, random_drawn
from archscope.running.twin import Original, Twin, bodiless, own
from archscope.subject import Repeat, Subject
from archscope.training.backward import run_backward
from archscope.training.complex_products import ComplexAsFour
from archscope.training.failures import (
    fails_with_data_too,
    refuse_threads,
    refuse_untrained,
    told,
)
from archscope.training.folding import block_of
from archscope.training.kernels import AsOnCard, own_recurrences_step_by_step
from archscope.training.places import Places
from archscope.training.preparation import prepared
from archscope.training.products import ProductCounter, held_once
from archscope.training.recipe import Recipe
from archscope.training.unfolding import has_little_data, told_apart, unfolded


@frozen
class Work:
    """What a training step multiplies, by the path of each module's own; one copy of a block."""

    forward: Counter[str]
    by_weight: Counter[str]
    """Of the backward, by the closed form: gradients of weights."""
    by_input: Counter[str]
    """Of the backward, by the closed form: gradients of activations."""
    backward: Counter[str]
    """Of the backward, as torch's dispatcher ran it."""
    by_function: Counter[str]
    """Of that, what is the backward of no product: the closed form knows nothing of it."""
    functions: frozenset[str]
    """Whose that is: functions with a backward of their own, by the names of their nodes."""
    again: Counter[str]
    """Of the forward, run again in the backward pass."""
    unknown: frozenset[str]
    """Operators whose multiply-accumulates nobody knows."""
    filled: tuple[str, ...]
    """Modules that read memory which something out of torch's sight had filled, by path."""
    types: dict[str, str]
    """The class of each module, by path."""
    trains: dict[str, int]
    """Elements of the parameters that are trained, by the path of their first holder."""
    frozen: dict[str, int]
    """Elements of those that are not."""
    repeats: tuple[Repeat, ...]
    """Blocks that were run once and stand for several."""
    has_data: bool = False
    """Whether it ran on data, since the forward reads values."""
    weighs: bool = False
    """Whether a softmax ran, as attention's."""
    made: tuple[str, ...] = ()
    """The parameters that the forward made, by name."""
    draws: bool = False
    """Whether the forward drew random numbers, which may choose what it runs."""

    @property
    def trained(self) -> int:
        """Elements of all parameters that are trained, those of every copy of a block."""
        return self._all(self.trains, shared=False)

    @property
    def forward_macs(self) -> int:
        """Multiply-accumulates of the forward of the whole network."""
        return self._all(self.forward, shared=True)

    @property
    def backward_macs(self) -> int:
        """Multiply-accumulates of the backward of the whole network."""
        return self._all(self.backward, shared=True)

    @property
    def again_macs(self) -> int:
        """Multiply-accumulates of the whole network that run again."""
        return self._all(self.again, shared=True)

    def _all(self, own: Mapping[str, int], *, shared: bool) -> int:
        """Return a sum over all modules and copies; `shared`: copies of one block count too."""
        found = 0
        for path, amount in own.items():
            block = block_of(path, self.repeats)
            alone = block is None or (block.shared and not shared)
            found += amount * (1 if alone else len(block.copies if block else ()))
        return found

    def times(self, passes: int) -> Work:
        """Return what so many passes multiply."""

        def more(counts: Counter[str]) -> Counter[str]:
            return Counter({path: passes * count for path, count in counts.items()})

        return replace(
            self,
            forward=more(self.forward),
            by_weight=more(self.by_weight),
            by_input=more(self.by_input),
            backward=more(self.backward),
            by_function=more(self.by_function),
            again=more(self.again),
        )


def count_step(subject: Subject, recipe: Recipe) -> Work:
    """Run a forward and a backward pass of `subject` on shapes, and count what they multiply.

    Where the forward reads values it is run on copies that have them, if the network is there with
    its data. Raises `ForwardError` where it cannot be run.
    """
    subject.required_inputs("a training step")
    if told_apart(subject, recipe):
        subject = unfolded(subject)
    chance_as_found, failures = random_as_found(), []
    ways: list[Kept | None] = [*KEPT, *([None] if has_little_data(subject) else [])]
    for kept in ways:
        chance_as_found()
        try:
            return _counted(subject, recipe, kept)
        except ForwardError as failure:
            if fails_with_data_too(failure):
                raise
            failures.append(failure)
    raise failures[-1 if ways[-1] is None else 0]  # with data it is the network's own


def _counted(subject: Subject, recipe: Recipe, kept: Kept | None) -> Work:
    """Count a step on shapes, `kept` as for `ShapesOnly`; None: on copies with data."""
    assert subject.inputs is not None
    original = Original(subject.model, subject.inputs)
    shapes = nullcontext() if kept is None else ShapesOnly(kept=kept, original=original)
    weight, argument = (own, own) if kept is None else (_weight, _argument)
    with shapes, original.out_of_reach(writes=kept is None), as_written(), torch.enable_grad():
        # On shapes torch takes attention step by step by itself.
        by_itself = kept is not None and not (recipe.recompute and recipe.recompute.core)
        as_products = replace(_STEP_BY_STEP, recompute=recipe.recompute)
        around = nullcontext if by_itself else partial(AsOnCard, as_products)
        twin = prepared(
            original,
            recipe,
            weight=weight,
            argument=argument,
            repeats=subject.repeats,
            around=around,
        )
        places = Places(twin.model, (each.path for each in subject.repeats if len(each.copies) > 1))
        counter, drawn = ProductCounter(twin, places), random_drawn()
        made = newly_made(twin.model)
        # Shapes have no values that could leave torch.
        sight = counter.sight if kept is None else addresses_refused(original)
        alike = own_recurrences_step_by_step(twin.model)
        with alike, places.stack, counter, around(), ComplexAsFour(), sight:
            _run(twin, counter, places)
    if places.unlike and subject.whole is not None:  # the first of the copies is unlike the others
        return _counted(unfolded(subject), recipe, kept)
    work = _work(counter, twin.model, has_data=kept is None)
    return replace(work, repeats=subject.repeats, made=made(), draws=bool(drawn()))


_SOFTMAXES = frozenset(("aten::_softmax", "aten::_safe_softmax"))
_STEP_BY_STEP = Recipe(attention="math", dropout="cpu")
"""Attention as products that are seen each."""


def _weight(tensor: Tensor) -> Tensor:
    return bodiless(tensor) if isinstance(tensor, nn.Parameter) else _argument(tensor)


def _argument(tensor: Tensor) -> Tensor:
    numbers = tensor.is_floating_point() or tensor.is_complex()
    return bodiless(tensor) if numbers or tensor.is_meta else own(tensor)


def _run(twin: Twin, counter: ProductCounter, places: Places) -> None:
    with told(places):
        outputs = twin.run()
        refuse_threads(places)
        counter.sight.unwritten.returned(outputs, "")
        roots = [tensor for tensor in tensors_in(outputs) if tensor.requires_grad]
        refuse_untrained(roots, places)
        counter.reached = _nodes(roots)
        places.turned = True
        run_backward(roots)


def _nodes(roots: list[Tensor]) -> set[int]:
    """Return the numbers of the nodes that gradients of these tensors go through."""
    waiting: list[Any] = [root.grad_fn for root in roots if root.grad_fn is not None]
    seen: set[Any] = set(waiting)
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None and node not in seen:
                seen.add(node)
                waiting.append(node)
    return {node._sequence_nr() for node in seen}


def _work(counter: ProductCounter, model: nn.Module, *, has_data: bool) -> Work:
    """Return what was counted, and which parameters are trained."""
    sizes: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for path, parameter in held_once(model):
        sizes[parameter.requires_grad][path] += parameter.numel()
    by_weight, by_input = counter.closed()
    by_function, functions = counter.by_functions()
    return Work(
        forward=counter.forward(),
        by_weight=by_weight,
        by_input=by_input,
        backward=counter.backward(),
        by_function=by_function,
        functions=functions,
        again=counter.again(),
        unknown=frozenset(counter.unknown),
        filled=tuple(counter.sight.unwritten.found) if has_data else (),
        has_data=has_data,
        weighs=counter.ran(_SOFTMAXES),
        types={path: type(module).__name__ for path, module in model.named_modules()},
        trains=dict(sizes[True]),
        frozen=dict(sizes[False]),
        repeats=(),
    )
