"""The definitions of N for a network, and the sizes that scaling laws recommend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.library._analyse import analyse, as_text
from archscope.results import Report

if TYPE_CHECKING:
    from torch import nn


def scaling(
    model: nn.Module | str = "",
    *args: Any,
    tokens: str | float | None = None,
    compute: str | float | None = None,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return N by every definition, 6 N D for each, and what scaling laws say about this size.

    >>> report = scaling("qwen3-30b-a3b", seq_len=8192, tokens="36T")
    >>> report.totals.n_active, report.totals.train_flops_per_token
    (3353032704, 37577293824)

    `model`, `args`, `method` and `kwargs` are as for `params`; `tokens` are those of the whole
    training run and `compute` is the budget in FLOPs, as numbers or texts (`"300B"`, `"5.76e23"`).
    For families N is a closed form, without torch; other networks are counted. Section `laws` has a
    row per published law: the tokens and FLOPs for which this size is optimal, the loss that the
    law predicts, and the optimal N and D for `compute`.

    Raises `UsageError` if part of the network's work is unknown.
    """
    settings = {name: as_text(value) for name, value in (("tokens", tokens), ("compute", compute))}
    return analyse("scaling", model, *args, settings=settings, method=method, **kwargs)
