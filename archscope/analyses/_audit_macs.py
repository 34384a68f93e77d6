"""Why another counter's multiply-accumulates differ from ours: found module by module.

A reason is given only where it explains a module's difference to the last digit. What no reason
explains is left over, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from archscope.analyses._audit_evidence import Evidence, Module
from archscope.counting.operators import classify
from archscope.counting.others._tool import Figures, Tool

_MOST_PARTS = 12
"""Parts of which sums are tried; their number doubles with each."""
_NEARLY = 0.9
"""Share of an amount that is nearly all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What explains a part of a difference."""

    reason: str | None
    """None: nothing was found that does."""
    amount: int
    """Theirs less ours."""
    path: str | None
    """The module in question; None: the whole network."""


def causes(tool: Tool, figures: Figures, evidence: Evidence) -> list[Cause]:
    """Return what the difference in multiply-accumulates is made of; amounts add up to it."""
    theirs = {path: sum(work.values()) for path, work in figures.modules.items()}
    found = list(_estimates(tool, figures))
    for cause in found:
        theirs[str(cause.path)] -= cause.amount
    outside = figures.macs - sum(theirs.values()) - sum(cause.amount for cause in found)
    elsewhere = _outside(outside, theirs, evidence)
    found += elsewhere.causes
    moved: set[str] = set()
    for path, module in evidence.modules.items():
        if path not in moved:
            found += _of_module(module, theirs, evidence, moved, elsewhere.operators, figures)
    for path, macs in theirs.items():
        if path not in evidence.modules and macs:
            second = path in evidence.aliases
            reason = "modules under a second name are counted again" if second else None
            found.append(Cause(reason=reason, amount=macs, path=path))
    return found


def _estimates(tool: Tool, figures: Figures) -> Iterator[Cause]:
    """Yield what a tool adds under names of work that is no multiply-accumulate."""
    for path, work in figures.modules.items():
        for word, macs in work.items():
            if tool.work and word not in tool.work:
                yield Cause(reason=f"{word} is added as work", amount=macs, path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elsewhere:
    """What a tool counted outside of all modules."""

    causes: tuple[Cause, ...] = ()
    operators: frozenset[str] = frozenset()
    """Our operators that it counted there, where it counted nothing in the module."""


def _outside(amount: int, theirs: Mapping[str, int], evidence: Evidence) -> _Elsewhere:
    """Explain work outside of modules as functions: of products, and of elements written."""
    if not amount:
        return _Elsewhere()
    products: dict[str, int] = {}
    for module in evidence.modules.values():
        if not theirs.get(module.path):
            for operator, macs in module.work.items():
                products[operator] = products.get(operator, 0) + macs
    again: dict[str, int] = {}
    for module in evidence.modules.values():
        if not module.work and theirs.get(module.path):
            word = f"{module.type} is added a second time, as a function"
            again[word] = again.get(word, 0) + theirs[module.path]
    written = {f"{name} is added as work": number for name, number in evidence.elements.items()}
    parts = {**again, **products, **written}
    sought = sorted(parts, key=lambda part: -parts[part])[:_MOST_PARTS]
    fit = sum_of({part: parts[part] for part in sought}, amount) or _nearly(products, amount)
    added = [
        Cause(reason=part, amount=parts[part], path=None) for part in fit if part not in products
    ]
    left = amount - sum(parts[part] for part in fit)
    if left:
        added.append(Cause(reason=None, amount=left, path=None))
    return _Elsewhere(causes=tuple(added), operators=frozenset(fit) & products.keys())


def _nearly(products: Mapping[str, int], amount: int) -> tuple[str, ...]:
    """Return the operator that makes up nearly all of an amount, with none but small change left.

    It is still only a guess at the change, which therefore stays without explanation.
    """
    near = (name for name, macs in products.items() if _NEARLY * amount <= macs <= amount)
    return tuple(sorted(near)[:1])


def sum_of(parts: Mapping[str, int], amount: int) -> tuple[str, ...] | None:
    """Return the fewest parts that add up to `amount`, None where none do."""
    names = [name for name, value in parts.items() if value]
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            if sum(parts[name] for name in chosen) == amount:
                return chosen
    return None


def _of_module(
    module: Module,
    theirs: Mapping[str, int],
    evidence: Evidence,
    moved: set[str],
    elsewhere: frozenset[str],
    figures: Figures,
) -> Iterator[Cause]:
    counted = theirs.get(module.path, 0)
    work = dict(module.work)
    if not counted:
        work = {operator: macs for operator, macs in work.items() if operator not in elsewhere}
    ours = sum(work.values())
    difference = counted - ours
    if not difference:
        return
    if not ours:
        yield _added(module, difference)
    elif not counted:
        reason = _left_out(module, work, figures, evidence)
        yield Cause(reason=reason, amount=difference, path=module.path)
    else:
        found = _some_operators(module, work, difference, theirs, evidence, moved, figures)
        if found is None:
            found = _other_rows(module, counted)
        unexplained = Cause(reason=None, amount=difference, path=module.path)
        yield from [unexplained] if found is None else found


def _added(module: Module, amount: int) -> Cause:
    kind = module.type
    if "Embedding" in kind:
        reason = f"{kind}: the lookup is counted as a product"
    elif module.has_parts:
        return Cause(reason=None, amount=amount, path=module.path)
    else:
        reason = f"{kind} is added as work"
    return Cause(reason=reason, amount=amount, path=module.path)


def _left_out(
    module: Module, work: Mapping[str, int], figures: Figures, evidence: Evidence
) -> str | None:
    """Return why a module's work, or some of it, was left out."""
    operators = ", ".join(sorted(work))
    if all("attention" in operator for operator in work):
        known = [name for name in figures.skipped if "attention" in name]
        return f"fused attention is not counted ({', '.join(known) or operators})"
    strange = [
        name
        for name in figures.skipped
        if classify(name) == "multiply-accumulate" and "scaled_dot_product" not in name
    ]
    strange = [name for name in strange if name in work] or strange
    if strange:
        return f"it does not know {', '.join(strange)}"
    if module.has_parts or not module.matrix:
        return f"products in {module.type} itself are not counted ({operators})"
    if not module.calls:
        return f"weights of {module.type} are used around it, where they are not counted"
    if any(figures.modules.get(other.path) for other in evidence.of_type(module.type)):
        return None
    return f"{module.type} is not counted: there is no rule for it"


