"""What N means of a network, and which sizes scaling laws would choose."""

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
    """Return every meaning of N of a network, 6 N D of each, and what scaling laws say of its size.

    >>> report = scaling("qwen3-30b-a3b", seq_len=8192, tokens="36T")
    >>> report.totals.n_active, report.totals.train_flops_per_token
    (3353032704, 37577293824)

    `model`, `args`, `method` and `kwargs` are as for `params`; `tokens` are those of the whole
    training, `compute` FLOPs that may be spent, as numbers or as texts (`"300B"`, `"5.76e23"`). N
    of a family is told in closed form, without torch; any other network is counted. Section `laws`
    has a row for each published law: the tokens and FLOPs of which this size is the optimum, the
    loss that it predicts, and the best N and D for `compute`.

    Raises `UsageError` where not all of a network's work is known.
    """
    settings = {name: as_text(value) for name, value in (("tokens", tokens), ("compute", compute))}
    return analyse("scaling", model, *args, settings=settings, method=method, **kwargs)
