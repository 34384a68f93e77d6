"""The text of a condition: its grammar, and what its names and numbers stand for.

Python's own grammar, of which only names, numbers with units, comparisons, `and`, `or`, `not` and
`+ - * /` are let through; nothing is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NoReturn

from archscope.assertions import UNIT_WORDS, Dimension, Number, Quantity, read_amount
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen
from archscope.studies._ranges import ARITHMETIC, COMPARISONS


@frozen
class Limit:
    """A condition that compares one name with one number."""

    name: str
    """The name that it reads."""
    dimension: Dimension
    """What the number is of."""
    sign: str
    """The comparison, the name before it."""
    amount: Number
    """The number, in positions, seconds, shares, things or bytes."""


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


class Terms:
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
                    self._refuse(f"{self.said(node)!r} is not a comparison of numbers")
                for side in (left, *others):
                    self._check_number(side)
                self.dimension(node)
            case ast.Name(id=name) if name not in self.amounts:
                quantity = self.quantity(name)
                if "switch" not in quantity.dimensions:
                    self._refuse(f"give a size for {quantity.name}, e.g. '{quantity.name} >= 1'")
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
                    self._refuse(f"{name} is true or false; write {name}, or not {name}")
            case _:
                self._refuse(f"{self.said(node)!r} is not a number; use names, numbers and + - * /")

    def quantity(self, name: str) -> Quantity:
        """Return what a name stands for."""
        if name not in self._known:
            word = same_word(name, self.known)
            if word is None and name.startswith(tuple(self.amounts)):
                self._refuse(
                    f"{self._typed(name)!r} is neither a number nor a name; a number holds along "
                    "each axis, e.g. rf >= 31"
                )
            if word is None:
                near = did_you_mean(name, tuple(self.known))
                some = ", ".join(list(self.known)[:12])
                self._refuse(
                    f"there is no measure or field {name!r}; there are {some} and others.{near}"
                )
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
        names = [self.quantity(name) for name in names_in(comparison) if name not in self.amounts]
        if not names:
            self._refuse(f"{self.said(comparison)!r} names nothing of a network")
        found: Dimension | None = None
        sides = (comparison.left, *comparison.comparators)
        plain = all(isinstance(side, ast.Name) for side in sides)
        for place in (name for name in names_in(comparison) if name in self.amounts):
            text = self.amounts[place]
            if not text[-1].isdigit():
                found, _ = read_amount(text, names[0])
            elif plain and names[0].dimensions == ("share",):
                read_amount(text, names[0])  # refuses 90 where 90% is meant
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
        first = next(name for name in names_in(comparison) if name not in self.amounts)
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
                named = all(set(names_in(part)) - {*self.amounts} for part in each)
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

    def names(self, tree: ast.AST) -> tuple[str, ...]:
        """Return the names that a part of the text reads, each once, as they are known."""
        names = [self.quantity(name).name for name in names_in(tree) if name not in self.amounts]
        return tuple(dict.fromkeys(names))

    def said(self, node: ast.AST) -> str:
        """Return a part of the text as it was typed, but for blanks."""
        text = ast.unparse(node)
        return self._typed(text)

    def _typed(self, text: str) -> str:
        """Return a text with every amount as it was typed."""
        return re.sub(r"amount_\d+_", lambda found: self.amounts[found[0]], text)

    def _refuse(self, problem: str) -> NoReturn:
        raise UsageError(f"condition {self.text!r}: {problem}")


def names_in(node: ast.AST) -> list[str]:
    """Return the names within a node, in the order in which they are written."""
    return [each.id for each in _within(node) if isinstance(each, ast.Name)]


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _within(child)
