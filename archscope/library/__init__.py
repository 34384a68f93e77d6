"""The library's verbs: the same as the command line's. They return, and print nothing.

One file for each verb, imported when one of its names is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archscope.library._analyse import analyse as analyse
    from archscope.library._analyse import analyse_network as analyse_network
    from archscope.library._audit import audit as audit
    from archscope.library._audit import audit_network as audit_network
    from archscope.library._batches import have_batches as have_batches
    from archscope.library._batches import with_batches as with_batches
    from archscope.library._bounded import bound_network as bound_network
    from archscope.library._build import build as build
    from archscope.library._check import check as check
    from archscope.library._check import check_budgets as check_budgets
    from archscope.library._check import require_held as require_held
    from archscope.library._compare import compare as compare
    from archscope.library._compare import compare_networks as compare_networks
    from archscope.library._compare import is_saved as is_saved
    from archscope.library._compare import limits_of as limits_of
    from archscope.library._decoding import with_context as with_context
    from archscope.library._facts import facts as facts
    from archscope.library._facts import require_facts as require_facts
    from archscope.library._kv import kv as kv
    from archscope.library._lock import lock_budgets as lock_budgets
    from archscope.library._operator import operator as operator
    from archscope.library._params import count_subject as count_subject
    from archscope.library._params import params as params
    from archscope.library._params import require_complete as require_complete
    from archscope.library._params import with_figures as with_figures
    from archscope.library._params import with_named_teacher as with_named_teacher
    from archscope.library._plan import plan as plan
    from archscope.library._report import report as report
    from archscope.library._report import report_network as report_network
    from archscope.library._rf import bare_network as bare_network
    from archscope.library._rf import receptive_field as receptive_field
    from archscope.library._rf import require_coverage as require_coverage
    from archscope.library._rf import rf as rf
    from archscope.library._rf import see_network as see_network
    from archscope.library._rf import suggest as suggest
    from archscope.library._rf import why_unbuffered as why_unbuffered
    from archscope.library._scaling import scaling as scaling
    from archscope.library._search import require_found as require_found
    from archscope.library._search import search as search
    from archscope.library._search import search_network as search_network
    from archscope.library._sweep import plan_sweep as plan_sweep
    from archscope.library._sweep import run_sweep as run_sweep
    from archscope.library._sweep import show_sweep as show_sweep
    from archscope.library._sweep import sweep as sweep
    from archscope.library._teaching import load_teacher as load_teacher
    from archscope.library._time import time as time
    from archscope.library._time import time_network as time_network
    from archscope.library._together import time_networks as time_networks
    from archscope.library._together import time_together as time_together
    from archscope.library._training import finetune as finetune
    from archscope.library._training import memory as memory
    from archscope.library._training import train as train

_HOMES = {
    "analyse": "_analyse",
    "analyse_network": "_analyse",
    "audit": "_audit",
    "audit_network": "_audit",
    "bare_network": "_rf",
    "bound_network": "_bounded",
    "build": "_build",
    "check": "_check",
    "check_budgets": "_check",
    "compare": "_compare",
    "compare_networks": "_compare",
    "count_subject": "_params",
    "facts": "_facts",
    "finetune": "_training",
    "have_batches": "_batches",
    "is_saved": "_compare",
    "kv": "_kv",
    "limits_of": "_compare",
    "load_teacher": "_teaching",
    "lock_budgets": "_lock",
    "memory": "_training",
    "operator": "_operator",
    "params": "_params",
    "plan": "_plan",
    "plan_sweep": "_sweep",
    "receptive_field": "_rf",
    "report": "_report",
    "report_network": "_report",
    "require_complete": "_params",
    "require_coverage": "_rf",
    "require_facts": "_facts",
    "require_found": "_search",
    "require_held": "_check",
    "rf": "_rf",
    "run_sweep": "_sweep",
    "scaling": "_scaling",
    "search": "_search",
    "search_network": "_search",
    "see_network": "_rf",
    "show_sweep": "_sweep",
    "suggest": "_rf",
    "sweep": "_sweep",
    "time": "_time",
    "time_network": "_time",
    "time_networks": "_together",
    "time_together": "_together",
    "train": "_training",
    "why_unbuffered": "_rf",
    "with_batches": "_batches",
    "with_context": "_decoding",
    "with_figures": "_params",
    "with_named_teacher": "_params",
}
"""The file of each name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'archscope.library' has no attribute {name!r}")
    return getattr(import_module(f"archscope.library.{_HOMES[name]}"), name)
