"""Counts the products of a training step: of the forward, of the backward, of what runs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.counting.custom import answer
from archscope.counting.formulas import trilinear
from archscope.counting.gradients import carries_none
from archscope.counting.layouts import Formula, is_sparse
from archscope.counting.operator_info import Operator, operator_of
from archscope.counting.out_of_sight import OutOfSight, tensors_of
from archscope.counting.ownership import Holders, deciding, held_tensors, multiplied, owner
from archscope.records import frozen
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.higher_order import derived, kernel_of, sees_functions
from archscope.running.storages import keys_of
from archscope.running.twin import Twin
from archscope.training.places import Places, runs_again

_TRANSPOSED = ("TBackward0", "TransposeBackward0")


@frozen
class Product:
    """One product that autograd was asked for, and which of its operands need a gradient."""

    path: str
    """The module that holds its weights, as in a count of the forward alone."""
    macs: int
    """Of the product itself."""
    by_weight: int
    """Multiply-accumulates of the backward for gradients of weights."""
    by_input: int
    """Multiply-accumulates of the backward for gradients of what is no weight."""
    node: int
    """The number of its node in the graph; what no output depends on has no backward."""
    again: bool
    """Whether it runs again in the backward pass, so that its node is of a graph of its own."""


@sees_functions
class ProductCounter(TorchDispatchMode):
    """Counts products in the forward, and in the backward whatever torch runs."""

    def __init__(self, twin: Twin, places: Places) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._places = places
        self._known: dict[Any, Operator] = {}
        self._weights = set(keys_of(parameters_of(twin.model)))
        self._constants = set(keys_of(buffers_of(twin.model)))
        self._holders = _holders_by_key(twin.model)
        self._products: list[Product] = []
        self._backward: list[tuple[str, int, int, str]] = []
        self.sight = OutOfSight(asked_alone=True)
        """Follows memory that is filled by what is not torch; of use where a step has data."""
        self.unknown: set[str] = set()
        """Operators whose multiply-accumulates nobody knows."""
        self.reached: set[int] = set()
        """The numbers of the nodes that a gradient goes through."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(kind.__torch_dispatch__ is not Tensor.__torch_dispatch__ for kind in types):
            return NotImplemented  # a class that runs operators of its own on what it holds
        kernel = kernel_of(func)
        if kernel is not None:
            return derived(kernel, self, args, kwargs)
        operator = self._known.get(func)
        if operator is None:
            operator = self._known[func] = operator_of(func)
        if operator.composite:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                self.sight.unwritten.known(tensors_of(parts))
                return parts
        result = func(*args, **kwargs)
        if not self._places.turned:
            self._follow(operator, args, result)
        self.sight.ran(operator, func, args, kwargs, result, self._places.current())
        if operator.formula is not None:
            macs = _macs(operator, operator.formula, args, kwargs, result)
            if macs is None:
                self.unknown.add(operator.name)
            self._record(operator, args, macs or 0)
        elif operator.kind == "unknown" and not carries_none(operator.name):
            self.unknown.add(operator.name)
        return result

    def _follow(self, operator: Operator, args: Any, result: Any) -> None:
        """Take for weights what is made of weights without a product: masked, scaled, cast."""
        given = [each for each in _flat(args) if isinstance(each, Tensor)]
        made = set(keys_of(each for each in _flat(result) if isinstance(each, Tensor)))
        made -= set(keys_of(given))  # a view is what it is a view of
        if (
            operator.formula is None
            and any(map(self._is_weight, given))
            and all(
                self._is_weight(each)
                or not each.ndim
                or self._constants.issuperset(keys_of((each,)))
                for each in given
            )
        ):
            self._weights |= made
        else:  # memory that was a weight's may be another's by now
            self._weights -= made

    def _record(self, operator: Operator, args: Any, macs: int) -> None:
        path = self._places.current()
        node: Any = torch._C._current_autograd_node()
        if not self._places.turned or runs_again():
            self._products.append(self._product(operator, args, path, macs))
        elif node is not None:
            self._backward.append((path, macs, int(node._sequence_nr()), str(node.name())))

    def _product(self, operator: Operator, args: Any, path: str, macs: int) -> Product:
        """Return a product of the forward; each operand that needs a gradient is a product more.

        Of an operator of several products, as fused attention, each operand has its share.
        """
        tensors = [each for each in _flat(args) if isinstance(each, Tensor)]
        factors = list(multiplied(operator.name, tensors))
        operands = factors if torch.is_grad_enabled() else []
        costs = _costs(operator.name, args, operands, macs)
        found = {True: 0, False: 0}
        for each, cost in zip(operands, costs, strict=True):
            found[self._is_weight(each)] += cost if each.requires_grad else 0
        return Product(
            path=owner(list(self._held(deciding(operator.name, factors))), path),
            macs=macs,
            by_weight=found[True],
            by_input=found[False],
            node=int(torch.autograd._get_sequence_nr()) - 1,  # type: ignore[attr-defined]
            again=self._places.turned,
        )

    def _is_weight(self, tensor: Tensor) -> bool:
        return any(key in self._weights for key in keys_of((_as_held(tensor),)))

    def _held(self, factors: Sequence[Tensor]) -> Iterator[Holders]:
        """Yield who holds each factor that is a weight."""
        for factor in factors:
            holders = [self._holders.get(key, ()) for key in keys_of((_as_held(factor),))]
            yield from filter(None, holders[-1:])

    def ran(self, names: Collection[str]) -> bool:
        """Return whether an operator of one of these names ran."""
        return any(operator.name in names for operator in self._known.values())

    def forward(self) -> Counter[str]:
        """Return the products of the forward."""
        return _summed((each.path, each.macs) for each in self._products if not each.again)

    def again(self) -> Counter[str]:
        """Return the products of the forward that ran again in the backward pass."""
        return _summed((each.path, each.macs) for each in self._products if each.again)

    def closed(self) -> tuple[Counter[str], Counter[str]]:
        """Return what the backward multiplies by the closed form, for weights and for inputs.

        Behind which products gradients came is known of the forward by its graph. What runs again
        has a graph of its own, of which torch may use what was kept alone, or go through it.
        """
        ran = self.reached | {node for _, _, node, _ in self._backward}
        through = [p for p in self._products if p.node in (ran if p.again else self.reached)]
        return (
            _summed((each.path, each.by_weight) for each in through),
            _summed((each.path, each.by_input) for each in through),
        )

    def backward(self) -> Counter[str]:
        """Return the products of the backward as torch's dispatcher ran them."""
        paths = {p.node: p.path for p in self._products if p.by_weight or p.by_input}
        return _summed((paths.get(node, path), macs) for path, macs, node, _ in self._backward)

    def by_functions(self) -> tuple[Counter[str], frozenset[str]]:
        """Return those of them that are the backward of no product, and whose they are."""
        of_products = {p.node for p in self._products if p.by_weight or p.by_input}
        others = [each for each in self._backward if each[2] not in of_products]
        names = frozenset(name for _, macs, _, name in others if macs)
        return _summed((path, macs) for path, macs, _, _ in others), names


