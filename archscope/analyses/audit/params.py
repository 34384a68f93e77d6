"""Why another counter's parameters differ from archscope's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from archscope.analyses.audit.causes import MOST_PARTS, Cause, is_inside, sum_of
from archscope.analyses.audit.evidence import Evidence, Module
from archscope.counting.others import Figures

FROZEN = "frozen parameters are counted as zero"
TIED = "tied weights are counted once for each holder"


def causes(figures: Figures, evidence: Evidence) -> list[Cause]:
    """Return what the difference in parameters is made of; amounts add up to it."""
    assert figures.params is not None
    difference = figures.params - evidence.params
    if not difference:
        return []
    whole = _of_the_whole(difference, evidence)
    if whole:
        return whole
    if figures.params_of_modules is None:
        return [Cause(reason=None, amount=difference, path=None)]
    found = _of_modules(figures.params_of_modules, evidence)
    left = difference - sum(cause.amount for cause in found)
    return [*found, *([Cause(reason=None, amount=left, path=None)] if left else [])]


def _of_the_whole(difference: int, evidence: Evidence) -> list[Cause]:
    """Explain a difference by kinds of parameters, all of each."""
    modules = evidence.modules.values()
    parts = {
        FROZEN: -sum(module.frozen for module in modules),
        TIED: sum(module.shared for module in modules),
        "buffers are counted as parameters": evidence.buffers,
    }
    fit = sum_of(parts, difference)
    return [Cause(reason=reason, amount=parts[reason], path=None) for reason in fit or ()]


def _of_modules(theirs: Mapping[str, int], evidence: Evidence) -> list[Cause]:
    frozen = all(
        theirs.get(path, 0) == module.params - module.frozen
        for path, module in evidence.modules.items()
        if module.frozen
    )
    found = []
    for path, module in evidence.modules.items():
        counted = theirs.get(path, 0)
        difference = counted - module.params
        if difference:
            alike = any(theirs.get(other.path) for other in evidence.of_type(module.type))
            reason = FROZEN if frozen and module.frozen else _reason(module, counted, alike)
            if reason is None and _with_parts(module, difference, theirs, evidence):
                reason = "parameters of parts that ran elsewhere are counted with their holder too"
            found.append(Cause(reason=reason, amount=difference, path=path))
    for path, first in evidence.aliases.items():
        if theirs.get(path) and first:
            reason = "modules under a second name are counted again"
            found.append(Cause(reason=reason, amount=theirs[path], path=path))
    return found


def _with_parts(
    module: Module, difference: int, theirs: Mapping[str, int], evidence: Evidence
) -> bool:
    """Return whether a difference is the parameters of some parts, counted at their own place."""
    parts: Counter[str] = Counter()
    for path, part in evidence.modules.items():
        if theirs.get(path) and is_inside(path, module.path):
            below = path.removeprefix(f"{module.path}.") if module.path else path
            parts[below.partition(".")[0]] += part.params
    return len(parts) <= MOST_PARTS and sum_of(parts, difference) is not None


def _reason(module: Module, counted: int, alike: bool) -> str | None:
    """Return why `counted` differs; `alike` says whether others of the class are counted."""
    if counted == module.params + module.shared:
        return TIED
    if counted:
        return None
    if not module.calls:
        return f"parameters of {module.type} are left out: its forward did not run"
    if not module.path:
        return "parameters of the model itself are left out"
    if module.has_parts:
        return f"parameters of {module.type} itself are left out"
    return None if alike else f"parameters of {module.type} are left out: there is no rule for it"
