"""Row types and totals of the scaling analysis."""

from __future__ import annotations

from fractions import Fraction

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class MeaningRow:
    """One meaning of N, and the FLOPs of training that follow from it."""

    meaning: str = column("N counts")
    """What is counted."""
    parameters: int = column("N", kind="count")
    """How many there are."""
    tokens_per_parameter: float | None = column(
        "Tokens per N", kind="number", idle="unknown", drop=2
    )
    """D / N; None where nobody said how many tokens."""
    flops_per_token: int = column("6N", kind="work", drop=1)
    """FLOPs of training on one token, by 6 N."""
    with_attention: int = column("6N + attention", kind="work")
    """The same with attention's products, as many as the network runs."""
    flops: float | None = column("6ND", kind="work", idle="unknown")
    """FLOPs of the whole training, by 6 N D; None where nobody said how many tokens."""
    exact_flops: float | None = column("with attention", kind="work", idle="unknown", drop=1)
    """The same with attention's products."""
    of_exact: float | None = column("Of exact", kind="ratio", drop=2)
    """6 N + attention over three times the forward pass as it is counted layer by layer."""
    used_by: str = column("As in", drop=3)
    """Who means it."""


@frozen
class LawRow:
    """One scaling law, and what it says of this network."""

    law: str = column("Law")
    """What it is called, e.g. `hoffmann-3`."""
    about: str = column("Of", drop=5)
    """What tells it from others."""
    counts: str = column("N counts", drop=4)
    """What its N is."""
    parameters: float | None = column("N", kind="work", idle="unknown")
    """N of this network, as it counts; None where the network has none such."""
    optimal_tokens: float | None = column("Best D", kind="work", idle="unknown")
    """Tokens for which N is the best size."""
    tokens_per_parameter: float | None = column("D / N", kind="number", drop=1, idle="unknown")
    """The same for each parameter."""
    optimal_flops: float | None = column("Best C", kind="work", drop=3, idle="unknown")
    """FLOPs for which N is the best size."""
    tokens_of_optimal: float | None = column("of best D", kind="factor", idle="unknown", drop=2)
    """Tokens that were said, over the best; None where nobody said any."""
    loss: float | None = column("Loss", kind="figure", none="–", idle="unknown")
    """Predicted loss in nats per token, of its own data and tokenizer; None where it predicts
    none, or nobody said how many tokens."""
    best_parameters: float | None = column("N for C", kind="work", idle="unknown")
    """The best size for the compute that was said."""
    best_tokens: float | None = column("D for C", kind="work", idle="unknown")
    """The tokens that go with it."""
    best_ratio: float | None = column("D / N for C", kind="number", idle="unknown", drop=1)
    """These tokens for each parameter."""
    source: str = column("Source", drop=6)
    """Where its constants are printed."""
    trap: str = column("Mind", drop=7, idle="empty")
    """What a reader of its numbers must know."""


@frozen
class Totals:
    """What N may mean, and the exact FLOPs; in elements, for one token or one forward pass."""

    n_all: int
    """Every parameter once."""
    n_embeddings: int
    """Those of tables that are looked up."""
    n_non_embedding: int
    """All but tables and the head."""
    n_active: int | None
    """Those that one token meets; None where no router says how many experts it meets."""
    n_active_non_embedding: int | None
    """Active ones but tables and the head."""
    n_active_without_lookup: int | None
    """Active ones but tables that are looked up alone: a tied head counts."""
    n_matmul: int | float | None
    """Weights that one token is multiplied by; None: it looks no token up."""
    attention_macs: int | float | None
    """Multiply-accumulates of attention's products for each token."""
    tokens: int | None
    """Tokens of one forward pass, of all its inputs."""
    forward_flops: int
    """FLOPs of one forward pass, two for each multiply-accumulate."""
    train_flops_per_token: int | float | None
    """Three times the forward's for each token."""
    train_flops: int | float | None = column(kind="work", idle="unknown")
    """The same for all tokens; None where nobody said how many."""


def plain(value: Fraction | None) -> int | float | None:
    """Return a fraction as JSON has it: an integer where it is one."""
    if value is None:
        return None
    return int(value) if value.denominator == 1 else float(value)


MEANINGS = Section(
    analysis="scaling",
    name="meanings",
    row_type=MeaningRow,
    totals_type=Totals,
    caption="Definitions of N, and the FLOPs of training by each",
)
LAWS = Section(
    analysis="scaling",
    name="laws",
    row_type=LawRow,
    caption="Compute-optimal sizes by every published law",
)
