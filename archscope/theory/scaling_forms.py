"""The forms that scaling laws have: how the best N and D follow from a budget of FLOPs."""

from __future__ import annotations

from itertools import pairwise
from math import log

from archscope.records import frozen

FLOPS = 6
"""FLOPs of training for each parameter and token (Kaplan et al. 2020, section 2.1)."""


@frozen
class Optimum:
    """The network and the data on which a law would spend a budget."""

    parameters: float
    """N, as the law counts it."""
    tokens: float
    """D."""


@frozen
class Parametric:
    """L(N, D) = E + A / N^alpha + B / D^beta, in nats per token (Hoffmann et al. 2022, eq. 2)."""

    e: float
    """Loss that no size and no data takes away."""
    a: float
    b: float
    alpha: float
    beta: float

    def loss(self, parameters: float, tokens: float) -> float:
        """Return L(N, D)."""
        return float(self.e + self.a / parameters**self.alpha + self.b / tokens**self.beta)

    def optimum(self, flops: float) -> Optimum:
        """Return what makes L least where 6 N D = C (Hoffmann et al. 2022, equation 4)."""
        both = self.alpha + self.beta
        shift = (self.alpha * self.a / (self.beta * self.b)) ** (1 / both)
        parameters = shift * (flops / FLOPS) ** (self.beta / both)
        return Optimum(parameters=parameters, tokens=flops / (FLOPS * parameters))


@frozen
class Power:
    """One of N and D as k (C / unit)^a, the other from 6 N D = C where it has no law of its own."""

    parameters: tuple[float, float] | None = None
    """k and a of N."""
    tokens: tuple[float, float] | None = None
    """k and a of D."""
    unit: float = 1
    """FLOPs in which C is measured."""

    def optimum(self, flops: float) -> Optimum:
        """Return N and D of a budget."""
        spent = flops / self.unit
        found = [None if law is None else law[0] * spent ** law[1] for law in self._laws]
        parameters, tokens = found
        if parameters is None:
            assert tokens is not None
            parameters = flops / (FLOPS * tokens)
        return Optimum(
            parameters=parameters,
            tokens=flops / (FLOPS * parameters) if tokens is None else tokens,
        )

    @property
    def _laws(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        return self.parameters, self.tokens


@frozen
class Ratio:
    """So many tokens for each parameter, whatever the budget."""

    tokens_per_parameter: float

    def optimum(self, flops: float) -> Optimum:
        """Return N and D of a budget: C = 6 r N^2."""
        parameters = (flops / (FLOPS * self.tokens_per_parameter)) ** 0.5
        return Optimum(parameters=parameters, tokens=self.tokens_per_parameter * parameters)


@frozen
class Printed:
    """Optima that a table prints; between its rows, and past its ends, a power law joins two."""

    rows: tuple[tuple[float, float, float], ...]
    """N, C in FLOPs and D of each row, ascending."""

    def optimum(self, flops: float) -> Optimum:
        """Return N and D of a budget, straight between rows where both axes are logarithmic."""
        pairs = list(pairwise(self.rows))
        low, high = next((pair for pair in pairs if flops <= pair[1][1]), pairs[-1])
        share = log(flops / low[1]) / log(high[1] / low[1])
        parameters, tokens = (low[at] * (high[at] / low[at]) ** share for at in (0, 2))
        return Optimum(parameters=parameters, tokens=tokens)
