"""Which modules are the same, which have moved, and that nothing is lost or told twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archscope.results import Report
from archscope.studies.compare.modules import module_rows
from archscope.studies.compare.rows import ModuleRow

Network = Callable[..., Report]
Layers = Mapping[str, tuple[str, int, int | None]]
BLOCK = {"conv": ("Conv2d", 9, 90), "act": ("ReLU", 0, 0)}
LINEAR = ("Linear", 4, 8)


def blocks(at: str, count: int, block: Layers = BLOCK) -> dict[str, Any]:
    return {f"{at}.{n}.{name}": layer for n in range(count) for name, layer in block.items()}


def compared(*networks: Report, works: bool = True) -> dict[str, ModuleRow]:
    sections = [each.section("params.modules") for each in networks]
    fair = [works] * (len(networks) - 1)
    rows = module_rows(sections, fair, fair, [each.title for each in networks])
    return {row.path: row for row in rows}


def changes(*networks: Report) -> dict[str, Any]:
    return {path: row.change[-1] for path, row in compared(*networks).items()}


def test_blocks_that_are_alike_are_one_row_that_says_how_many(network: Network) -> None:
    twelve = network({"stem": LINEAR, **blocks("blocks", 12)})
    found = compared(twelve, network({"stem": LINEAR, **blocks("blocks", 24)}))

    assert list(found) == ["stem", "blocks.0–23", "blocks.0–23.conv", "blocks.0–23.act"]
    row = found["blocks.0–23"]
    assert (row.repeats, row.copies, row.change) == ("×12 → ×24", (12, 24), ("changed",))
    assert row.paths == ("blocks.0–11", "blocks.0–23")
    assert (row.params, row.params_difference) == ((12 * 9, 24 * 9), (12 * 9,))
    assert (row.params_ratio, row.what) == ((2.0,), "12 more of the same")
    assert found["stem"].change == ("same",)


def test_blocks_of_two_kinds_are_cut_where_either_network_changes(network: Network) -> None:
    wide = {"conv": ("Conv2d", 16, 160), "act": ("ReLU", 0, 0)}
    other = {**blocks("blocks", 4), **blocks("late", 0)}
    other |= {f"blocks.{n}.{k}": v for n in range(4, 9) for k, v in wide.items()}
    found = compared(network(blocks("blocks", 6)), network(other))

    assert {p: r.copies for p, r in found.items() if p.count(".") == 1} == {
        "blocks.0–3": (4, 4),  # 9 parameters in both
        "blocks.4–8": (2, 5),  # 9 and 16
    }
    assert found["blocks.4–8.conv"].params == (2 * 9, 5 * 16)


def test_blocks_that_take_turns_stay_apart(network: Network) -> None:
    def turns(count: int) -> dict[str, Any]:
        return {f"blocks.{n}.a": ("Linear", 4 + n % 2, 8) for n in range(count)}

    found = compared(network(turns(6)), network(turns(12)))

    assert {path: row.copies for path, row in found.items()} == {
        "blocks.0,2,…,10.a": (3, 6),
        "blocks.1,3,…,11.a": (3, 6),
    }


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"fc": ("Linear", 7, 7)}, {"head": ("Linear", 7, 7)}, "moved to head"),
        (blocks("old", 3), blocks("body.new", 3), "moved to body.new.0–2"),
        ({"a.b": LINEAR, "x": ("ReLU", 0, 0)}, {"c.b": LINEAR, "x": ("ReLU", 0, 0)}, "moved to c"),
    ],
)
def test_what_stands_elsewhere_and_is_alone_there_has_moved(
    network: Network, before: Layers, after: Layers, said: str
) -> None:
    found = compared(network({"stem": LINEAR, **before}), network({"stem": LINEAR, **after}))

    assert [row.what for row in found.values() if row.change == ("moved",)] == [said]


def test_what_could_be_several_has_not_moved(network: Network) -> None:
    found = changes(network({"a": LINEAR}), network({"b": LINEAR, "c": LINEAR}))

    assert found == {"b": "added", "c": "added", "a": "removed"}


def test_another_layer_at_one_place_is_a_change_and_says_so(network: Network) -> None:
    before = network({"a": LINEAR, "act": ("ReLU", 0, 0)})
    row = compared(before, network({"a": LINEAR, "act": ("GELU", 0, 0)}))["act"]

    assert (row.type, row.change, row.what) == ("ReLU → GELU", ("changed",), "ReLU → GELU")


def test_places_in_a_list_say_nothing_where_its_items_have_moved(network: Network) -> None:
    before = {"f.0": LINEAR, "f.1": ("Pool", 0, 1), "f.2": ("Conv2d", 30, 3)}
    after = {"f.0": LINEAR, "f.1": ("Conv2d", 9, 9), "f.2": ("Pool", 0, 1), "f.3": before["f.2"]}
    sections = [network(each).section("params.modules") for each in (before, after)]
    found = module_rows(sections, [True], [True], ["before", "after"])
    told = [(row.type, row.change[0]) for row in found if row.is_part]

    assert told == [
        ("Linear", "same"), ("Conv2d", "added"), ("Pool", "moved"), ("Conv2d", "moved"),
    ]  # fmt: skip


def test_settings_alone_are_a_change(network: Network) -> None:
    layers = {"conv": ("Conv2d", 9, 9)}
    dilated = network(layers, parts={"conv": {"settings": "3×3, dilation 2"}})
    row = compared(network(layers, parts={"conv": {"settings": "3×3"}}), dilated)["conv"]

    assert (row.change, row.params_difference) == (("changed",), (0,))
    assert row.what == "3×3 → 3×3, dilation 2"


def test_shapes_and_work_of_other_inputs_are_no_change(network: Network) -> None:
    small = network({"a": ("Conv2d", 9, 90)})
    large = network({"a": ("Conv2d", 9, 360)}, parts={"a": {"output_shape": (1, 16)}})

    assert compared(small, large, works=False)["a"].change == ("same",)
    assert compared(small, large, works=False)["a"].flops_difference == (None,)
    assert compared(small, large)["a"].change == ("changed",)


def test_what_a_container_does_itself_is_a_row_of_its_own(network: Network) -> None:
    layers = {"stem": LINEAR, "m": ("Attention", 5, 50), "m.a": LINEAR, "m.b": ("ReLU", 0, 0)}
    found = compared(network(layers), network({**layers, "m": ("Attention", 7, 70)}))

    assert found["m.(own)"].params == (5, 7)
    assert found["m"].params == (9, 11)


def test_three_networks_stand_side_by_side(network: Network) -> None:
    nets = [network(blocks("blocks", n), title=f"{n}") for n in (2, 4, 6)]
    added = network({**blocks("blocks", 6), "head": LINEAR}, title="with a head")
    found = compared(*nets, added)

    assert found["blocks.0–5"].repeats == "×2 → ×4 → ×6 → ×6"
    assert found["blocks.0–5"].params_difference == (2 * 9, 4 * 9, 4 * 9)
    assert (found["head"].change, found["head"].params) == (("", "", "added"), (0, 0, 0, 4))


MODULE = st.recursive(
    st.tuples(st.sampled_from(["Linear", "Conv2d", "ReLU"]), st.integers(0, 2)),
    lambda below: st.dictionaries(st.sampled_from(["0", "1", "2", "a", "b"]), below, max_size=4),
    max_leaves=12,
)


def layers_of(module: Any, path: str = "") -> dict[str, Any]:
    if isinstance(module, tuple):
        return {path or "only": (module[0], module[1], 3 * module[1])}
    found: dict[str, Any] = {}
    for name, below in module.items():
        found |= layers_of(below, f"{path}.{name}" if path else name)
    return found


@given(st.lists(MODULE, min_size=2, max_size=3))
@example([("Conv2d", 1), {"1": {"1": ("Conv2d", 1)}, "2": {"1": ("Conv2d", 1)}}])  # one moved out
@example([{"1": {"2": ("ReLU", 2)}, "2": {"2": ("ReLU", 2)}}, ("ReLU", 2)])  # one moved in
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_without_parts_add_up_to_each_network(network: Network, modules: list[Any]) -> None:
    drawn = [layers_of(each) for each in modules]
    networks = [network(each, title=str(n)) for n, each in enumerate(drawn)]
    sections = [each.section("params.modules") for each in networks]
    fair = [True] * (len(networks) - 1)
    names = [each.title for each in networks]
    rows = module_rows(sections, fair, fair, names)

    for k, layers in enumerate(drawn):
        assert sum(r.params[k] for r in rows if r.is_part) == sum(v[1] for v in layers.values())
        alone = module_rows([sections[k], sections[k]], [True], [True], [names[k]] * 2)
        assert not any(row.differs for row in alone)
