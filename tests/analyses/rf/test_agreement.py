"""The two roads of the rf analysis: the outline's closed form, and the operators that run."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import archscope
from archscope.errors import ArchscopeError
from archscope.families import FAMILIES
from archscope.results import Report
from archscope.saved import read_text
from archscope.study import analyse
from archscope.theory.layers import Layer, conv, linear, nearest, pool, transposed

laws = settings(max_examples=8, deadline=None, derandomize=True, database=None)
few_sizes = pytest.mark.usefixtures("few_sizes")

layers = st.builds(
    lambda kernel, stride, dilation, padding: conv(
        kernel, stride=stride, dilation=dilation, padding=padding
    ),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
    st.sampled_from(["same", "causal", "valid"]),
)
stacks = st.lists(layers | st.builds(pool, st.integers(1, 3)), min_size=1, max_size=4)
upsampling = st.lists(
    layers
    | st.builds(nearest, st.integers(1, 3))
    | st.builds(linear, st.integers(1, 3))
    | st.builds(lambda k, s: transposed(k, stride=s), st.integers(1, 4), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)

TOLD_BY_OUTLINE = {"coupling_depth", "hdc_m2", "valid_taps"}
"""Fields that the operators leave out."""
OWN = {
    "type",
    "kind",
    "output_size",
    "listed",
    "unknown",
    "output",
    "operators_unknown",
    "complete",
    "of_input",
    "depends_on",
    "position_axes",
    "feature_axis",
    "batch_axis",
    "blind",
    "blind_inside",
    "has_gaps",
    "outputs",
    "buffer_bytes",
    "tile_overlap",
}
"""Fields that say where a number is from, and so differ; `output` is the layer or the model."""
PADDED = {"padding_before", "padding_after"}
"""Fields that differ where torch's layer cannot pad so, and a pad of its own does."""


def roads(network: Any, **fields: Any) -> tuple[Report, Report]:
    """Return the answers of the outline and of the operators, which were held against it."""
    return (
        archscope.receptive_field(network, **fields),
        archscope.receptive_field(network, graph=True, **fields),
    )


def differences(one: Any, other: Any, left_out: set[str]) -> dict[str, Any]:
    """Return the fields in which two rows differ by more than rounding."""
    left_out = {*left_out, *other.unknown.split(", ")}
    names = [field.name for field in dataclasses.fields(one) if field.name not in left_out]
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if not alike(*pair)}


def alike(one: Any, other: Any) -> bool:
    if one is None or isinstance(one, str | bool) or other is None:
        return bool(one == other)
    return bool(one == pytest.approx(other, rel=1e-9))


@laws
@given(stacks, st.integers(1, 2))
def test_all_numbers_of_a_stack_are_the_same_on_both_roads(stack: list[Layer], axes: int) -> None:
    closed, found = roads(stack, spatial_dims=axes)

    unnamed = OWN | PADDED | TOLD_BY_OUTLINE | {"through"}
    for one, other in zip(closed.section("layers").rows, found.section("layers").rows, strict=True):
        assert differences(one, other, unnamed) == {}
    maps = {row.reads: row for row in found.section("maps").rows}
    for one in closed.section("maps").rows:
        if one.reads in maps:
            assert differences(one, maps[one.reads], unnamed) == {}
    assert "input" in maps
    worst = {"worst_map", "worst_map_coverage"}  # of several that are as bad, any may be named
    assert differences(closed.totals, found.totals, OWN | worst) == {}


@laws
@given(upsampling, st.integers(1, 2))
@example([conv(3, stride=2, dilation=4, padding="causal"), nearest(2)], 2)
@example([transposed(1, stride=2), nearest(2)], 2)
def test_windows_behind_up_sampling_are_the_same_on_both_roads(
    stack: list[Layer], axes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # a fixture would serve all examples at once
        patch.setattr("archscope.dependence.answer.size_trials.MOST_OPERATORS", 100)
        closed, found = roads(stack, spatial_dims=axes)

    for one, other in zip(closed.section("layers").rows, found.section("layers").rows, strict=True):
        assert one.receptive_field == other.receptive_field
        assert one.jump == other.jump
    assert closed.totals.smallest_field == found.totals.smallest_field


@laws
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=3), min_size=2, max_size=3),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.integers(1, 2),
)
def test_branches_are_the_same_on_both_roads(
    branches: list[list[int]], kernels: list[int], axes: int
) -> None:
    fields = {
        "branches": branches,
        "kernel_size": kernels[: len(branches)],
        "spatial_dims": axes,
    }
    closed, found = roads((), **fields)

    assert closed.section("branches").rows == found.section("branches").rows
    assert differences(closed.totals, found.totals, OWN) == {}
    (one,), (other, *_) = closed.section("maps").rows, found.section("maps").rows
    left_out = OWN | TOLD_BY_OUTLINE | {"through", "layers"}
    assert differences(one, other, left_out) == {}


