"""What can be changed in a file: one operator, number or condition of one line each time."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SWAPS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"), ast.Mod: ("%", "*"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
}  # fmt: skip
"""What stands between two operands, and what is put there instead."""
NO_MATTER = {"strict", "frozen", "eq", "slots", "kw_only", "maxsize", "warn", "message"}
"""Keywords whose values decide no number."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str
    """The file, from the root of the tree."""
    line: int
    """Where it changes."""
    before: str
    """What the file holds."""
    after: str
    """What it then holds."""

    def diff(self) -> list[str]:
        """Return the lines that go and come, with their number first."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0)
        _, _, place, *changed = lines
        return [f"{self.path}:{place.split()[1].lstrip('-').partition(',')[0]}", *changed]

    def key(self) -> tuple[str, str, str]:
        """Return what `equivalent.toml` knows it by: the file, the old text and the new one."""
        _, *changed = self.diff()
        old, new = ("\n".join(x[1:].strip() for x in changed if x[0] == s) for s in "-+")
        return self.path, old, new


class _Places(ast.NodeVisitor):
    """Finds what can be changed: start, end and new text, by offsets in the bytes of the file."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.found: list[tuple[int, int, str]] = []
        self._open: set[ast.expr] = set()

    def _start(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)].decode()

    def _swap(self, kind: ast.AST, left: ast.expr, right: ast.expr) -> None:
        if type(kind) not in SWAPS:
            return
        old, new = SWAPS[type(kind)]
        start, end = self._end(left), self._start(right)
        between = self._source[start:end].decode()
        self.found.append((start, end, between.replace(old, new, 1)))

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for kind, left, right in zip(node.ops, sides, sides[1:], strict=False):
            self._swap(kind, left, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._swap(node.op, left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self.found.append((self._start(node), self._end(node), self._text(node.operand)))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.found.append((self._start(node), self._end(node), str(not node.value)))
        elif isinstance(node.value, int):
            more = () if node in self._open else (node.value + 1,)
            for other in (*more, node.value - 1):
                self.found.append((self._start(node), self._end(node), str(other)))

    def _branch(self, node: ast.If | ast.IfExp) -> None:
        self.found.append(
            (self._start(node.test), self._end(node.test), f"not ({self._text(node.test)})")
        )
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self._branch(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._branch(node)

    def visit_Call(self, node: ast.Call) -> None:
        other = {"min": "max", "max": "min", "any": "all", "all": "any"}
        if isinstance(node.func, ast.Name) and node.func.id in other:
            self.found.append((self._start(node.func), self._end(node.func), other[node.func.id]))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            # A size that is left open is any negative one.
            self._open |= {each.operand for each in node.args if isinstance(each, ast.UnaryOp)}
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in NO_MATTER:
            self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        """Leave out types, as below."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for each in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(each)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Leave out what is said to people, as below."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """See `visit_Raise`."""


def mutants(root: Path, places: Sequence[str]) -> dict[tuple[str, int], list[Mutant]]:
    """Return by file and line what can be changed there."""
    found: dict[tuple[str, int], list[Mutant]] = {}
    files = [
        file for each in places for file in sorted([root / each, *(root / each).rglob("*.py")])
    ]
    for file in files:
        if file.is_dir():
            continue
        source, path = file.read_bytes(), file.relative_to(root).as_posix()
        visitor = _Places(source)
        visitor.visit(ast.parse(source))
        for start, end, new in visitor.found:
            after = (source[:start] + new.encode() + source[end:]).decode()
            line = source[:start].count(b"\n") + 1
            found.setdefault((path, line), []).append(
                Mutant(path=path, line=line, before=source.decode(), after=after)
            )
    return found
