"""Counts a network with other counters too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.library._named import network_of, subject_of
from archscope.results import Report
from archscope.study import analyse, ask
from archscope.subject import Network

if TYPE_CHECKING:
    from torch import nn


def audit(
    model: nn.Module | str = "", *args: Any, method: str | None = None, **kwargs: Any
) -> Report:
    """Count a network with other tools beside archscope, and explain why each differs.

    >>> report = audit("transformer", depth=2, seq_len=128)
    >>> {row.tool: row.macs for row in report.section("tools").rows}  # doctest: +SKIP

    `model`, `args`, `method` and `kwargs` are as for `params`. The tools are unmodified fvcore,
    torch's FlopCounterMode and, if installed, torchinfo, thop, ptflops and calflops. Each gets a
    copy; the module is not modified.
    """
    if isinstance(model, str):
        return audit_network(network_of(model, kwargs, args=args, method=method))
    subject = subject_of(model, args, kwargs, method=method)
    subject.required_inputs("audit")
    return analyse("audit", subject)


def audit_network(network: Network) -> Report:
    """Count a named network by other tools too; see `audit`."""
    return ask("audit", network, real=network.whole)
