"""What is known of torch's operators: how each is counted, and what each looks at."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from generate.markdown import code, escaped, folded, table


def counted() -> str:
    """Return the formulas of multiply-accumulates, each with the operators that it is of."""
    from archscope.counting.formulas import FORMULAS

    return _by_function("formula", FORMULAS, _of_formula)


def estimated() -> str:
    """Return the estimates that stand beside the multiply-accumulates."""
    from archscope.counting.estimates import ESTIMATES

    return _by_function("estimate", ESTIMATES, _of_formula)


def of_libraries() -> str:
    """Return the formulas of operators that are not torch's own."""
    from archscope.counting.custom import FORMULA_SETS

    sets = FORMULA_SETS.all().values()
    every = {name: formula for each in sets for name, formula in each.by_operator.items()}
    return _by_function("formula", every, _of_formula)


def _of_formula(formula: Any) -> str:
    """Return what a formula says of itself, torch's own with their names."""
    found = formula
    while "formula" in (inner := inspect.getclosurevars(found).nonlocals):
        found = inspect.unwrap(inner["formula"])
    if found.__module__.startswith("torch."):
        return f"half of `{found.__module__}.{found.__name__}`, which counts two for each"
    return inspect.getdoc(found) or found.__name__.replace("_", " ")


def looked_at() -> str:
    """Return the rules by which receptive fields are followed through operators."""
    from archscope.dependence.rules import RULE_SETS

    parts = []
    for name, rules in RULE_SETS.all().items():
        first = _plain(next(iter(rules.by_operator.values())))
        title = (inspect.getdoc(inspect.getmodule(first)) or name).partition("\n\n")[0]
        head = " ".join(title.split()).rstrip(".")
        inner = _by_function("what an output reads", rules.by_operator, _of_rule)
        parts.append(folded(f"{name} · {head}".replace('"', "'"), inner))
    return "\n".join(parts)


def _of_rule(rule: Any) -> str:
    """Return what a rule says of itself, or what does the work within it."""
    plain = _plain(rule)
    return inspect.getdoc(rule) or inspect.getdoc(plain) or plain.__name__.replace("_", " ")


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
    head: str, every: Mapping[str, Callable[..., Any]], text: Callable[[Any], str]
) -> str:
    operators: dict[str, list[str]] = defaultdict(list)
    for name, found in every.items():
        operators[text(found)].append(name.removeprefix("aten::"))
    rows = (
        (escaped(said), " ".join(map(code, sorted(names)))) for said, names in operators.items()
    )
    return table((head, "operators"), rows)
