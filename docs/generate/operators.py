"""What is known of torch's operators: how each is counted, and what each looks at."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from generate.markdown import code, escaped, folded, table


def counted() -> str:
    """Return the formulas of multiply-accumulates, each with the operators that it is of."""
    from archscope.counting.formulas import FORMULAS

    return _by_function("formula", FORMULAS, inspect.getdoc)


def estimated() -> str:
    """Return the estimates that stand beside the multiply-accumulates."""
    from archscope.counting.estimates import ESTIMATES

    return _by_function("estimate", ESTIMATES, inspect.getdoc)


def of_libraries() -> str:
    """Return the formulas of operators that are not torch's own."""
    from archscope.counting.custom import FORMULA_SETS

    every = {name: f for each in FORMULA_SETS.all().values() for name, f in each.by_operator.items()}
    return _by_function("formula", every, inspect.getdoc)


def looked_at() -> str:
    """Return the rules by which receptive fields are followed through operators."""
    from archscope.dependence.rules import RULE_SETS

    parts = []
    for name, rules in RULE_SETS.all().items():
        title = inspect.getdoc(inspect.getmodule(_plain(next(iter(rules.by_operator.values()))))) or name
        head = title.partition("\n\n")[0].removeprefix("Rules of ").rstrip(".")
        inner = _by_function("what an output reads", rules.by_operator, _of_rule)
        parts.append(folded(f"{name}: {head}".replace('"', "'"), inner))
    return "\n".join(parts)


def _of_rule(rule: Any) -> str | None:
    """Return what a rule says of itself, or what does the work within it."""
    return inspect.getdoc(rule) or inspect.getdoc(_plain(rule))


def _plain(rule: Any) -> Any:
    inner = inspect.getclosurevars(rule).nonlocals if inspect.isfunction(rule) else {}
    return inner.get("function", rule)


def classes() -> str:
    """Return the classes of operators, with how many of torch's stand in each by name."""
    from archscope.counting import operators

    found = {
        "multiply-accumulate": operators.MULTIPLY_ACCUMULATE,
        "estimated": operators._ESTIMATED,
        "elementwise or reduction": operators._ELEMENTWISE | operators.NONLINEAR,
        "free": operators._FREE,
    }
    return "\n".join(
        folded(f"{kind} ({len(names)} by name)", " ".join(map(code, sorted(names))) + "\n")
        for kind, names in found.items()
    )


def _by_function(
    head: str, every: Mapping[str, Callable[..., Any]], doc: Callable[[Any], str | None]
) -> str:
    operators: dict[str, list[str]] = defaultdict(list)
    for name, found in every.items():
        operators[doc(found) or f"{_plain(found).__name__.replace('_', ' ')}"].append(name)
    return table((head, "operators"), _rows(operators))


def _rows(operators: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    for text, names in operators.items():
        yield escaped(text), " ".join(code(name.removeprefix("aten::")) for name in sorted(names))
