"""Parameters, FLOPs, receptive field and time of a network, before anyone trains it.

    >>> import archscope
    >>> model = archscope.build("transformer", depth=24)
    >>> report = archscope.params("transformer", depth=24)
    >>> report.totals.trainable, report.totals.macs
    (209494272, 252124594176)
    >>> archscope.receptive_field([2, 2, 2]).totals.reached  # of 13 x 13 = 169 positions
    49

Importing this package imports next to nothing; torch comes with building and counting.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from archscope.version import __version__ as __version__

if TYPE_CHECKING:
    from archscope.errors import ArchscopeError as ArchscopeError
    from archscope.library import analyse as analyse
    from archscope.library import audit as audit
    from archscope.library import build as build
    from archscope.library import check as check
    from archscope.library import compare as compare
    from archscope.library import facts as facts
    from archscope.library import finetune as finetune
    from archscope.library import kv as kv
    from archscope.library import memory as memory
    from archscope.library import operator as operator
    from archscope.library import params as params
    from archscope.library import plan as plan
    from archscope.library import receptive_field as receptive_field
    from archscope.library import report as report
    from archscope.library import rf as rf
    from archscope.library import scaling as scaling
    from archscope.library import search as search
    from archscope.library import suggest as suggest
    from archscope.library import sweep as sweep
    from archscope.library import time as time
    from archscope.library import time_together as time_together
    from archscope.library import train as train
    from archscope.results import Report as Report

_HOMES = {
    "ArchscopeError": "archscope.errors",
    "Report": "archscope.results",
    "analyse": "archscope.library",
    "audit": "archscope.library",
    "build": "archscope.library",
    "check": "archscope.library",
    "compare": "archscope.library",
    "facts": "archscope.library",
    "finetune": "archscope.library",
    "kv": "archscope.library",
    "memory": "archscope.library",
    "operator": "archscope.library",
    "params": "archscope.library",
    "plan": "archscope.library",
    "receptive_field": "archscope.library",
    "report": "archscope.library",
    "rf": "archscope.library",
    "scaling": "archscope.library",
    "search": "archscope.library",
    "suggest": "archscope.library",
    "sweep": "archscope.library",
    "time": "archscope.library",
    "time_together": "archscope.library",
    "train": "archscope.library",
}
"""Where each public name lives; it is imported when it is first asked for."""

__all__ = [
    "ArchscopeError",
    "Report",
    "__version__",
    "analyse",
    "audit",
    "build",
    "check",
    "compare",
    "facts",
    "finetune",
    "kv",
    "memory",
    "operator",
    "params",
    "plan",
    "receptive_field",
    "report",
    "rf",
    "scaling",
    "search",
    "suggest",
    "sweep",
    "time",
    "time_together",
    "train",
]


# Not for type checkers, to whom every name would then be one.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'archscope' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
