"""Compute-optimal sizes and losses by the scaling laws that are published, each with its source.

The laws disagree, and not by noise alone: N leaves embeddings out or not, C is 6 N D or something
else, and rounded constants move an optimum by a factor of two. So they stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Literal

from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen
from archscope.theory.scaling_forms import FLOPS, Optimum, Parametric, Power, Printed, Ratio
from archscope.theory.training_cost import PF_DAY

Counts = Literal["all", "non-embedding", "non-embedding FLOPs / 6"]
"""What N is in a law: all parameters, those without embeddings and head, or a sixth of the FLOPs
per token that these and attention take."""


@frozen
class Law:
    """One published scaling law."""

    name: str
    """What the user types, e.g. `hoffmann-3`."""
    about: str
    """What tells it from others, in a few words."""
    form: Parametric | Power | Ratio | Printed
    """How N and D follow from C."""
    counts: Counts
    """What its N is."""
    source: str
    """Where its constants are printed."""
    loss: Callable[[float, float], float] | None = None
    """L(N, D) in nats per token where it predicts one and its form does not; None: it does not."""
    trap: str = ""
    """What a reader of its numbers must know."""

    def optimum(self, flops: float) -> Optimum:
        """Return the N and the D on which it would spend a budget in FLOPs."""
        return self.form.optimum(flops)

    def predicted(self, parameters: float, tokens: float) -> float | None:
        """Return the loss in nats per token; None where the law predicts none."""
        if isinstance(self.form, Parametric):
            return self.form.loss(parameters, tokens)
        return None if self.loss is None else self.loss(parameters, tokens)

    def flops(self, *, parameters: float | None = None, tokens: float | None = None) -> float:
        """Return the budget of which so many parameters, or tokens, are the optimum."""
        wanted = parameters if tokens is None else tokens
        assert wanted is not None
        low, high = 1.0, 1e40
        for _ in range(64):  # every law rises with C; halving the logarithm finds it
            middle = (low * high) ** 0.5
            found = self.optimum(middle)
            value = found.parameters if tokens is None else found.tokens
            low, high = (middle, high) if value < wanted else (low, middle)
        return float((low * high) ** 0.5)


def _kaplan_loss(parameters: float, tokens: float) -> float:
    """Return L(N, D) of Kaplan et al. 2020, equation 1.5, with the constants of its table 2."""
    alpha, beta = 0.076, 0.103
    return float(((6.4e13 / parameters) ** (alpha / beta) + 1.8e13 / tokens) ** beta)


def _table(*rows: tuple[float, float, float]) -> Printed:
    """Return a table of N in 10^9, C, and D in 10^9."""
    return Printed(rows=tuple((n * 1e9, c, d * 1e9) for n, c, d in rows))


_HOFFMANN = "Hoffmann et al. 2022, Training Compute-Optimal LLMs (arXiv 2203.15556)"
LAWS = (
    Law(
        name="kaplan-2020",
        about="OpenAI, WebText2",
        form=Power(parameters=(1.3e9, 0.73), tokens=(2e10, 0.27), unit=PF_DAY),
        counts="non-embedding",
        source="Kaplan et al. 2020 (arXiv 2001.08361), table 6; L(N, D): equation 1.5, table 2",
        loss=_kaplan_loss,
        trap="C is that of small batches, so 6 N D is 1.8 C; learning rates did not follow D",
    ),
    Law(
        name="hoffmann-1",
        about="Chinchilla, least loss over training curves",
        form=_table(
            (0.4, 1.92e19, 8.0),
            (1, 1.21e20, 20.2),
            (10, 1.23e22, 205.1),
            (67, 5.76e23, 1500),
            (175, 3.85e24, 3700),
            (280, 9.90e24, 5900),
            (520, 3.43e25, 11_000),
            (1000, 1.27e26, 21_200),
            (10_000, 1.30e28, 216_200),
        ),
        counts="all",
        source=f"{_HOFFMANN}, table 3",
        trap="a table: N and D grow as C^0.50",
    ),
    Law(
        name="hoffmann-2",
        about="Chinchilla, profiles of equal FLOPs",
        form=_table(
            (0.4, 1.84e19, 7.7),
            (1, 1.20e20, 20.0),
            (10, 1.32e22, 219.5),
            (67, 6.88e23, 1700),
            (175, 4.54e24, 4300),
            (280, 1.18e25, 7100),
            (520, 4.19e25, 13_400),
            (1000, 1.59e26, 26_500),
            (10_000, 1.75e28, 292_000),
        ),
        counts="all",
        source=f"{_HOFFMANN}, table A3",
        trap="a table: N grows as C^0.49",
    ),
    Law(
        name="hoffmann-3",
        about="Chinchilla, loss fitted, constants as printed",
        form=Parametric(e=1.69, a=406.4, b=410.7, alpha=0.34, beta=0.28),
        counts="all",
        source=f"{_HOFFMANN}, equation 10",
        trap="rounded exponents: 32B at Gopher's budget, where the paper's own text says 40B",
    ),
    Law(
        name="hoffmann-3-tex",
        about="the same, constants of its TeX source",
        form=Parametric(e=1.6934, a=406.4, b=410.7, alpha=0.3392, beta=0.2849),
        counts="all",
        source=f"{_HOFFMANN}, TeX source, as Besiroglu et al. 2024 (arXiv 2404.10102) quote it",
    ),
    Law(
        name="hoffmann-3-table",
        about="the same, its authors' table",
        form=_table(
            (0.4, 2.21e19, 9.2),
            (1, 1.62e20, 27.1),
            (10, 2.46e22, 410.1),
            (67, 1.71e24, 4100),
            (175, 1.26e25, 12_000),
            (280, 3.52e25, 20_100),
            (520, 1.36e26, 43_500),
            (1000, 5.65e26, 94_100),
            (10_000, 8.55e28, 1_425_500),
        ),
        counts="all",
        source=f"{_HOFFMANN}, table A3; its 1.26e24 for 175B is 6 N D = 1.26e25",
    ),
    Law(
        name="besiroglu-2024",
        about="Chinchilla's approach 3 fitted again",
        form=Parametric(e=1.8172, a=482.01, b=2085.43, alpha=0.3478, beta=0.3658),
        counts="all",
        source="Besiroglu et al. 2024, Chinchilla Scaling: A replication attempt (2404.10102)",
    ),
    Law(
        name="muennighoff-2023",
        about="C4, equal exponents",
        form=Parametric(e=1.87, a=521, b=1488, alpha=0.353, beta=0.353),
        counts="all",
        source="Muennighoff et al. 2023, Data-Constrained Language Models (arXiv 2305.16264)",
        trap="of data that is seen once; see `repeated_tokens`",
    ),
    Law(
        name="cerebras-gpt-2023",
        about="the Pile, 20 tokens for each parameter",
        form=Ratio(tokens_per_parameter=20),
        counts="all",
        source="Dey et al. 2023, Cerebras-GPT (arXiv 2304.03208), section 3.1",
        loss=lambda parameters, tokens: cerebras_loss(flops=FLOPS * parameters * tokens),
        trap="its loss is that of 20 tokens for each parameter, on the Pile",
    ),
    Law(
        name="deepseek-2024",
        about="DeepSeek LLM, FLOPs per token in N's place",
        form=Power(parameters=(0.1715 / FLOPS, 0.5243), tokens=(5.8316, 0.4757)),
        counts="non-embedding FLOPs / 6",
        source="DeepSeek-AI 2024, DeepSeek LLM (arXiv 2401.02954), equation 4",
        trap="M = 72 L d^2 + 12 L d S is 6 N only where attention is left out",
    ),
    Law(
        name="minicpm-2024",
        about="MiniCPM, mean of its corpora",
        form=Ratio(tokens_per_parameter=192),
        counts="non-embedding",
        source="Hu et al. 2024, MiniCPM (arXiv 2404.06395), section 4.5",
        trap="with schedules that decay at the end; one corpus of its figure gives 95.6",
    ),
    Law(
        name="llama-3-2024",
        about="Llama 3",
        form=Power(tokens=(0.29, 0.53)),
        counts="all",
        source="Grattafiori et al. 2024, The Llama 3 Herd of Models (2407.21783), section 3.2.1",
        trap="the law is of tokens; its rounded constants give 10.5T at 3.8e25, its text 16.55T",
    ),
)
"""In the order in which they were published."""


def law(name: str) -> Law:
    """Return a law by its name; raises `UsageError` with the nearest."""
    known = {each.name: each for each in LAWS}
    if name not in known:
        raise UsageError(
            f"no scaling law is called {name!r}; there are {', '.join(known)}."
            + did_you_mean(name, list(known))
        )
    return known[name]


def optimal_parameters(*, law: str, flops: float) -> float:
    """Return the N on which a law would spend a budget in FLOPs."""
    return _law(law).optimum(flops).parameters


def optimal_tokens(*, law: str, flops: float) -> float:
    """Return the D on which a law would spend a budget in FLOPs."""
    return _law(law).optimum(flops).tokens


def optimal_flops(
    *, law: str, parameters: float | None = None, tokens: float | None = None
) -> float:
    """Return the budget in FLOPs of which a law has so many parameters, or tokens, for optimum."""
    return _law(law).flops(parameters=parameters, tokens=tokens)


def predicted_loss(*, law: str, parameters: float, tokens: float) -> float:
    """Return the loss in nats per token that a law predicts; raises `UsageError` where it does not.

    >>> round(predicted_loss(law="hoffmann-3", parameters=70e9, tokens=1.4e12), 4)
    1.9366
    """
    found = _law(law).predicted(parameters, tokens)
    if found is None:
        raise UsageError(f"the law {law} predicts no loss")
    return found


_law = law


def parametric_optimum(
    *, flops: float, a: float, b: float, alpha: float, beta: float, of: str = "parameters"
) -> float:
    """Return the N, or `of` `tokens` the D, that makes E + A / N^alpha + B / D^beta least.

    G (C/6)^(beta/(alpha + beta)) with G = (alpha A / (beta B))^(1/(alpha + beta)): Hoffmann et al.
    2022, equation 4. E changes nothing.

    >>> round(parametric_optimum(flops=6e20, a=4, b=4, alpha=0.5, beta=0.5))  # N = D = (C/6)^(1/2)
    10000000000
    """
    form = Parametric(e=0, a=a, b=b, alpha=alpha, beta=beta)
    found: float = getattr(form.optimum(flops), of)
    return found


def parametric_loss(
    *, parameters: float, tokens: float, e: float, a: float, b: float, alpha: float, beta: float
) -> float:
    """Return E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, equation 2).

    Chinchilla's 70 billion parameters and 1.4 trillion tokens: 1.69 + 0.083 + 0.163.

    >>> told = {"e": 1.69, "a": 406.4, "b": 410.7, "alpha": 0.34, "beta": 0.28}
    >>> round(parametric_loss(parameters=70e9, tokens=1.4e12, **told), 3)
    1.937
    """
    return Parametric(e=e, a=a, b=b, alpha=alpha, beta=beta).loss(parameters, tokens)


def cerebras_loss(*, flops: float) -> float:
    """Return the Pile's loss in nats per token at 20 tokens for each parameter.

    (f / 5.984e22)^-0.0737 + 0.5066: Dey et al. 2023 (arXiv 2304.03208), section 3.1.
    """
    return float((flops / 5.984e22) ** -0.0737 + 0.5066)


def repeated_tokens(*, unique: float, tokens: float, decay: float = 15.39) -> float:
    """Return the D of fresh data that is worth as much as `tokens` out of so many unique ones.

    U + U R* (1 - exp(-R / R*)) with R repetitions beyond the first and R* = 15.39: Muennighoff et
    al. 2023 (arXiv 2305.16264), equation 5.
    """
    if tokens <= unique:
        return tokens
    repetitions = tokens / unique - 1
    return unique + unique * decay * (1 - exp(-repetitions / decay))
