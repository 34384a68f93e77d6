"""CONTRIBUTING's map is the house, and its table of what can be added is what is found."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import archscope
from archscope.registry import Registry

PACKAGE = Path(archscope.__file__).parent
TEXT = Path(__file__).parents[1].joinpath("CONTRIBUTING.md").read_text(encoding="utf-8")
HOUSE, ADDING = TEXT.split("## Adding something")


def cells(text: str, column: int) -> list[str]:
    """Return what stands in backquotes in one column of the tables in a text."""
    rows = re.findall(r"^\|(.*)\|$", text, re.M)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[column])]


def test_the_map_names_every_room_once() -> None:
    rooms = {
        path.name + "/" * path.is_dir()
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    named = cells(HOUSE, 0)

    assert sorted(named) == sorted(rooms - {"__init__.py", "__main__.py"})


def test_the_map_goes_down_as_the_floors_do() -> None:
    source = Path(__file__).with_name("test_architecture.py").read_text(encoding="utf-8")
    floors = source[source.index("FLOORS") : source.index("From the ground up")]
    levels = [re.findall(r'"(\w+)"', line) for line in re.findall(r"frozenset\(.*\)", floors)]
    level = {room: number for number, rooms in enumerate(levels) for room in rooms}
    order = [level[name.removesuffix("/").removesuffix(".py")] for name in cells(HOUSE, 0)]

    assert order == sorted(order, reverse=True)


def test_what_can_be_added_is_found_where_it_is_said() -> None:
    places, constants, groups = (cells(ADDING, column) for column in (1, 2, 3))
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if re.search(r"^[A-Z_]+ = Registry\(", path.read_text(encoding="utf-8"), re.M):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            module = import_module(".".join(p for p in parts if p != "__init__"))
            for each in vars(module).values():
                if isinstance(each, Registry):
                    found[each._package] = each._constant

    assert dict(zip(groups, constants, strict=True)) == found
    for place, group in zip(places, groups, strict=True):
        assert "archscope/" + place == group.replace(".", "/") + "/"


def test_every_path_that_is_named_is_there() -> None:
    root = PACKAGE.parent
    for name in re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.py)`", TEXT):
        if "*" in name or name.startswith(("_", "./")):
            continue
        homes = (root, PACKAGE, PACKAGE / "present", PACKAGE / "families" / "cnn")
        homes += (PACKAGE / "dependence", PACKAGE / "present" / "html", PACKAGE / "analyses" / "rf")
        homes += (PACKAGE / "families" / "transformer",)
        assert any((home / name).exists() for home in homes), name
