"""Conditions on networks, e.g. `params < 100k and rf >= 1s`: read once, held against many.

Python's own grammar, of which only names, numbers with units, comparisons, `and`, `or`, `not` and
`+ - * /` are let through; nothing is executed. A condition is true, false, or not known: a lower
bound of 300 proves `rf >= 255` and leaves `rf <= 400` open. Along several axes a comparison must
hold along each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from math import inf
from typing import Any, NoReturn

from archscope.assertions import UNIT_WORDS, Dimension, Found, Number, Quantity, read_amount, shown
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen
from archscope.studies._ranges import (
    ANY,
    ARITHMETIC,
    COMPARISONS,
    Range,
    Ranges,
    calculated,
    compared,
    paired,
)

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
class Limit:
    """A condition that holds one name against one number."""

    name: str
    """The name that it reads."""
    dimension: Dimension
    """What the number is of."""
    sign: str
    """The comparison, the name before it."""
    amount: Number
    """The number, in positions, seconds, shares, things or bytes."""


@frozen
class Condition:
    """One condition, understood."""

    text: str
    """As it was typed."""
    names: tuple[str, ...]
    """The names that it reads, each once."""
    _tree: ast.expr = field(repr=False)
    _terms: _Terms = field(repr=False)

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
        return tuple(map(self._terms.condition, self._terms.conjuncts(self._tree)))

    @property
    def limit(self) -> Limit | None:
        """The name and the number that it holds against each other; None where it does more."""
        return self._terms.limit(self._tree)


def read_condition(text: str, known: Mapping[str, Quantity]) -> Condition:
    """Return the condition that a text says of these quantities, by their names.

    Raises `UsageError` that shows where a text is not understood, with the nearest name for one
    that is not known.
    """
    terms = _Terms(text, known)
    tree = terms.parse()
    terms.check(tree)
    return terms.condition(tree)


_SIGNS = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "−": "-", "·": "*"})
_NUMBER = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)?(?:\.\d+)?(?:(?<=\d)[eE][+-]?\d+)?(?<=\d)"
    rf"(?:\s*(?:{'|'.join(sorted(map(re.escape, UNIT_WORDS), key=len, reverse=True))})(?![\w]))?",
    re.IGNORECASE,
)
_ENDLESS = re.compile(r"[eE][+-]?\d{3}|[\d_,.]{99}")
"""Numbers that would take all memory, or that nothing has."""
_SINGLE = re.compile(r"(?<![<>=!])=(?!=)")
_PLACE = "amount_{}_"


class _Terms:
    """A text, and what its names and numbers stand for."""

    def __init__(self, text: str, known: Mapping[str, Quantity]) -> None:
        self.text = text
        self.known = known
        self.amounts: dict[str, str] = {}
        self._known: dict[Any, Any] = {}
        self._source = _SINGLE.sub("==", _NUMBER.sub(self._placed, text.translate(_SIGNS)))

    def _placed(self, found: re.Match[str]) -> str:
        if _ENDLESS.search(found[0]):
            self._refuse(f"{found[0][:20]!r} is out of range")
        place = _PLACE.format(len(self.amounts))
        self.amounts[place] = found[0]
        return place

    def parse(self) -> ast.expr:
        if not self.text.strip():
            raise UsageError("the condition is empty; write e.g. 'params < 100k and rf >= 255'")
        try:
            return ast.parse(self._source.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._refuse("it is not understood; write e.g. 'params < 100k and rf >= 255'")

    def check(self, node: ast.expr) -> None:
        """Raise `UsageError` for what is no condition."""
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self.check(value)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                self.check(inner)
            case ast.Compare(left=left, ops=ops, comparators=others):
                if not all(type(op) in COMPARISONS for op in ops):
                    self._refuse(f"{self.said(node)!r} is no comparison of numbers")
                for side in (left, *others):
                    self._check_number(side)
                self.dimension(node)
            case ast.Name(id=name) if name not in self.amounts:
                quantity = self.quantity(name)
                if "switch" not in quantity.dimensions:
                    self._refuse(f"say how large {quantity.name} is, e.g. '{quantity.name} >= 1'")
            case _:
                self._refuse(f"{self.said(node)!r} is neither a comparison nor a yes or no")

    def _check_number(self, node: ast.expr) -> None:
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                self._check_number(left)
                self._check_number(right)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                self._check_number(inner)
            case ast.Name(id=name):
                if name not in self.amounts and self.quantity(name).dimensions == ("switch",):
                    self._refuse(f"{name} is so or not; write {name}, or not {name}")
            case _:
                self._refuse(
                    f"{self.said(node)!r} is no number; there are names, numbers and + - * /"
                )

    def quantity(self, name: str) -> Quantity:
        """Return what a name stands for."""
        if name not in self._known:
            word = same_word(name, self.known)
            if word is None:
                near = did_you_mean(name, tuple(self.known))
                some = ", ".join(list(self.known)[:12])
                self._refuse(f"nothing is called {name!r}; there are {some} and others.{near}")
            self._known[name] = self.known[word]
        found: Quantity = self._known[name]
        return found

    def dimension(self, comparison: ast.Compare) -> Dimension | None:
        """Return what the sides of a comparison are in; None: each name in its own.

        Raises `UsageError` where an amount has a unit that no name beside it is measured in.
        """
        if comparison not in self._known:
            self._known[comparison] = self._dimension(comparison)
        found: Dimension | None = self._known[comparison]
        return found

    def _dimension(self, comparison: ast.Compare) -> Dimension | None:
        names = [self.quantity(name) for name in _names(comparison) if name not in self.amounts]
        if not names:
            self._refuse(f"{self.said(comparison)!r} names nothing of a network")
        found: Dimension | None = None
        for place in (name for name in _names(comparison) if name in self.amounts):
            text = self.amounts[place]
            if not text[-1].isdigit():
                found, _ = read_amount(text, names[0])
        unlike = next((each for each in names if found and found not in each.dimensions), None)
        if unlike is not None:
            self._refuse(f"{unlike.name} is not measured as {names[0].name} is there")
        return found

    def amount(self, place: str, comparison: ast.Compare) -> Number:
        """Return the number that stands at a place of a comparison, in the units of its names."""
        if place not in self._known:
            self._known[place] = self._amount(place, comparison)
        found: Number = self._known[place]
        return found

    def _amount(self, place: str, comparison: ast.Compare) -> Number:
        text = self.amounts[place]
        if text[-1].isdigit():
            return Fraction(text.replace(",", "").replace("_", ""))
        first = next(name for name in _names(comparison) if name not in self.amounts)
        return read_amount(text, self.quantity(first))[1]

    def conjuncts(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield the parts of a condition that must all hold."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                for value in values:
                    yield from self.conjuncts(value)
            case ast.Compare(left=left, ops=[_, _, *_] as ops, comparators=others):
                triples = zip((left, *others), ops, others, strict=False)
                each = [ast.Compare(left=a, ops=[op], comparators=[b]) for a, op, b in triples]
                named = all(set(_names(part)) - {*self.amounts} for part in each)
                # A unit is of all comparisons in a row, and apart each has its own.
                alike = named and {*map(self.dimension, each)} == {self.dimension(node)}
                yield from each if alike else [node]
            case _:
                yield node

    def limit(self, tree: ast.expr) -> Limit | None:
        """Return the limit that a part of the text sets to one name, if it does only that."""
        match tree:
            case ast.Compare(left=ast.Name(id=left), ops=[op], comparators=[ast.Name(id=right)]):
                sign = COMPARISONS[type(op)]
            case _:
                return None
        if left in self.amounts:
            left, right = right, left
            sign = sign.translate(str.maketrans("<>", "><"))
        if left in self.amounts or right not in self.amounts:
            return None
        quantity = self.quantity(left)
        return Limit(
            name=quantity.name,
            dimension=self.dimension(tree) or quantity.dimensions[0],
            sign=sign,
            amount=self.amount(right, tree),
        )

    def condition(self, tree: ast.expr) -> Condition:
        """Return a part of the text as a condition of its own."""
        names = [self.quantity(name).name for name in _names(tree) if name not in self.amounts]
        return Condition(
            text=self.said(tree), names=tuple(dict.fromkeys(names)), _tree=tree, _terms=self
        )

    def said(self, node: ast.AST) -> str:
        """Return a part of the text as it was typed, but for blanks."""
        text = ast.unparse(node)
        return re.sub(r"amount_\d+_", lambda found: self.amounts[found[0]], text)

    def _refuse(self, problem: str) -> NoReturn:
        raise UsageError(f"condition {self.text!r}: {problem}")


def _names(node: ast.AST) -> list[str]:
    """Return the names within a node, in the order in which they are written."""
    return [each.id for each in _within(node) if isinstance(each, ast.Name)]


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _within(child)


class _Reading:
    """A condition read of one network."""

    def __init__(self, terms: _Terms, look: Look, *, says_why: bool = True) -> None:
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
        for name in dict.fromkeys(_names(node)):
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
