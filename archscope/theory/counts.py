"""Closed forms of parameters and multiply-accumulates, layer by layer: the third count.

Each function returns the formulas of one layer and the values of their symbols. `macs` counts one
forward pass without additive biases, as both engines do.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import prod

from archscope.records import frozen

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
Symbols = Mapping[str, int]
GATED = ("swiglu", "geglu")
"""Activations of a gate, by which a feed-forward has a third matrix (Shazeer 2020, eq. 6)."""


@frozen
class ClosedForm:
    """Two formulas over the same symbols.

    >>> form = linear(rows=1024, inputs=768, outputs=3072, bias=True)
    >>> form.params, form.params_value, form.params_numbers
    ('i*o + o', 2362368, '768*3072 + 3072')
    >>> form.macs, form.macs_value
    ('n*i*o', 2415919104)
    """

    params: str
    """Formula of the parameters, e.g. `i*o + o`."""
    macs: str
    """Formula of the multiply-accumulates, e.g. `n*i*o`."""
    symbols: Symbols
    """Value of each symbol."""

    @property
    def params_value(self) -> int:
        """The parameters."""
        return evaluate(self.params, self.symbols)

    @property
    def macs_value(self) -> int:
        """The multiply-accumulates."""
        return evaluate(self.macs, self.symbols)

    @property
    def params_numbers(self) -> str:
        """The formula of the parameters with its numbers filled in."""
        return substitute(self.params, self.symbols)

    @property
    def macs_numbers(self) -> str:
        """The formula of the multiply-accumulates with its numbers filled in."""
        return substitute(self.macs, self.symbols)


def evaluate(formula: str, symbols: Symbols) -> int:
    """Compute a formula of integers, names and `+ - * //`; raises `ValueError` for any other."""
    return _function(formula)(symbols)


@lru_cache(maxsize=1024)
def _function(formula: str) -> Callable[[Symbols], int]:
    """Return what computes a formula, which is read once however many layers have it."""

    def of(node: ast.expr) -> Callable[[Symbols], int]:
        match node:
            case ast.Constant(value=int(number)):
                return lambda symbols: number
            case ast.Name(id=name):
                return operator.itemgetter(name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                apply, first, second = _OPERATORS[type(op)], of(left), of(right)
                return lambda symbols: apply(first(symbols), second(symbols))
        raise ValueError(f"{formula!r} is not a formula of integers")

    return of(ast.parse(formula, mode="eval").body)


def substitute(formula: str, symbols: Symbols) -> str:
    """Substitute the numbers: `i*o + o` -> `768*3072 + 3072`."""
    return re.sub(r"[A-Za-z_]\w*", lambda match: str(symbols[match[0]]), formula)


@lru_cache(maxsize=4096)
def linear(*, rows: int, inputs: int, outputs: int, bias: bool, tied: bool = False) -> ClosedForm:
    """A linear layer on `rows` vectors; where it is `tied`, its weight is another layer's."""
    terms = [] if tied else ["i*o"]
    return ClosedForm(
        params=" + ".join([*terms, "o"] if bias else terms) or "0",
        macs="n*i*o",
        symbols={"n": rows, "i": inputs, "o": outputs},
    )


@lru_cache(maxsize=4096)
def convolution(
    *,
    positions: int,
    inputs: int,
    outputs: int,
    kernel: tuple[int, ...],
    groups: int,
    bias: bool,
) -> ClosedForm:
    """A convolution that makes (batch x space) `positions`; dilation acts through them alone.

    A transposed convolution too, where `positions` are those of its input.
    """
    names = ["k"] if len(set(kernel)) == 1 else [f"k{axis}" for axis in range(1, len(kernel) + 1)]
    taps = "*".join(names * len(kernel) if len(names) == 1 else names)
    channels = f"o*(i//g)*{taps}" if groups > 1 else f"o*i*{taps}"
    return ClosedForm(
        params=f"{channels} + o" if bias else channels,
        macs=f"n*{channels}",
        symbols={
            "n": positions,
            "i": inputs,
            "o": outputs,
            "g": groups,
            **dict(zip(names, kernel, strict=False)),
        },
    )


def weight_normalised(*, positions: int, inputs: int, outputs: int, kernel: int) -> ClosedForm:
    """A convolution along one axis with a length and a bias for each output channel.

    Salimans & Kingma 2016, equation 2: a weight is its direction times a length of its own.
    """
    return ClosedForm(
        params="o*i*k + 2*o",
        macs="n*o*i*k",
        symbols={"n": positions, "o": outputs, "i": inputs, "k": kernel},
    )


def tap_normalised(*, positions: int, width: int, groups: int, kernel: int) -> ClosedForm:
    """The same in groups, with a length for each tap, and a bias for each channel."""
    return ClosedForm(
        params="d*(d//g)*k + k + d",
        macs="n*d*(d//g)*k",
        symbols={"n": positions, "d": width, "g": groups, "k": kernel},
    )


def embedding(*, words: int, width: int) -> ClosedForm:
    """An embedding table, which is looked up, never multiplied."""
    return ClosedForm(params="V*d", macs="0", symbols={"V": words, "d": width})


@lru_cache(maxsize=4096)
def normalisation(*, width: int, weight: bool, bias: bool) -> ClosedForm:
    """Layer, batch, group or RMS norm: a scale and a shift for each feature."""
    params = {0: "0", 1: "d", 2: "2*d"}[weight + bias]
    return ClosedForm(params=params, macs="0", symbols={"d": width})


def comparison(*, batch: int, width: int) -> ClosedForm:
    """Each of a batch with each of another, as images and texts (Radford et al. 2021, figure 3)."""
    return ClosedForm(params="0", macs="B*B*e", symbols={"B": batch, "e": width})


def experts(
    *, rows: int, experts: int, width: int, hidden: int, matrices: int, bias: bool
) -> ClosedForm:
    """Feed-forwards side by side: each of `rows` = tokens x top-k meets one (Shazeer et al. 2017).

    Of `matrices`, 2 or with a gate 3, all but the last make `hidden` features.
    """
    weights = "E*m*d*f"
    return ClosedForm(
        params=f"{weights} + E*((m - 1)*f + d)" if bias else weights,
        macs="n*m*d*f",
        symbols={"n": rows, "E": experts, "d": width, "f": hidden, "m": matrices},
    )


def positions_of(shape: tuple[int, ...]) -> int:
    """Batch times space of a channels-first shape (N, C, *L)."""
    return shape[0] * prod(shape[2:])
