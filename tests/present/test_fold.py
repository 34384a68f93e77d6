"""Identical siblings become one, and nothing is lost by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archscope import folding
from archscope.analyses.params.rows import ModuleRow
from archscope.present import _lines
from archscope.results import Report, View
from tests.calls import calls

Make = Callable[..., Any]
# A module is (its own parameters, its submodules); small ranges, so that equal ones are common.
MODULES = st.recursive(
    st.tuples(st.integers(0, 2), st.just([])),
    lambda below: st.tuples(st.integers(0, 2), st.lists(below, max_size=5)),
    max_leaves=40,
)
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows(make: Make, module: Any, path: str = "", names: str = "") -> list[Any]:
    params, below = module
    found = [make(path, "M", params, 3 * params)]
    for number, each in enumerate(below):
        name = names + str(number)
        found += rows(make, each, f"{path}.{name}" if path else name, names)
    return found


def tree_of(found: list[Any]) -> folding.Node:
    return folding.tree(found, ModuleRow)


def labels(found: list[Any]) -> list[tuple[str, int]]:
    return [(group.label, group.copies) for group in folding.fold(tree_of(found).children)]


def same(one: folding.Node, other: folding.Node) -> bool:
    """The definition of alike, spelt out."""
    return (
        (one.row.own_trainable, one.row.type) == (other.row.own_trainable, other.row.type)
        and [child.name for child in one.children] == [child.name for child in other.children]
        and all(map(same, one.children, other.children))
    )


@FIXTURES
@given(module=MODULES)
def test_alike_means_equal_all_the_way_down(row: Make, module: Any) -> None:
    siblings = tree_of(rows(row, module)).children
    for one in siblings:
        for other in siblings:
            assert (one.alike == other.alike) == same(one, other)


@FIXTURES
@given(module=MODULES)
def test_folding_loses_nothing(row: Make, module: Any) -> None:
    siblings = tree_of(rows(row, module)).children
    folded: Counter[int] = Counter()
    for group in folding.fold(siblings):
        folded[group.node.alike] += group.copies
    assert folded == Counter(node.alike for node in siblings)


@FIXTURES
@given(
    module=MODULES,
    depth=st.none() | st.integers(0, 4),
    expand=st.booleans(),
    names=st.sampled_from(["", "layer"]),
)
def test_shown_leaves_add_up(
    build: Make, row: Make, module: Any, depth: int | None, expand: bool, names: str
) -> None:
    section = build("random", rows(row, module, names=names)).sections[0]
    view = View(max_depth=depth, expand=expand)
    shown = _lines.lines(section, _lines.tree(section), view)
    for field in ("trainable", "flops"):
        leaves = sum(_lines.value(line, field) for line in _lines.leaves(shown))
        assert leaves == getattr(section.totals, field)
    for line in _lines.every(shown):
        if line.parts:
            below = sum(_lines.value(part, "trainable") for part in line.parts)
            assert below == _lines.value(line, "trainable")


def test_only_neighbours_that_count_on_are_folded(row: Make) -> None:
    found = [row(name, "Linear", 5) for name in ("0", "1", "3", "4", "a", "b", "05", "06")]
    assert labels(found) == [("0–1", 2), ("3–4", 2), ("a", 1), ("b", 1), ("05", 1), ("06", 1)]


def test_a_difference_deep_down_keeps_blocks_apart(row: Make) -> None:
    found = [row(f"{i}.a.b", "Linear", 5 if i != 2 else 6) for i in range(4)]
    assert labels(found) == [("0–1", 2), ("2", 1), ("3", 1)]


def test_blocks_that_take_turns_are_folded_by_turn(row: Make) -> None:
    found = [row(str(i), "Conv1d", 10 + i % 3) for i in range(12)]
    assert labels(found) == [("0,3,…,9", 4), ("1,4,…,10", 4), ("2,5,…,11", 4)]


def test_two_turns_are_too_few_to_fold(row: Make) -> None:
    found = [row(str(i), "Conv1d", 10 + i % 2) for i in range(4)]
    assert [copies for _, copies in labels(found)] == [1, 1, 1, 1]


def test_a_long_run_is_not_torn_for_a_cycle(row: Make) -> None:
    kinds = [1, 1, 1, 1, 2] * 3
    found = [row(str(i), "Conv1d", kind) for i, kind in enumerate(kinds)]
    assert labels(found)[0] == ("0–3", 4)


def test_ties_inside_a_block_fold_and_ties_to_other_places_do_not(row: Make) -> None:
    inside = [row(f"{i}.head", "Linear", shared_with=f"{i}.emb") for i in range(3)]
    assert labels(inside) == [("0–2", 3)]
    apart = [row(f"{i}.head", "Linear", shared_with=f"other{i}") for i in range(3)]
    assert len(labels(apart)) == 3


def test_names_of_any_length_and_depth(row: Make) -> None:
    found = [
        row("1" * 10_000, "A", 1),
        row("x." * 5_000 + "y", "B", 2),
        row("", "Net"),
        row("", "N"),
    ]
    assert sum(_fold_sum(node) for node in [tree_of(found)]) == 3


def _fold_sum(root: folding.Node) -> int:
    todo, total = [root], 0
    while todo:
        node = todo.pop()
        total += node.row.own_trainable if node.row else 0
        todo += node.children
    return total


def test_the_work_of_folding_goes_by_the_number_of_modules(row: Make) -> None:
    found = [row(f"blocks.{i}.m{j}", "Linear", j) for i in range(1_000) for j in range(13)]

    assert calls(lambda: labels(found)) < 100 * len(found)


def shown(report: Report, **view: Any) -> list[str]:
    section = report.sections[0]
    lines = _lines.lines(section, _lines.tree(section), View(**view))
    return [line.tree + line.label for line in _lines.every(lines)]


def test_containers_live_on_in_dotted_names(sample: Make) -> None:
    assert shown(sample("gpt2"))[2:6] == [
        "blocks.0–23",
        "├─ ln_1",
        "├─ attn.qkv",
        "├─ attn.sdpa",
    ]
    assert shown(sample("gpt2"), max_depth=3)[3:7] == ["├─ ln_1", "├─ attn", "├─ ln_2", "└─ mlp"]
    assert shown(sample("gpt2"), max_depth=1)[2] == "blocks"


def test_own_work_gets_a_line(sample: Make) -> None:
    assert shown(sample("experts"))[:2] == ["layers.0–3.moe", "├─ (own)"]
    assert shown(sample("frozen"))[0] == "(model)"


def test_a_fold_within_a_fold_counts_all_copies(sample: Make) -> None:
    section = sample("experts").sections[0]
    lines = list(_lines.every(_lines.lines(section, _lines.tree(section), View())))
    assert [line.copies for line in lines] == [4, 4, 4, 32, 32, 32]  # 4 layers * 8 experts


def test_expanding_shows_every_copy(sample: Make) -> None:
    names = shown(sample("gpt2"), expand=True)
    assert len([name for name in names if name.endswith("attn.qkv")]) == 24


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_lone_wrapper_does_not_cost_a_level(build: Make, row: Make, wrapped: bool) -> None:
    prefix = "model." if wrapped else ""
    modules = [row("model", "Inner")] if wrapped else []
    modules += [row(prefix + "stem", "Conv2d", 1), row(prefix + "body", "Body")]
    modules += [row(f"{prefix}body.{name}", "Conv2d", 2) for name in "ab"]
    assert shown(build("wrapped", modules)) == [f"{prefix}stem", f"{prefix}body", "├─ a", "└─ b"]