def _some_operators(
    module: Module,
    work: Mapping[str, int],
    difference: int,
    theirs: Mapping[str, int],
    evidence: Evidence,
    moved: set[str],
    figures: Figures,
) -> list[Cause] | None:
    """Explain a difference by operators left out here, and by work of a part counted here."""
    inside = {
        path: part.macs
        for path, part in evidence.modules.items()
        if part.macs and not theirs.get(path) and _is_inside(path, module.path)
    }
    parts = {f"-{operator}": -macs for operator, macs in work.items()}
    parts |= {f"+{path}": macs for path, macs in list(inside.items())[: _MOST_PARTS - len(parts)]}
    fit = sum_of(parts, difference)
    if fit is None:
        return None
    found = []
    for name in fit:
        sign, what = name[0], name[1:]
        if sign == "+":
            moved.add(what)  # its own difference is the same with the other sign
            continue
        reason = _left_out(module, {what: work[what]}, figures, evidence)
        found.append(Cause(reason=reason, amount=parts[name], path=module.path))
    return found


def _is_inside(path: str, container: str) -> bool:
    return path != container and (not container or path.startswith(f"{container}."))


def _other_rows(module: Module, counted: int) -> list[Cause] | None:
    """Explain a difference by biases, and by the number of rows that meet the weights."""
    if not module.matrix or module.macs % module.matrix:
        return None
    rows = module.macs // module.matrix
    fits = [
        (counted // (module.matrix + vector), vector)
        for vector in {0, module.vector}
        if counted % (module.matrix + vector) == 0
    ]
    if not fits:
        return None
    # Of two readings the plainer: our rows, one row of each item, our rows several times over.
    times, vector = min(
        fits, key=lambda fit: (fit[0] != rows, fit[0] != module.batch, fit[0] % rows > 0, fit)
    )
    found = []
    if times != rows:
        reason, amount = _rows(module, rows, times), (times - rows) * module.matrix
        found.append(Cause(reason=reason, amount=amount, path=module.path))
    if vector:
        amount = times * vector
        found.append(Cause(reason="biases are added", amount=amount, path=module.path))
    return found


def _rows(module: Module, rows: int, times: int) -> str:
    if module.calls > 1 and times * module.calls == rows:
        return "modules that run several times are counted once"
    if times * module.batch == rows:
        return "one item of the batch is counted, not all"
    if times == module.batch:
        return "the sequence length is ignored: one position of each item is counted"
    if times % rows == 0:
        return f"{module.type}: its weights are counted several times over"
    return f"{module.type}: its weights are counted for another number of positions"