def _as_held(tensor: Tensor) -> Tensor:
    """Return the tensor that a sparse one is the transpose of: torch may have copied its places."""
    node: Any = tensor.grad_fn if is_sparse(tensor) else None
    while node is not None and node.name() in _TRANSPOSED:
        node = node.next_functions[0][0]
    return getattr(node, "variable", tensor)


def _summed(counts: Iterator[tuple[str, int]]) -> Counter[str]:
    found = Counter[str]()
    for path, macs in counts:
        found[path] += macs
    return found


def _macs(operator: Operator, formula: Formula, args: Any, kwargs: Any, result: Any) -> int | None:
    """Return what a formula says; None where it says nothing of these operands."""
    if operator.source:
        return answer(formula, args, kwargs, result)[0]
    return formula(*args, result=result, **kwargs)


def _costs(name: str, args: Any, operands: Sequence[Tensor], macs: int) -> Sequence[int]:
    """Return what the backward multiplies for the gradient of each operand of a product.

    As much as the forward; but what is summed over one number alone is elementwise, as outer
    products are: the gradient of a matrix that met a vector, and of both vectors of a dot product.
    """
    if name in ("aten::mv", "aten::addmv"):
        return (0, macs)[: len(operands)]
    if name in ("aten::dot", "aten::vdot"):
        return [0] * len(operands)
    if name == "aten::_trilinear":
        return _trilinear_costs(args)
    if any(map(is_sparse, operands)):
        return _sparse_costs(name, operands, macs)
    return [macs] * len(operands)


def _sparse_costs(name: str, operands: Sequence[Tensor], macs: int) -> Sequence[int]:
    """Return what the gradient of each factor sums, where one stores some of its entries alone.

    For the other factor's gradient these meet the result's. Their own gradient is a dense product,
    of which `torch.sparse.mm` keeps the entries that are stored; rows compressed, it makes no more.
    """
    a, b = operands
    if is_sparse(a) and is_sparse(b):
        return [macs, macs]
    rows_alone = name == "aten::_sparse_addmm" and a.layout is torch.sparse_csr
    dense = macs if rows_alone else a.numel() * b.shape[-1]
    return [dense if is_sparse(each) else macs for each in operands]


def _trilinear_costs(args: Any) -> Sequence[int]:
    """Return what the gradient of each factor sums: over the axes that the factor lacks."""
    return [trilinear(*args[:6], lacking) for lacking in args[3:6]]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]


def _holders_by_key(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each block of memory, without those that different weights share."""
    found: dict[int, Holders] = {}
    tensors: dict[int, set[int]] = {}
    for path, tensor in held_tensors(model):
        for key in keys_of((tensor,)):
            tensors.setdefault(key, set()).add(id(tensor))
            found[key] = (*found.get(key, ()), path)
    return {key: paths for key, paths in found.items() if len(tensors[key]) == 1}


def held_once(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield each parameter with the path of its first holder."""
    seen: set[int] = set()
    for path, module in model.named_modules():
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, parameter
