"""Conditions on networks, e.g. `params < 100k and rf >= 1s`: read once, applied to many.

A condition is true, false, or not known: a lower bound of 300 proves `rf >= 255` and leaves
`rf <= 400` open. Along several axes a comparison must hold along each.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from math import inf

from archscope.assertions import Dimension, Found, Number, Quantity, shown
from archscope.records import frozen
from archscope.studies._ranges import ANY, COMPARISONS, Range, Ranges, calculated, compared, paired
from archscope.studies._terms import Limit as Limit
from archscope.studies._terms import Terms, names_in

Look = Callable[[str, Dimension], Found]
"""What is known of a name, in a dimension, of one network."""


@frozen
class Verdict:
    """Whether a condition holds of one network."""

    holds: bool | None
    """None where that is not known."""
    why: str = ""
    """What decides it, or why it is not known; empty where it holds."""


@frozen
class Condition:
    """One condition, understood."""

    text: str
    """As it was typed."""
    names: tuple[str, ...]
    """The names that it reads, each once."""
    _tree: ast.expr = field(repr=False)
    _terms: Terms = field(repr=False)

    def of(self, look: Look) -> Verdict:
        """Return whether it holds of the network that `look` knows."""
        return _Reading(self._terms, look).verdict(self._tree)

    def holds(self, look: Look) -> bool | None:
        """Return the same without the why, in a fraction of the time."""
        return _Reading(self._terms, look, says_why=False).verdict(self._tree).holds

    @property
    def parts(self) -> tuple[Condition, ...]:
        """Its parts that must all hold: what stands between `and`s, and each comparison of several
        in a row; itself where there is no more than one."""
        return tuple(_of_part(self._terms, each) for each in self._terms.conjuncts(self._tree))

    @property
    def limit(self) -> Limit | None:
        """The name and the number that it holds against each other; None where it does more."""
        return self._terms.limit(self._tree)


def read_condition(text: str, known: Mapping[str, Quantity]) -> Condition:
    """Return the condition that a text says of these quantities, by their names.

    Raises `UsageError` that shows where a text is not understood, with the nearest name for one
    that is not known.
    """
    terms = Terms(text, known)
    tree = terms.parse()
    terms.check(tree)
    return _of_part(terms, tree)


def _of_part(terms: Terms, tree: ast.expr) -> Condition:
    """Return a part of a text as a condition of its own."""
    return Condition(text=terms.said(tree), names=terms.names(tree), _tree=tree, _terms=terms)


class _Reading:
    """A condition read of one network."""

    def __init__(self, terms: Terms, look: Look, *, says_why: bool = True) -> None:
        self._terms = terms
        self._look = look
        self._says_why = says_why

    def verdict(self, node: ast.expr) -> Verdict:
        match node:
            case ast.BoolOp(op=op, values=values):
                decides = not isinstance(op, ast.And)  # one that holds decides an `or`
                return _joined([self.verdict(value) for value in values], decides)
            case ast.UnaryOp(operand=inner):
                return _not(self.verdict(inner), f"{self._terms.said(inner)} holds")
            case ast.Compare():
                return self._comparison(node)
            case ast.Name(id=name):
                return self._switch(name)
        raise TypeError(ast.dump(node))  # `check` lets nothing else through

    def _switch(self, name: str) -> Verdict:
        word = self._terms.quantity(name).name
        found = self._look(word, "switch")
        if not found.values:
            return Verdict(holds=None, why=f"{word} is {_said(found, 'switch')}")
        holds = all(found.values)
        return Verdict(holds=holds, why="" if holds else f"not {word}")

    def _comparison(self, node: ast.Compare) -> Verdict:
        sides = [node.left, *node.comparators]
        ranges = [self._ranges(side, node) for side in sides]
        pairs = zip(ranges, node.ops, ranges[1:], strict=False)
        found = [compared(left, COMPARISONS[type(op)], right) for left, op, right in pairs]
        if all(found):
            return Verdict(holds=True)
        if not self._says_why:
            return Verdict(holds=False if False in found else None)
        if False in found:
            return Verdict(holds=False, why=self._values(node))
        open_ = (told for told, known in self._told(node) if not known)
        return Verdict(holds=None, why="; ".join(open_))

    def _values(self, node: ast.Compare) -> str:
        """Return what the names of a comparison are, e.g. `params is 120,000`."""
        return ", ".join(told for told, _ in self._told(node))

    def _told(self, node: ast.Compare) -> Iterator[tuple[str, bool]]:
        """Yield what each name of a comparison is, and whether that is known exactly."""
        dimension = self._terms.dimension(node)
        for name in dict.fromkeys(names_in(node)):
            if name not in self._terms.amounts:
                quantity = self._terms.quantity(name)
                measured = dimension or quantity.dimensions[0]
                found = self._look(quantity.name, measured)
                known = bool(found.values) and not found.bound and found.spread is None
                yield f"{quantity.name} is {_said(found, measured)}", known

    def _ranges(self, node: ast.expr, within: ast.Compare) -> Ranges:
        match node:
            case ast.Name(id=name) if name in self._terms.amounts:
                amount = self._terms.amount(name, within)
                return (Range(low=amount, high=amount),)
            case ast.Name(id=name):
                return self._named(name, within)
            case ast.UnaryOp(operand=inner):
                return tuple(Range(low=-r.high, high=-r.low) for r in self._ranges(inner, within))
            case ast.BinOp(left=left, op=op, right=right):
                pairs = paired(self._ranges(left, within), self._ranges(right, within))
                return tuple(calculated(type(op), a, b) for a, b in pairs or ((ANY, ANY),))
        raise TypeError(ast.dump(node))

    def _named(self, name: str, within: ast.Compare) -> Ranges:
        quantity = self._terms.quantity(name)
        dimension = self._terms.dimension(within) or quantity.dimensions[0]
        return _ranges_of(self._look(quantity.name, dimension))


def _ranges_of(found: Found) -> Ranges:
    """Return what the numbers of a quantity lie between, axis by axis."""
    if not found.values:
        return (ANY,)
    if found.spread is not None:
        return (Range(low=found.spread[0], high=found.spread[1]),)
    return tuple(
        Range(
            low=-inf if found.bound == "at most" else value,
            high=inf if found.bound == "at least" else value,
        )
        for value in found.values
    )


def is_so(found: Found, sign: str, wanted: Number) -> bool | None:
    """Return whether what is known of a quantity is, e.g., `<=` a number along each axis.

    None where that is not known: a lower bound of 300 is `>= 255`, and leaves `<= 400` open.

    >>> is_so(Found(values=(300,), bound="at least"), "<=", 255)
    False
    """
    return compared(_ranges_of(found), sign, (Range(low=wanted, high=wanted),))


def _said(found: Found, dimension: Dimension) -> str:
    each = " × ".join(shown(value, dimension) for value in found.values) or "unknown"
    because = f", because {found.why}" if found.why else ""
    return f"{found.bound} {each}{most_runs(found, dimension)}{because}".strip()


def most_runs(found: Found, dimension: Dimension) -> str:
    """Return what most samples lie between, behind the number in the middle; empty: it is exact."""
    if found.spread is None:
        return ""
    low, high = (shown(each, dimension) for each in found.spread)
    return f", {low} to {high} in most samples"


def _joined(verdicts: list[Verdict], decides: bool) -> Verdict:
    """Return what several say together, of which one that is `decides` is enough."""
    every = {each.holds for each in verdicts}
    holds = decides if decides in every else None if None in every else not decides
    whys = [each.why for each in verdicts if each.holds is holds and each.why]
    return Verdict(holds=holds, why="" if holds else "; ".join(whys))


def _not(verdict: Verdict, why: str) -> Verdict:
    """Return the opposite; `why` says what decides it where that does not hold."""
    if verdict.holds is None:
        return verdict
    return Verdict(holds=not verdict.holds, why=why if verdict.holds else "")
