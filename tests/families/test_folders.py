"""A family is data, a network and an outline; torch comes with the network alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import archscope
from archscope.families import FAMILIES

PACKAGE = Path(archscope.__file__).parent
FILES = sorted(file for room in ("families", "blocks") for file in (PACKAGE / room).rglob("*.py"))
MODULES = {
    ".".join(("archscope", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): file
    for file in FILES
}


def _imports(tree: ast.AST) -> set[str]:
    """Return all that is imported anywhere within, for types alone and late too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _at_import(file: Path) -> set[str]:
    """Return what the statements of a module import as it is itself imported."""
    body = ast.parse(file.read_text()).body
    return _imports(ast.Module([x for x in body if isinstance(x, ast.ImportFrom | ast.Import)], []))


@pytest.mark.parametrize("name", FAMILIES.names())
def test_only_the_network_of_a_family_needs_torch(name: str) -> None:
    folder = FAMILIES.folders()[name]

    assert {file.stem for file in folder.glob("*.py")} >= {"__init__", "spec", "network"}
    assert (folder / "outline.py").exists() == (FAMILIES.get(name).outline is not None)
    for file in {*folder.glob("*.py")} - {folder / "network.py"}:
        found = _at_import(file)
        assert not {module for module in found if module.split(".")[0] == "torch"}, file
        assert not {module for module in found if "network" in module.split(".")}, file


def test_a_family_says_what_it_is_without_torch() -> None:
    code = """
import sys
from archscope.families import FAMILIES
for family in FAMILIES.all().values():
    spec = family.spec()
    family.title(spec)
    tuple(family.blocks(spec)) if family.blocks else ()
    family.outline(spec) if family.outline else None
assert 'torch' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("file", [f for f in FILES if "blocks" in f.parts], ids=lambda f: f.stem)
def test_what_families_share_knows_none_of_them(file: Path) -> None:
    found = _imports(ast.parse(file.read_text()))

    assert not {module for module in found if module.startswith("archscope.families")}


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {
        name: {module for module in _imports(ast.parse(file.read_text())) if module in MODULES}
        for name, file in MODULES.items()
    }

    order = list(TopologicalSorter(graph).static_order())  # raises where there is a circle

    assert len(order) == len(MODULES)


@pytest.mark.parametrize("name", FAMILIES.names())
def test_a_plan_gives_each_block_its_place(name: str) -> None:
    family = FAMILIES.get(name)
    if family.blocks is None:
        pytest.skip("no blocks of it are alike")
    spec = family.spec()
    subject = family.subject(spec)

    made = {path for path, _ in subject.model.named_modules()}
    left_out = {path for repeat in subject.repeats for path in repeat.copies[1:]}

    assert {block.path for block in family.blocks(spec)} <= made | left_out
    assert not made & left_out
