"""Multiply-accumulates of a training step: forward, backward, and what is computed again.

Two roads. The closed form goes by which operands need a gradient: the backward of a product does
as much again for each operand that needs one, and nothing where none does. The other counts what
torch's dispatcher runs in a real backward pass on shapes. They share the forward's formulas, not
the rule: what a backward multiplies is read from its own operators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.counting.custom import answer
from archscope.counting.execution import KEPT, Kept, ShapesOnly
from archscope.counting.gradients import carries_none
from archscope.counting.known import Operator, operator_of
from archscope.counting.layouts import Formula
from archscope.counting.ownership import multiplied
from archscope.errors import ArchscopeError, ForwardError, first_line
from archscope.records import frozen
from archscope.running.as_written import as_written
from archscope.running.module_stack import tensors_in
from archscope.running.process import raise_interrupt, random_as_found
from archscope.running.twin import Original, ReachedOriginalError, Twin, bodiless, own
from archscope.subject import Repeat, Subject
from archscope.training.hints import hint
from archscope.training.kernels import AsOnCard
from archscope.training.places import Places
from archscope.training.prepared import prepared
from archscope.training.recipe import Recipe
from archscope.training.unfolding import has_little_data, told_apart, unfolded


@frozen
class Product:
    """One product of the forward, and which of its operands need a gradient."""

    path: str
    """The module that ran it."""
    macs: int
    """Of the product itself."""
    by_weight: int
    """Multiply-accumulates of the backward for gradients of weights."""
    by_input: int
    """Multiply-accumulates of the backward for gradients of what is no weight."""
    node: int
    """The number of its node in the graph; what no output depends on has no backward."""


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
    again: Counter[str]
    """Of the forward, run again in the backward pass."""
    unknown: frozenset[str]
    """Operators whose multiply-accumulates nobody knows."""
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
            again=more(self.again),
        )


def count_step(subject: Subject, recipe: Recipe) -> Work:
    """Run a forward and a backward pass of `subject` on shapes, and count what they multiply.

    Where the forward reads values it is run on copies that have them, if the network is there with
    its data. Raises `ForwardError` where it cannot be run.
    """
    if subject.inputs is None:
        raise ForwardError(f"{subject.name} has no inputs; a step needs one call's arguments")
    if told_apart(subject, recipe):
        subject = unfolded(subject)
    chance_as_found, failures = random_as_found(), []
    ways: list[Kept | None] = [*KEPT, *([None] if has_little_data(subject) else [])]
    for kept in ways:
        chance_as_found()
        try:
            return _counted(subject, recipe, kept)
        except ForwardError as failure:
            failures.append(failure)
    raise failures[0]


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
        places = Places(twin.model, (repeat.path for repeat in subject.repeats))
        counter = _Counter(twin, places)
        with places.stack, counter, around():
            _run(twin, counter, places)
    if places.unlike and subject.whole is not None:  # the first of the copies is unlike the others
        return _counted(unfolded(subject), recipe, kept)
    return replace(counter.work(), repeats=subject.repeats, has_data=kept is None)


_STEP_BY_STEP = Recipe(attention="math", dropout="cpu")
"""Attention as products that are seen each."""


def _weight(tensor: Tensor) -> Tensor:
    return bodiless(tensor) if isinstance(tensor, torch.nn.Parameter) else _argument(tensor)


def _argument(tensor: Tensor) -> Tensor:
    numbers = tensor.is_floating_point() or tensor.is_complex()
    return bodiless(tensor) if numbers or tensor.is_meta else own(tensor)


def _run(twin: Twin, counter: _Counter, places: Places) -> None:
    try:
        outputs = twin.run()
        roots = [tensor for tensor in tensors_in(outputs) if tensor.requires_grad]
        if not roots:
            raise ArchscopeError("nothing can be trained: no output depends on a trained parameter")
        counter.reached = _nodes(roots)
        torch.autograd.backward(roots, [torch.ones_like(root) for root in roots])
    except ArchscopeError:
        raise
    except ReachedOriginalError as reached:
        raise ForwardError(
            f"a copy runs, so that yours stays as it is, and it calls your own {reached} by a name "
            "from outside: let its forward use self"
        ) from None
    except Exception as failure:
        raise_interrupt(failure)
        where = places.stack.current or "the model itself"
        raise ForwardError(
            f"a training step failed in {where}: {first_line(failure)}" + hint(failure)
        ) from failure


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


class _Counter(TorchDispatchMode):
    """Counts products in the forward, and in the backward whatever torch runs."""

    supports_higher_order_operators = True

    def __init__(self, twin: Twin, places: Places) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._twin = twin
        self._places = places
        self._known: dict[Any, Operator] = {}
        self._storages = {p.untyped_storage()._cdata for p in twin.model.parameters()}
        self._products: list[Product] = []
        self._backward: Counter[str] = Counter()
        self._again: Counter[str] = Counter()
        self._unknown: set[str] = set()
        self.reached: set[int] = set()
        """The numbers of the nodes that a gradient goes through."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operator = self._known.get(func)
        if operator is None:
            operator = self._known[func] = operator_of(func)
        if operator.composite:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **kwargs)
        if operator.formula is not None:
            macs = _macs(operator, operator.formula, args, kwargs, result)
            if macs is None:
                self._unknown.add(operator.name)
            self._record(operator, args, macs or 0)
        elif operator.kind == "unknown" and not carries_none(operator.name):
            self._unknown.add(operator.name)
        return result

    def _record(self, operator: Operator, args: Any, macs: int) -> None:
        path = self._places.current()
        if torch._C._current_autograd_node() is None:
            self._products.append(self._product(operator, args, path, macs))
        elif torch.is_grad_enabled():
            self._again[path] += macs
        else:
            self._backward[path] += macs

    def _product(self, operator: Operator, args: Any, path: str, macs: int) -> Product:
        """Return a product of the forward; each operand that needs a gradient is a product more.

        Of an operator of several products, as fused attention, each operand has its share.
        """
        tensors = [each for each in _flat(args) if isinstance(each, Tensor)]
        operands = list(multiplied(operator.name, tensors)) if torch.is_grad_enabled() else []
        needing = [each for each in operands if each.requires_grad]
        weights = sum(self._is_weight(each) for each in needing)
        return Product(
            path=path,
            macs=macs,
            by_weight=weights * macs,
            by_input=(len(needing) - weights) * macs,
            node=int(torch.autograd._get_sequence_nr()) - 1,  # type: ignore[attr-defined]
        )

    def _is_weight(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage()._cdata in self._storages

    def work(self) -> Work:
        """Return what was counted, of products behind which gradients came alone."""
        found = {name: Counter[str]() for name in ("forward", "by_weight", "by_input")}
        for product in self._products:
            found["forward"][product.path] += product.macs
            if product.node in self.reached:
                found["by_weight"][product.path] += product.by_weight
                found["by_input"][product.path] += product.by_input
        model = self._twin.model
        sizes: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for path, parameter in _held_once(model):
            sizes[parameter.requires_grad][path] = (
                sizes[parameter.requires_grad].get(path, 0) + parameter.numel()
            )
        return Work(
            forward=found["forward"],
            by_weight=found["by_weight"],
            by_input=found["by_input"],
            backward=self._backward,
            again=self._again,
            unknown=frozenset(self._unknown),
            types={path: type(module).__name__ for path, module in model.named_modules()},
            trains=sizes[True],
            frozen=sizes[False],
            repeats=(),
        )


def _macs(operator: Operator, formula: Formula, args: Any, kwargs: Any, result: Any) -> int | None:
    """Return what a formula says; None where it says nothing of these operands."""
    if operator.source:
        return answer(formula, args, kwargs, result)[0]
    return formula(*args, result=result, **kwargs)


def _held_once(model: torch.nn.Module) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    for path, module in model.named_modules():
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, parameter


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]