@few_sizes
@pytest.mark.usefixtures("wrong_tcn")
@pytest.mark.parametrize("flags", [{"graph": True}, {"verify": True}, {"output": "network"}])
def test_a_planted_error_in_an_outline_is_no_answer(flags: dict[str, Any]) -> None:
    with pytest.raises(
        ArchscopeError, match=r"network\.1\.conv1 sees 31 by the closed form, 25 by the operators"
    ):
        archscope.receptive_field("tcn", levels=2, **flags)


@few_sizes
@pytest.mark.usefixtures("wrong_tcn")
def test_a_planted_error_is_said_in_a_report_of_everything() -> None:
    report = archscope.report("tcn", levels=2)

    assert report.find("rf.layers") is None
    assert any("network.1.conv1 sees 31 by the closed form" in note.text for note in report.notes)


@few_sizes
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stride": 2}, "makes outputs|has a jump of 2"),
        ({"padding": (3, 0)}, "makes outputs|starts at -3"),
        ({"kernel": 5}, "sees 5"),
        ({"dilation": 2, "padding": (2, 2)}, "sees 5"),
    ],
)
def test_every_kind_of_error_is_found(change: dict[str, Any], message: str) -> None:
    family = FAMILIES.get("cnn")
    subject = family.subject(family.spec(depth=3, spatial_dims=1, input_size=40))
    outline = subject.outline
    assert outline is not None
    first, *rest = outline.layers
    wrong = dataclasses.replace(outline, layers=(dataclasses.replace(first, **change), *rest))

    with pytest.raises(ArchscopeError, match=rf"blocks\.0\.conv ({message})"):
        analyse("rf", dataclasses.replace(subject, outline=wrong), graph=True)


@few_sizes
def test_a_layer_that_an_outline_forgets_is_found_at_the_output() -> None:
    family = FAMILIES.get("cnn")
    subject = family.subject(family.spec(depth=3, input_size=40))
    outline = subject.outline
    assert outline is not None
    wrong = dataclasses.replace(outline, layers=outline.layers[:2], flagged=(0, 1))

    with pytest.raises(
        ArchscopeError, match=r"the output sees 5×5 by the closed form, 7×7 by the op"
    ):
        analyse("rf", dataclasses.replace(subject, outline=wrong), compare=True)


def test_a_report_of_everything_holds_the_roads_against_each_other_where_that_is_cheap() -> None:
    cheap = archscope.report("cnn", depth=3)
    dear = archscope.report("transformer", seq_len=8192, attention="window", window=64, depth=2)

    assert any("operators that run agree" in note.text for note in cheap.notes)
    assert not any("operators that run agree" in note.text for note in dear.notes)
    assert not any("agree in" in note.text for note in archscope.receptive_field("cnn").notes)


def test_an_input_is_not_made_larger_for_a_window_that_it_will_never_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looked(*_: object, **__: object) -> None:
        raise AssertionError("the window is wider than any input that is tried")

    monkeypatch.setattr("archscope.analyses.rf.network.look", looked)

    report = archscope.report("cnn", spatial_dims=1, dilations=[1 << n for n in range(20)])

    assert report.section("rf.layers").totals.receptive_field == (2**21 - 1,)


KINDS = {
    "stack": lambda: archscope.receptive_field([2, 2, 2]),
    "branches": lambda: archscope.receptive_field(branches=[[6], [12]]),
    "attention": lambda: archscope.receptive_field("transformer", depth=2),
    "up-sampled": lambda: archscope.receptive_field([transposed(4, stride=2)]),
    "operators": lambda: archscope.receptive_field([1, 2], graph=True),
    "both": lambda: archscope.receptive_field("resnet18", graph=True),
    "several": lambda: archscope.receptive_field(branches=[[1], [2]], graph=True, verify=True),
    "suggested": lambda: archscope.suggest(63),
}


@few_sizes
@pytest.mark.parametrize("name", KINDS)
def test_what_is_saved_is_read_back(name: str) -> None:
    report = KINDS[name]()
    again = read_text(report.to("json"))

    for one, other in zip(report.sections, again.sections, strict=True):
        assert (one.rows, one.totals, one.notes) == (other.rows, other.totals, other.notes)
        assert one.headline == other.headline


@few_sizes
def test_tokens_that_are_filled_up_to_whole_windows_are_cut_off_again() -> None:
    found = archscope.receptive_field(
        "longformer", depth=2, seq_len=10, window=8, d_model=8, heads=2, d_ff=8, graph=True
    )

    sizes = {row.layer: row.output_size for row in found.section("layers").rows}
    assert (sizes["blocks.0.attn"], sizes["blocks.1.attn"]) == ((16,), (16,))
    assert any("agree in 3 numbers" in note.text for note in found.notes)
