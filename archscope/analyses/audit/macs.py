"""Why another counter's multiply-accumulates differ from archscope's, module by module.

A reason is given only where it explains a module's difference to the last digit. What no reason
explains is left over, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archscope.analyses.audit.causes import MOST_PARTS, Cause, Comparison, is_inside, sum_of
from archscope.analyses.audit.evidence import Evidence, Module, with_borrowed_weights
from archscope.analyses.audit.rules import by_formula, other_rows
from archscope.counting.layouts import REAL_PER_COMPLEX
from archscope.counting.operators import classify
from archscope.counting.others import Figures, Tool
from archscope.records import frozen

_NEARLY = 0.9
"""Share of an amount that is nearly all of it."""
_AS_REAL = "a product of complex numbers is counted as one of real ones, not as four"


def causes(tool: Tool, figures: Figures, evidence: Evidence) -> list[Cause]:
    """Return what the difference in multiply-accumulates is made of; amounts add up to it."""
    theirs = _under_first_names(figures, evidence)
    found = list(_estimates(tool, figures))
    for cause in found:
        theirs[str(cause.path)] -= cause.amount
    for taken, macs in figures.taken_off.items():
        found.append(Cause(reason=taken, amount=-macs, path=None))
    outside = figures.macs - sum(theirs.values()) - sum(cause.amount for cause in found)
    if outside and outside + sum(theirs.values()) == evidence.macs:
        return found  # the same work, some of it in no module: that of a backward in a forward
    elsewhere = _outside(outside, theirs, evidence)
    found += elsewhere.causes
    evidence = _with_lent_weights(with_borrowed_weights(evidence, theirs), theirs)
    comparison = Comparison(tool=tool, figures=figures, theirs=theirs, evidence=evidence)
    for path, module in evidence.modules.items():
        if path not in comparison.moved:
            found += _of_module(module, comparison, elsewhere.operators)
    for path, macs in theirs.items():
        if path not in evidence.modules and macs:
            second = path in evidence.aliases
            reason = "modules under a second name are counted again" if second else None
            found.append(Cause(reason=reason, amount=macs, path=path))
    left = [cause for cause in found if cause.reason is None]
    if sum(cause.amount for cause in left):
        return found
    return [cause for cause in found if cause.reason]  # the rest has other places, no other amount


def _under_first_names(figures: Figures, evidence: Evidence) -> dict[str, int]:
    """Return a tool's figures by path, those under a second name alone under the first."""
    theirs = {path: sum(work.values()) for path, work in figures.modules.items()}
    for second, first in evidence.aliases.items():
        if theirs.get(second) and not theirs.get(first):
            theirs[first] = theirs.pop(second)
    return theirs


def _with_lent_weights(evidence: Evidence, theirs: Mapping[str, int]) -> Evidence:
    """Return the evidence with products by a module's weights in the modules that ran them.

    A tied weight is one's own and another's; what the others lack of it, the tool counted there.
    """
    modules = dict(evidence.modules)
    more = {path: theirs.get(path, 0) - module.macs for path, module in modules.items()}
    for path, module in evidence.modules.items():
        if more[path] >= 0 or len(module.work) != 1 or not (module.calls and theirs.get(path)):
            continue
        users = {user: macs for user, macs in more.items() if 0 < macs <= -more[path]}
        likely = dict(sorted(users.items(), key=lambda user: -user[1])[:MOST_PARTS])
        (operator,) = module.work
        for user in sum_of(likely, -more[path]) or ():
            work = {**modules[user].work, f"{operator} by {path}": more[user]}
            modules[user] = replace(modules[user], work=work)
            modules[path] = replace(module, work={operator: theirs[path]})
            more[user] = 0
    return replace(evidence, modules=modules)


def _estimates(tool: Tool, figures: Figures) -> Iterator[Cause]:
    """Yield what a tool adds under names of work that is no multiply-accumulate."""
    for path, work in figures.modules.items():
        for word, macs in work.items():
            if tool.work and word not in tool.work:
                yield Cause(reason=f"{word} is added as work", amount=macs, path=path)


