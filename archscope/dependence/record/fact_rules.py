"""What operators leave of zeros and of blocked scores in what they make of constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from archscope.dependence.record.matrix_series import SERIES, led_to
from archscope.records import frozen

BLOCKED = -9_000.0
"""Scores at or below are blocked: exp of such a difference is 0 in float64, which ends at -745."""
LOWEST = -1e30
"""A score that is blocked, and not known to be -inf."""
MOST_ELEMENTS = 1 << 26
"""Elements of a constant of which each is followed."""
_MOST_PRODUCTS = 1 << 31
"""Products up to which it is followed where a product of matrices is zero."""


_NO_MASK = 0.5
"""What stands for a number that is not known."""


@frozen
class Facts:
    """Where a tensor is known to be zero, and where so low that a softmax makes it zero."""

    zero: Tensor | None = None
    """Booleans, one for each element; None: nowhere."""
    low: Tensor | None = None
    """The same of scores."""

    def __bool__(self) -> bool:
        return self.zero is not None or self.low is not None

    def low_alone(self) -> Facts:
        """Return what is known of scores."""
        return Facts(low=self.low)

    def stand_in(self, constant: Tensor) -> Tensor:
        """Return one that is 0 and low where that is known, and 1/2 elsewhere: no mask.

        Of complex numbers both parts are. How low it is tells the constant, if it has values.
        """
        half = complex(_NO_MASK, _NO_MASK) if constant.is_complex() else _NO_MASK
        made = torch.full(constant.shape, half)
        if self.low is not None:
            numbers = torch.tensor(LOWEST) if constant.is_meta else constant.detach().cpu().float()
            made = torch.where(self.low, numbers, made)
        return made if self.zero is None else made.masked_fill_(self.zero, 0.0)

    def viewed(self, tensor: Tensor) -> Facts:
        """Return what is known of a tensor, from what is known of its memory."""
        if tensor.layout is not torch.strided:
            return self
        size, stride, start = tensor.size(), tensor.stride(), int(tensor.storage_offset())

        def view(flat: Tensor | None) -> Tensor | None:
            if flat is None or (tensor.numel() and _last(size, stride, start) >= len(flat)):
                return None
            return _some(flat.as_strided(size, stride, start))

        return Facts(zero=view(self.zero), low=view(self.low))

    def written(self, tensor: Tensor, part: Facts) -> Facts:
        """Return what is known of memory after a tensor in it was given other values."""
        count = tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)

        def write(flat: Tensor | None, mask: Tensor | None) -> Tensor | None:
            if flat is None and mask is None:
                return None
            made = torch.zeros(count, dtype=torch.bool) if flat is None else flat.clone()
            place = made.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
            place.copy_(torch.tensor(False) if mask is None else mask)
            return _some(made)

        return Facts(zero=write(self.zero, part.zero), low=write(self.low, part.low))


def is_stand_in(constant: Tensor) -> bool:
    """Return whether a constant looks as `Facts.stand_in` makes them: its numbers are not known."""
    unknown = constant == _NO_MASK
    return bool(unknown.any()) and bool((unknown | (constant == 0) | (constant <= BLOCKED)).all())


def _last(size: Any, stride: Any, start: int) -> int:
    return int(start + sum((n - 1) * step for n, step in zip(size, stride, strict=True)))


def _some(mask: Tensor) -> Tensor | None:
    return mask if bool(mask.any()) else None


def facts_of_values(tensor: Tensor) -> Facts:
    """Return what a constant's values say."""
    if tensor.layout is torch.sparse_coo and tensor.numel() <= MOST_ELEMENTS:
        tensor = tensor.to_dense()
    if tensor.is_meta or tensor.layout is not torch.strided or tensor.numel() > MOST_ELEMENTS:
        return Facts()
    values = tensor.detach().cpu()
    if values.is_floating_point() and values.itemsize == 1:
        values = values.float()  # of 8 bits are few operators
    low = _some(values <= BLOCKED) if values.is_floating_point() else None
    return Facts(zero=_some(values == 0), low=low)


Known = Callable[[Tensor], Facts]
_Rule = Callable[[str, Mapping[str, Any], Known], Facts]


