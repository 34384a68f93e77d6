"""Explains one module by a counter's rule for it: its own formula, or weights times rows."""

from __future__ import annotations

from archscope.analyses.audit.causes import Cause, Comparison
from archscope.analyses.audit.evidence import Module
from archscope.counting.others import PRODUCTS


def by_formula(module: Module, counted: int, comparison: Comparison) -> list[Cause] | None:
    """Explain a module by the tool's own formula; None where that does not add up.

    The products that it holds must be ours, with those of the module's parts or without.
    """
    terms = comparison.figures.terms.get(module.path)
    if terms is None or sum(terms.values()) != counted:
        return None
    parts = comparison.uncounted_parts(module)
    if terms[PRODUCTS] == module.macs + sum(parts.values()):
        comparison.moved.update(parts)
    elif terms[PRODUCTS] != module.macs:
        return None
    return [
        Cause(reason=reason, amount=amount, path=module.path)
        for reason, amount in terms.items()
        if reason and amount
    ]


def other_rows(module: Module, counted: int) -> list[Cause] | None:
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
        if reason is None:
            return None
        found.append(Cause(reason=reason, amount=amount, path=module.path))
    if vector:
        amount = times * vector
        found.append(Cause(reason="biases are added", amount=amount, path=module.path))
    return found


def _rows(module: Module, rows: int, times: int) -> str | None:
    if module.calls > 1 and times * module.calls == rows:
        return "modules that run several times are counted once"
    if times * module.batch == rows:
        return "one item of the batch is counted, not all"
    if times == module.batch:
        return "the sequence length is ignored: one position of each item is counted"
    if "Transpose" in module.type and times == module.positions * module.calls:
        return f"{module.type}: its weights are counted at each place that it writes, not reads"
    if times % rows == 0:
        return f"{module.type}: its weights are counted several times over"
    return None