@frozen
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
    sought = sorted(parts, key=lambda part: -parts[part])[:MOST_PARTS]
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


def _of_module(
    module: Module, comparison: Comparison, elsewhere: frozenset[str]
) -> Iterator[Cause]:
    counted = comparison.theirs.get(module.path, 0)
    formula = by_formula(module, counted, comparison)
    if formula is not None:
        yield from formula
        return
    work = dict(module.work)
    if not counted:
        work = {operator: macs for operator, macs in work.items() if operator not in elsewhere}
    ours = sum(work.values())
    difference = counted - ours
    if not difference:
        return
    complex_ones = module.of_complex // REAL_PER_COMPLEX
    if complex_ones and difference == complex_ones - module.of_complex:
        yield Cause(reason=_AS_REAL, amount=difference, path=module.path)
        return
    shown, why = comparison.evidence.unshown.get(module.path, (None, None))
    if comparison.tool.traces and counted == shown:
        yield Cause(reason=why, amount=difference, path=module.path)
    elif not ours:
        parts = None
        if module.has_parts:
            parts = _some_operators(module, {}, difference, comparison)
        yield from [_added(module, difference)] if parts is None else parts
    elif not counted:
        reason = _left_out(module, work, comparison)
        yield Cause(reason=reason, amount=difference, path=module.path)
    else:
        found = _some_operators(module, work, difference, comparison)
        if found is None:
            found = other_rows(module, counted)
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


def _left_out(module: Module, work: Mapping[str, int], comparison: Comparison) -> str | None:
    """Return why a module's work, or some of it, was left out."""
    skipped = comparison.figures.skipped
    operators = ", ".join(sorted(work))
    if all("attention" in operator for operator in work):
        known = [name for name in skipped if "attention" in name]
        return f"fused attention is not counted ({', '.join(known) or operators})"
    strange = [
        name
        for name in skipped
        if classify(name) == "multiply-accumulate" and "scaled_dot_product" not in name
    ]
    strange = [name for name in strange if name in work] or strange
    if strange:
        return f"it does not know {', '.join(strange)}"
    if module.has_parts or not module.matrix:
        return f"products in {module.type} itself are not counted ({operators})"
    if not module.calls:
        return f"weights of {module.type} are used around it, where they are not counted"
    if any(is_inside(module.path, path) for path in comparison.figures.closed):
        return f"{module.type} in a module that has a rule of its own is left out"
    if comparison.tool.traces:  # its rules are for operators, not for modules
        ruled = all(name.rpartition("::")[2] in comparison.tool.work for name in work)
        return f"it has a rule for {operators}, and did not see it run" if ruled else None
    alike = comparison.evidence.of_type(module.type)
    if any(comparison.theirs.get(other.path) for other in alike):
        return None
    return f"{module.type} is not counted: there is no rule for it"


def _some_operators(
    module: Module, work: Mapping[str, int], difference: int, comparison: Comparison
) -> list[Cause] | None:
    """Explain a difference by operators left out here, and by work of a part counted here."""
    inside = comparison.uncounted_parts(module)
    # Of two operators of the same amount, attention is the likelier to be left out.
    likely = sorted(work, key=lambda operator: "attention" not in operator)
    parts = {f"-{operator}": -work[operator] for operator in likely}
    parts |= {f"+{path}": macs for path, macs in list(inside.items())[: MOST_PARTS - len(parts)]}
    fit = sum_of(parts, difference)
    if fit is None:
        return None
    found = []
    for name in fit:
        sign, what = name[0], name[1:]
        if sign == "+":
            comparison.moved.add(what)  # its own difference is the same with the other sign
            continue
        reason = _left_out(module, {what: work[what]}, comparison)
        found.append(Cause(reason=reason, amount=parts[name], path=module.path))
    return found