def facts_of(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """Return what is known of the first result of an operator on constants."""
    rule = _RULES.get(name)
    if rule is None:
        return Facts()
    try:
        return rule(name, given, known)
    except (RuntimeError, TypeError, AttributeError):  # an overload that takes other arguments
        return Facts()


def is_zero(argument: Any) -> bool:
    """Return whether a number, or a constant of one element, is zero."""
    if isinstance(argument, Tensor):
        return not argument.is_meta and argument.numel() == 1 and argument.item() == 0
    return isinstance(argument, int | float) and argument == 0


def is_low(argument: Any) -> bool:
    """Return whether a score is so low that a softmax makes it exactly zero."""
    if isinstance(argument, Tensor):
        if argument.is_meta or argument.numel() != 1:
            return False
        argument = argument.item()
    return isinstance(argument, int | float) and argument <= BLOCKED


DATA = frozenset(("self", "src", "source", "values", "value", "tensors", "other", "input"))
"""How operators that move elements call what they move."""


def _moved(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """Run an operator that moves elements, and adds none, on what is known of each."""
    if given.get("accumulate") or given.get("reduce") is not None:
        return Facts()
    zero = _moved_kind(name, given, lambda t: known(t).zero, is_zero, cuts=name in _CUTTING)
    return Facts(zero=zero, low=_moved_kind(name, given, lambda t: known(t).low, is_low))


def _moved_kind(
    name: str,
    given: Mapping[str, Any],
    mask_of: Callable[[Tensor], Tensor | None],
    fills: Callable[[Any], bool],
    *,
    cuts: bool = False,
) -> Tensor | None:
    """Return where one of the two is known; with `cuts` what is left out becomes zero."""
    some = cuts

    def put(argument: Any) -> Any:
        nonlocal some
        if isinstance(argument, list | tuple):
            return [put(one) for one in argument]
        if not isinstance(argument, Tensor):
            filled = isinstance(argument, int | float) and fills(argument)
            some = some or filled
            return filled if isinstance(argument, int | float) else argument
        mask = mask_of(argument)
        some = some or mask is not None
        return torch.empty(argument.shape, device="meta") if mask is None else mask

    moved = {n: put(argument) for n, argument in given.items() if n in DATA}
    if not some:
        return None
    arguments = {n: _filled(moved[n]) if n in moved else a for n, a in given.items()}
    if cuts:
        others = {n: _others(arguments[n]) for n in moved}
        return _some(~_run(name, {**arguments, **others}))
    return _some(_run(name, arguments))


def _others(argument: Any) -> Any:
    """Return booleans the other way round."""
    return [~one for one in argument] if isinstance(argument, list) else ~argument


def _filled(argument: Any) -> Any:
    """Return booleans in place of what nothing is known of."""
    if isinstance(argument, list):
        return [_filled(one) for one in argument]
    if not isinstance(argument, Tensor):
        return argument
    return torch.zeros(argument.shape, dtype=torch.bool) if argument.is_meta else argument.clone()


_CUTTING = frozenset(("tril", "triu", "diag_embed", "block_diag"))


def _run(name: str, arguments: Mapping[str, Any]) -> Tensor:
    operator = "clone" if name == "_to_copy" else name
    first, *rest = arguments.values()
    if name in ("_to_copy", "clone", "contiguous"):
        rest = []
    if name in ("fill", "zero"):
        return torch.full_like(first, bool(rest[0]) if rest else True)
    if name == "copy":
        return torch.broadcast_to(rest[0], first.shape)
    names = list(arguments)[1:]
    made: Tensor = getattr(torch.ops.aten, operator)(first, **dict(zip(names, rest, strict=False)))
    return made


def _zeroed(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """All becomes zero."""
    return Facts(zero=torch.ones(given["self"].shape, dtype=torch.bool))


def _product(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    return Facts(zero=_either(*(_of(given[n], known).zero for n in ("self", "other"))))


def _quotient(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    shape = torch.broadcast_shapes(*(_shape(given[n]) for n in ("self", "other")))
    zero = _of(given["self"], known).zero
    return Facts(zero=None if zero is None else zero.expand(shape))


def _sum(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    one, two = (_of(given[n], known) for n in ("self", "other"))
    zero = None if one.zero is None or two.zero is None else _some(one.zero & two.zero)
    shape = torch.broadcast_shapes(*(_shape(given[n]) for n in ("self", "other")))
    low = one.low if name == "sub" else _either(one.low, two.low)
    return Facts(zero=zero, low=None if low is None else low.expand(shape))


def _kept(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """Zero stays zero."""
    source = next(a for a in given.values() if isinstance(a, Tensor))
    return Facts(zero=known(source).zero)


def _power(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    exponent = given["exponent"]
    positive = isinstance(exponent, int | float) and exponent > 0
    return Facts(zero=known(given["self"]).zero) if positive else Facts()


def _of_low(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """What is so low becomes zero."""
    return Facts(zero=known(given["self"]).low)


def _softmax(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    low = known(given["self"]).low
    if low is None:
        return Facts()
    # Rows that are blocked throughout a softmax spreads evenly.
    return Facts(zero=_some(low & ~low.all(given["dim"], keepdim=True)))


def _matrices(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """A product of matrices is zero where no pair of factors is not."""
    one, two = given["self"], given["mat2"]
    if one.numel() * two.shape[-1] > _MOST_PRODUCTS:
        return Facts()
    left, right = known(one).zero, known(two).zero
    if left is None and right is None:
        return Facts()
    ones = (
        torch.ones(tensor.shape) if zero is None else (~zero).float()
        for zero, tensor in ((left, one), (right, two))
    )
    return Facts(zero=_some(torch.matmul(*ones) == 0))


def _series(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """Zero where no power of a matrix leads."""
    source = given.get("self", given.get("A"))
    zero = None if source is None else known(source).zero
    leads = None if zero is None else led_to(zero.numpy(), zero.shape[-1])
    if leads is None:
        return Facts()
    return Facts(zero=torch.from_numpy(~leads).expand(source.shape).clone())


def _rows(name: str, given: Mapping[str, Any], known: Known) -> Facts:
    """Rows of a table by number."""
    table, numbers = known(given["weight"]), given["indices"]
    zero, low = (None if m is None else _some(m[numbers]) for m in (table.zero, table.low))
    return Facts(zero=zero, low=low)


def _of(argument: Any, known: Known) -> Facts:
    if isinstance(argument, Tensor):
        return known(argument)
    zero, low = is_zero(argument), is_low(argument)
    return Facts(zero=torch.tensor(True) if zero else None, low=torch.tensor(True) if low else None)


def _shape(argument: Any) -> torch.Size:
    return argument.shape if isinstance(argument, Tensor) else torch.Size(())


def _either(one: Tensor | None, two: Tensor | None) -> Tensor | None:
    return one | two if one is not None and two is not None else one if two is None else two


_MOVING = (
    "clone _to_copy contiguous copy fill flip roll repeat tile constant_pad_nd cat stack where "
    "masked_fill masked_scatter index _unsafe_index index_select index_put _index_put_impl "
    "index_copy index_fill gather scatter take take_along_dim tril triu diag_embed rot90 "
    "_unsafe_view _reshape_copy block_diag select_scatter slice_scatter repeat_interleave lift"
)
_KEEPING = (
    "neg abs relu tanh sin sqrt sign erf gelu silu leaky_relu dropout native_dropout nan_to_num "
    "_weight_norm_interface asinh atan hardtanh square"
)
MOVED = frozenset(_MOVING.split())
"""Operators that put elements elsewhere, beside others or over them."""
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(MOVED, _moved),
    **dict.fromkeys(_KEEPING.split(), _kept),
    **dict.fromkeys(("exp", "sigmoid", "softplus"), _of_low),
    **dict.fromkeys(("_softmax", "_safe_softmax"), _softmax),
    **dict.fromkeys(("mm", "bmm"), _matrices),
    **dict.fromkeys(("add", "sub"), _sum),
    **dict.fromkeys(SERIES, _series),
    "embedding": _rows,
    "zero": _zeroed,
    "mul": _product,
    "div": _quotient,
    "pow": _power,
}
