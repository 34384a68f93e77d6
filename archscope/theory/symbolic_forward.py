"""A forward pass in symbols: each operator keeps what its derivative reads, memory once.

The closed form's own road to what autograd keeps. A family writes its forward once more on
`Value`s, formulas in the place of sizes; `Tape` notes what each step keeps. The rules stand by
themselves: a product keeps each operand that the other one's gradient reads; a norm its input and
its statistics; an activation its input, or its answer where the derivative is told by that; sums
and views nothing. All weights are taken to be trained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archscope.theory.counts import evaluate
from archscope.theory.saved_activation_notes import Notes, Value
from archscope.theory.saved_activations import Division


class Tape(Notes):
    """What a forward keeps, told operator by operator."""

    def linear(
        self,
        at: str,
        x: Value,
        form: str,
        *,
        division: Division = "sequence",
        axis: str = "",
    ) -> Value:
        """x W' + b keeps x, from which the weight's gradient is made."""
        self.keep(at, x)
        return self.value(at, form, division=division, axis=axis)

    def multiply(self, at: str, a: Value, b: Value, *, of: Value | None = None) -> Value:
        """Return a b, which keeps each of which the other needs a gradient; sized as `of`, or a."""
        if b.needs:
            self.keep(at, a)
        if a.needs:
            self.keep(at, b)
        return self.like(of or a, f"product in {at}", needs=a.needs or b.needs)

    def add(self, a: Value, *others: Value) -> Value:
        """Return a sum as large as a, which keeps nothing."""
        needs = a.needs or any(each.needs for each in others)
        return replace(self.like(a, "residual sum", needs=needs), view=False)

    def activation(self, at: str, kind: str, x: Value) -> Value:
        """Return an activation, which keeps its argument, or its answer where that tells all."""
        if kind == "relu2":  # a square keeps what relu has answered, which relu keeps too
            return self.like(self.activation(at, "relu", x), f"square in {at}")
        made = self.like(x, f"{kind} in {at}")
        if kind in _BY_ANSWER:
            if x.needs:
                self.keep(at, made)
            return made
        if kind == "quick-gelu":
            return self.multiply(at, x, self.activation(at, "sigmoid", x))
        if x.needs:
            self.keep(at, x)
        return made

    def norm(self, at: str, kind: str, x: Value, rows: str, *, axis: str = "") -> Value:
        """Return a norm, which keeps its argument and the statistics of each of this many rows."""
        self.keep(at, x)
        place = {"division": x.division, "axis": axis}
        if kind == "rmsnorm":
            self.new(at, "reciprocals of roots", rows, type="fp32", minor=True, **place)
        else:
            self.new(at, "means", rows, minor=True, **place)
            self.new(at, "reciprocals of deviations", rows, minor=True, **place)
        return replace(self.like(x, at, needs=True), view=False)

    def batch_norm(self, at: str, x: Value, channels: str, **own: Any) -> Value:
        """Return a batch norm, which keeps x, its averages and the statistics of the batch.

        `own`: the numbers of the symbols of its channels, where it has its own.
        """
        width = evaluate(channels, dict(own.get("numbers", ())) or self.symbols)
        self.needs_several(at, evaluate(x.form, dict(x.numbers)) // width)
        self.keep(at, x)
        for what in ("running means", "running variances"):
            self.new(at, what, channels, holds="buffer", minor=True, **own)
        for what in ("means", "reciprocals of deviations"):
            self.new(at, what, channels, minor=True, **own)
        return self.like(x, at, needs=True)

    def dropped(self, at: str, x: Value) -> Value:
        """Return what a network's own dropout leaves of x, which keeps a byte for each element."""
        mask = self.like(x, "mask of dropout", needs=False)
        self.keep(at, replace(mask, type="byte"))
        return self.like(x, at)

    def dropout(self, at: str, x: Value) -> Value:
        """Return what is left of x where the way has dropout, which keeps a byte for each."""
        if not self.way.dropout:
            return x
        mask = self.like(x, f"mask of dropout in {at}")
        self.keep(at, replace(mask, type="byte"))
        return self.like(x, f"dropout in {at}")


_BY_ANSWER = ("relu", "tanh", "sigmoid")
"""Activations whose derivative is told by their answer."""
