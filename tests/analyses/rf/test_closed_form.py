"""The rf analysis: rows, totals and verdicts against brute force, and every kind of network."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archscope
from archscope import specs
from archscope.analyses import ANALYSES
from archscope.analyses.rf.rows import BranchRow, LayerRow, MapRow, PositionRow
from archscope.analyses.rf.use.rows import AxisRow
from archscope.errors import SpecError, ThresholdError, UsageError
from archscope.families import FAMILIES
from archscope.loaders.family import network
from archscope.present import FORMATS
from archscope.results import Note, Report, View
from archscope.subject import Sketch
from archscope.theory.layers import Layer, conv, nearest, pool, transposed
from tests.calls import calls

profile = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def seen(stack: list[tuple[int, int, int]]) -> set[int]:
    """List the positions that one output sees, by definition; layers are (k, s, d)."""
    positions, jump = {0}, 1
    for kernel, stride, dilation in stack:
        positions = {p + tap * dilation * jump for p in positions for tap in range(kernel)}
        jump *= stride
    return positions


def verdict(report: Report) -> Note:
    return report.notes[0]


def warnings(report: Report) -> list[str]:
    return [note.text for note in report.notes if note.level == "warning"]


stacks = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6)), min_size=1, max_size=5
)


@profile
@given(stacks, st.integers(1, 3))
def test_the_verdict_is_what_brute_force_finds(stack: list[Any], axes: int) -> None:
    kernels, strides, dilations = zip(*stack, strict=True)
    report = archscope.receptive_field(
        dilations, kernel_size=kernels, stride=strides, spatial_dims=axes
    )

    positions = seen(stack)
    hull = max(positions) + 1
    totals = report.totals
    assert (totals.receptive_field, totals.positions) == ((hull,) * axes, hull**axes)
    assert totals.reached == len(positions) ** axes
    assert totals.is_full == (len(positions) == hull)
    assert verdict(report).level == ("ok" if totals.is_full else "warning")
    if not totals.is_full:
        missed = hull**axes - len(positions) ** axes
        assert verdict(report).text.startswith(f"Gridding: {missed:,} of {hull**axes:,} position")
    for number, row in enumerate(report.section("layers").rows, start=1):
        before = seen(stack[:number])
        assert row.receptive_field == (max(before) + 1,) * axes
        assert row.reached == len(before) ** axes
    rows = report.section("positions").rows
    start = totals.start[0]
    assert {row.position - start for row in rows if row.paths} == positions


@profile
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from([2, 3, 5]))
def test_what_it_says_to_try_leaves_no_hole(dilations: list[int], kernel: int) -> None:
    report = archscope.receptive_field(dilations, kernel_size=[kernel])

    if report.totals.is_full:
        assert not verdict(report).details
        return
    found = re.match(
        r"Try --dilations ([\d,]+): (same )?(\S+) receptive", verdict(report).details[-1]
    )
    assert found is not None, verdict(report)
    other = archscope.receptive_field(
        [int(number) for number in found[1].split(",")], kernel_size=[kernel]
    )
    assert other.totals.is_full
    assert len(other.section("layers").rows) == len(dilations)
    assert found[3] == "×".join(f"{size:,}" for size in other.totals.receptive_field)
    if found[2]:
        assert other.totals.receptive_field == report.totals.receptive_field
    else:
        # Nothing else was to be had: k^L positions are the most that L layers reach.
        assert other.totals.receptive_field == (kernel ** len(dilations),) * 2
        assert report.totals.receptive_field[0] > kernel ** len(dilations)


def test_two_two_two() -> None:
    report = archscope.receptive_field([2, 2, 2])

    note = verdict(report)
    assert note.level == "warning"
    # 13^2 - 7^2 = 120 of 169
    assert note.text == (
        "Gridding: 120 of 169 positions (71.0%) of the 13×13 receptive field never reach the "
        "output."
    )
    assert note.details == (
        "Cause: every dilation is a multiple of 2, so only every 2nd row and column is sampled.",
        "Neighbouring outputs share no input: they form 4 interleaved networks (2 along each "
        "axis).",
        "Try --dilations 1,2,3: same 13×13 receptive field, same parameters, 100% coverage.",
    )
    row = report.section("maps").rows[0]
    assert (row.streams, row.max_gap, row.solid_core) == ((2, 2), (1, 1), (1, 1))
    assert row.coupling_depth is None
    assert report.totals.receptive_field == (13, 13)
    assert row.hdc_m2 == 2, "the paper's rule would let it pass"


def test_where_no_dilations_reach_so_far() -> None:
    details = verdict(archscope.receptive_field([2, 4, 8])).details

    assert details[-2:] == (
        "No other dilations fill it: 3 layers of kernel 3 reach at most 27 positions (3^3) without "
        "a hole, fewer than 29.",
        "Try --dilations 1,3,9: 27×27 receptive field, same parameters, 100% coverage.",
    )


def test_the_layer_to_blame_is_named() -> None:
    by_rate = verdict(archscope.receptive_field([1, 2, 9])).details[0]
    by_stride = verdict(archscope.receptive_field([1, 2], stride=[2, 1])).details[0]
    by_tap = verdict(archscope.receptive_field([1, 1], kernel_size=[1, 3], stride=[2, 1])).details[
        0
    ]

    assert by_rate == (
        "Cause: conv3 steps 9 positions from tap to tap, but all finer layers together see only 7 "
        "in a row."
    )
    assert "conv2 steps 4 positions from tap to tap (dilation 2 × jump 2)" in by_stride
    assert by_tap == (
        "Cause: taps lie 2 input positions apart (dilation × jump), so only every 2nd row and "
        "column is sampled."
    )


def test_inputs_that_a_stride_steps_over() -> None:
    report = archscope.receptive_field([1, 1], kernel_size=[1, 3], stride=[2, 1])

    assert "only 25.0% of the input is read by any output: a stride skips the rest" in warnings(
        report
    )


# Seen from the image all is well; seen from the map within, it is not.
def test_gridding_within_is_news_in_a_stack_and_a_warning_behind_a_stride() -> None:
    bare = archscope.receptive_field([1, 2, 4])
    # From the map of stride 2 on, 1, 2, 4, 4 leave no hole; 2, 2 do, though from the input on
    # taps 4 apart are filled by the 7 positions before them.
    healthy = archscope.receptive_field([1, 1, 2, 4, 4], stride=[2, 1, 1, 1, 1])
    staged = archscope.receptive_field([1, 2, 2], kernel_size=[7, 3, 3], stride=[2, 1, 1])
    names = [
        *(conv(3, name=f"layer3.{number}") for number in range(3)),
        *(conv(3, dilation=rate, name=f"layer4.{rate}") for rate in (2, 4)),
    ]
    named = archscope.receptive_field([conv(3, stride=2, name="stem"), *names])
    dense = archscope.receptive_field(names)
    falling = archscope.receptive_field([4, 2, 1])

    assert [note.level for note in bare.sections[0].notes] == ["ok", "info"]
    assert bare.notes[1].text == (
        "In the output of conv1, conv2 to conv3 see only 29.0% of their 13×13 window, as 4 "
        "interleaved networks; earlier layers fill the holes. The same layers in the order 4,2,1 "
        "leave no holes there either."
    )
    separable = archscope.receptive_field([1, 1, 2, 1, 4], kernel_size=[3, 1, 3, 1, 3])
    assert (
        separable.sections[0]
        .notes[1]
        .text.endswith("in the order 4,2,1 leave no holes there either.")
    )
    assert [note.level for note in healthy.sections[0].notes] == ["ok", "info"]
    assert "order" not in healthy.notes[1].text
    assert [note.level for note in dense.sections[0].notes] == ["ok", "info"]
    assert [note.level for note in staged.sections[0].notes] == ["ok", "warning"]
    assert [note.level for note in named.sections[0].notes] == ["ok", "warning"]
    assert "in the output of layer3.2, layer4.2 to layer4.4 see only" in named.notes[1].text
    assert [note.level for note in falling.sections[0].notes] == ["ok"]


def test_branches_are_a_union_and_not_a_product() -> None:
    report = archscope.receptive_field(branches=[[6], [12], [18]])

    rows = report.section("branches").rows
    assert [row.branch for row in rows] == ["branch1", "branch2", "branch3", "together"]
    # 3 x 9 taps with the centre in common: 25 of 37 x 37; 7 of 37 along each axis.
    assert (report.totals.reached, report.totals.positions) == (25, 37**2)
    assert report.totals.reached_1d == (7, 7)
    assert report.totals.coverage_1d == (7 / 37, 7 / 37)
    assert verdict(report).details == (
        "Cause: the branches see 9 + 9 + 9 positions, 25 different ones together.",
        "Layers in front of the branches that see 18×18 positions without a hole fill them all.",
    )


def test_what_fills_the_holes_between_branches_is_exact() -> None:
    for axes, size in ((1, 6), (2, 18)):
        stems = [
            [conv(stem), conv(3, dilation=rate)]
            for stem in (size - 1, size)
            for rate in (6, 12, 18)
        ]
        sees = [seen([(layer.kernel, 1, layer.dilation) for layer in stem]) for stem in stems]
        # Every branch is centred, so that a narrower one starts further in.
        for three, is_filled in ((sees[:3], False), (sees[3:], True)):
            hull = max(map(max, three)) + 1
            shifted = [{p + (hull - 1 - max(one)) // 2 for p in one} for one in three]
            union = {point for one in shifted for point in product(one, repeat=axes)}
            assert (len(union) == hull**axes) == is_filled
        note = verdict(archscope.receptive_field(branches=[[6], [12], [18]], spatial_dims=axes))
        assert f"that see {'×'.join([str(size)] * axes)} positions" in note.details[1]


def test_branches_that_do_not_fit_together() -> None:
    with pytest.raises(UsageError, match="strides differ on axis 0: 1, 2"):
        archscope.receptive_field(branches=[[1], [1]], stride=[1, 2])

    shifted = archscope.receptive_field(branches=[[1], [1]], kernel_size=[2, 3])
    assert any("centred apart, at 0.5, 0" in text for text in warnings(shifted))


# Kernel 2, dilations 1, 2, 4, 8: WaveNet's way of seeing 16 samples, each by one path.
def test_causal_stacks_see_the_past() -> None:
    report = archscope.receptive_field([1, 2, 4, 8], kernel_size=[2], causal=True)

    assert (report.totals.axes, report.totals.receptive_field) == (1, (16,))
    assert (report.totals.start, report.totals.centre) == ((-15,), (-7.5,))
    assert report.totals.ahead == 0
    assert [row.position for row in report.section("positions").rows] == list(range(-15, 1))
    same = archscope.receptive_field([1, 2, 4, 8], kernel_size=[2], padding="causal")
    assert same.totals == report.totals


def test_even_kernels_are_centred_between_positions() -> None:
    report = archscope.receptive_field([1], kernel_size=[4])

    # PyTorch pads 1 before and 2 after: output 0 sees -1 to 2.
    assert (report.totals.start, report.totals.centre) == ((-1, -1), (0.5, 0.5))
    assert any(
        "output 0 is centred at 0.5, half a position after input 0" in n.text for n in report.notes
    )
    assert not any("even" in note.text for note in archscope.receptive_field([2]).notes)
    causal = archscope.receptive_field([1], kernel_size=[4], causal=True)
    assert not any("even" in note.text for note in causal.notes)


def test_a_dilation_beyond_the_input_is_a_warning() -> None:
    report = archscope.receptive_field([100], input_size=65)

    # The middle tap alone reads the map: 1 of 3, and (1/3)^2 over both axes.
    assert report.section("layers").rows[0].valid_taps == pytest.approx(1 / 9)
    assert any(
        text.startswith("conv1: dilation 100 exceeds the 65 positions of its input, and only 33.3%")
        for text in warnings(report)
    )
    assert len(warnings(archscope.receptive_field([1], input_size=65))) == 0


def test_outputs_without_an_input_are_a_warning() -> None:
    # Taps 5 before and 5 after each output; the input has positions 0 to 3 alone.
    report = archscope.receptive_field([10], kernel_size=[2], input_size=4, spatial_dims=1)

    assert (report.totals.blind, report.totals.outputs) == (4, 4)
    assert "4 of 4 outputs (100.0%) see no position of the input" in warnings(report)[0]
    assert verdict(report).level == "warning"


def test_inputs_at_the_end_that_nobody_reads() -> None:
    report = archscope.receptive_field(
        [1], kernel_size=[3], stride=[3], padding="valid", input_size=11
    )

    # Windows 0-2, 3-5, 6-8; 9 and 10 are left over.
    assert any(
        "2 of 11 inputs along each axis, at its ends, are read by no output" in n.text
        for n in report.notes
    )


def test_windows_of_attention() -> None:
    report = archscope.receptive_field("transformer", attention="window", window=4096, depth=32)

    # L (W - 1) + 1 = 32 * 4095 + 1; Mistral rounds it to 131,072.
    assert (report.totals.receptive_field, report.totals.reached) == ((131_041,), 131_041)
    assert verdict(report).text.startswith("No gridding: all 131,041 tokens of the 131,041-token")
    both_sides = archscope.receptive_field(
        "transformer", arch="encoder", attention="window", window=9, depth=2
    )
    assert (both_sides.totals.receptive_field, both_sides.totals.start) == ((17,), (-8,))


def test_dilated_windows_and_mixers_are_combs() -> None:
    window = archscope.receptive_field(
        "transformer", attention="dilated-window", window=5, window_dilation=2, depth=3
    )
    mixer = archscope.receptive_field(
        "transformer", mixer="dilated-conv", dilations=(2, 4), depth=2
    )

    # 3 layers of 4 steps of 2: 13 of 25 tokens.
    assert (window.totals.reached, window.totals.positions) == (13, 25)
    assert (mixer.totals.reached, mixer.totals.positions) == (7, 13)
    assert mixer.notes[0].details[-1].startswith("Try --dilations 1,3: 9-token")
    assert window.notes[0].details[-1].startswith("Without holes: dilations ")


@pytest.mark.parametrize("arch", ["decoder", "encoder"])
def test_full_attention_sees_all(arch: str) -> None:
    report = archscope.receptive_field("transformer", arch=arch, depth=2, seq_len=100)

    assert (report.totals.receptive_field, report.totals.coverage) == ((100,), 1.0)
    assert len(report.section("layers").rows) == 2
    assert report.totals.reads_all == "blocks.0.attn"


def test_an_encoder_decoder_tells_of_its_source_too() -> None:
    report = archscope.receptive_field(
        "transformer",
        arch="encoder-decoder",
        mixer="dilated-conv",
        dilations=(2,),
        depth=2,
        decoder_depth=1,
        seq_len=20,
        target_len=12,
    )

    rows = report.section("layers").rows
    assert [(row.layer, row.of, row.receptive_field, row.output_size) for row in rows] == [
        ("encoder.0.mixer", "source", (5,), (20,)),
        ("encoder.1.mixer", "source", (9,), (20,)),
        ("decoder.0.cross", "source", (20,), (12,)),
        ("decoder.0.mixer", "target", (5,), (12,)),
    ]
    assert report.totals.receptive_field == (5,)  # the verdict is of the target
    texts = [note.text for note in report.notes]
    assert any("every target token sees all 20 tokens" in text for text in texts)
    assert any(text.startswith("Of the source, before decoder.0.cross: Grid") for text in texts)


def test_a_cnn_names_its_layers_and_its_head() -> None:
    report = archscope.receptive_field(
        "cnn", dilations=(2, 2), conv="depthwise-separable", head="classifier"
    )

    assert [row.layer for row in report.section("layers").rows] == [
        "blocks.0.depthwise",
        "blocks.0.pointwise",
        "blocks.1.depthwise",
        "blocks.1.pointwise",
    ]
    assert report.totals.reads_all == "classifier"
    # The flag goes over blocks, not over pointwise layers.
    assert verdict(report).details[-1].startswith("Try --dilations 1,3: same 9×9")


def test_residual_paths_that_fill_holes_are_counted_in() -> None:
    full = archscope.receptive_field("cnn", residual=True, depth=2, dilations=(2,))
    holes = archscope.receptive_field(
        "cnn", residual=True, depth=2, dilations=(2,), kernel_size=(2,), spatial_dims=1
    )
    window = archscope.receptive_field(
        "transformer", mixer="dilated-conv", arch="encoder", depth=2, dilations=(2,), kernel_size=2
    )

    assert full.totals.complete
    assert holes.totals.complete
    # Each block sees -1, 0 and 1 of its input: 5 of 5, by its taps alone -2, 0 and 2.
    assert (holes.totals.reached, holes.totals.positions) == (5, 5)
    assert [row.reached for row in holes.section("layers").rows] == [2, 5]
    assert not warnings(holes)
    assert (window.totals.reached, window.totals.positions) == (5, 5)


def test_holes_that_a_residual_path_may_fill_before_up_sampling_are_not_told_as_holes() -> None:
    """One output sees both taps and, around them, the position between: all three."""
    filled = archscope.receptive_field("in 1x64; res(conv k2 d2); up 2")
    empty = archscope.receptive_field("in 1x64; conv k2 d2; up 2")

    said = [" ".join(note.text for note in one.section("layers").notes) for one in (filled, empty)]
    assert "whether other paths fill the holes is unknown" in said[0]
    assert ["Gridding: " in text for text in said] == [False, True]
    with pytest.raises(ThresholdError, match="the answer is a bound, and the rest is unknown"):
        archscope.receptive_field("in 1x64; res(conv k2 d2); up 2", strict=True)


def test_layers_that_up_sample_have_windows_of_different_sizes() -> None:
    report = archscope.receptive_field([conv(3), transposed(3, stride=2)], spatial_dims=1)

    # Outputs read 2, 1, 2, 1 positions of the map of 3-wide windows.
    assert (report.totals.smallest_field, report.totals.receptive_field) == ((3,), (4,))
    assert "windows of 3 to 4 positions" in verdict(report).text
    assert "Checkerboard" in verdict(report).details[0]
    blind = archscope.receptive_field([transposed(1, stride=2)], spatial_dims=1)
    assert verdict(blind).text == "1 of every 2 outputs see no input at all."
    smooth = archscope.receptive_field([conv(3), nearest(2), conv(3)], spatial_dims=2)
    assert verdict(smooth).level == "ok"


def test_nothing_at_all_sees_itself() -> None:
    report = archscope.receptive_field([conv(1)])

    assert (report.totals.receptive_field, report.totals.reached) == ((1, 1), 1)
    assert verdict(report).text.startswith("No gridding: the one position")


def test_thresholds() -> None:
    with pytest.raises(ThresholdError, match=r"--strict: 28\.9% of the receptive field"):
        archscope.receptive_field([2, 2, 2], strict=True)
    with pytest.raises(ThresholdError, match=r"--min-coverage 30: 28\.9%"):
        archscope.receptive_field([2, 2, 2], min_coverage=30)

    archscope.receptive_field([2, 2, 2], min_coverage=28)
    archscope.receptive_field([1, 2, 4], strict=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: archscope.receptive_field([1, 2], depth=1), "2 dilations for depth 1; give 1"),
        (lambda: archscope.receptive_field([0]), "dilations: 0 .item 1. is not in the range"),
        (lambda: archscope.receptive_field([1] * 1001), "1001 layers are too many"),
        (lambda: archscope.receptive_field([1], kernal=[3]), "no field is called 'kernal'"),
        (
            lambda: archscope.receptive_field([1], causal=True, spatial_dims=2),
            "needs one dimension",
        ),
        (lambda: archscope.receptive_field([1], causal=True, padding="valid"), "padding causal"),
        (lambda: archscope.receptive_field([1], branches=[[2]]), "dilations or branches"),
        (lambda: archscope.receptive_field([1, conv(3)]), "a int has no receptive field here"),
        (
            lambda: archscope.receptive_field([]),
            "the list of dilations is empty; give one for each",
        ),
        (lambda: archscope.receptive_field(branches=[[1], []]), "number 2 of 2 has no dilations"),
        (lambda: archscope.receptive_field(3.5), "a float has no receptive field here"),  # type: ignore[arg-type]
        (lambda: archscope.receptive_field("cnn", kernel_size=(0,)), "is not in the range"),
        (lambda: archscope.receptive_field([9], padding="valid", input_size=9), "too few"),
        (lambda: archscope.receptive_field([Layer(kernel=5)], input_size=4), "too few"),
    ],
)
def test_what_cannot_be_is_said(call: Any, message: str) -> None:
    with pytest.raises((UsageError, SpecError), match=message):
        call()


def test_a_network_from_memory_is_not_guessed_at() -> None:
    subject = FAMILIES.get("cnn").subject(FAMILIES.get("cnn").spec())
    stranger = type(subject)(name="Net", model=subject.model, inputs=None, origin="memory")

    with pytest.raises(UsageError, match="Net: rf needs an example input"):
        ANALYSES.get("rf").run(stranger)


@pytest.mark.parametrize("name", FAMILIES.names())
def test_a_sketch_says_what_the_built_network_says(name: str) -> None:
    family = FAMILIES.get(name)
    spec = specs.made(family.spec, SMALLER.get(name, {}))
    known = network(family, spec)
    if known.sketch is None:
        pytest.skip(f"{name} does not tell what its layers look at")
    sketch = known.sketch()

    assert isinstance(sketch, Sketch)
    assert ANALYSES.get("rf").run(sketch) == ANALYSES.get("rf").run(family.subject(spec))


SMALLER = {"conv-tasnet": {"dilations": (1, 2, 4), "stacks": 1}}
"""Fields with which a family whose outputs' windows differ is sketched in less time."""


def test_100_layers_up_to_dilation_a_million() -> None:
    def told() -> tuple[Report, str, str]:
        report = archscope.receptive_field([2 ** (i % 21) for i in range(100)])
        return report, report.to("table"), report.to("json")

    found: list[tuple[Report, str, str]] = []
    assert calls(lambda: found.append(told())) < 5_000_000
    ((report, text, _),) = found
    assert report.totals.receptive_field == (1 + 2 * sum(2 ** (i % 21) for i in range(100)),) * 2
    assert report.totals.paths == 3**100
    assert "in all 5.154×10^47" in text
    assert report.totals.most_paths is None
    assert "most_paths" in report.totals.unknown


@pytest.mark.parametrize(
    ("network", "fields"),
    [
        ([2] * 1000, {}),
        ([4, 6] * 125, {"kernel_size": [5]}),
        ("cnn", {"depth": 1_000, "dilations": (2,)}),
        ("transformer", {"depth": 1_000, "attention": "window", "window": 4096}),
    ],
)
def test_hundreds_of_layers_and_a_thousand(network: Any, fields: dict[str, Any]) -> None:
    report = archscope.receptive_field(network, **fields)

    assert report.totals.is_full == (network == "transformer")
    last = report.section("layers").rows[-1]
    assert last.reached == report.totals.reached is not None
    assert len(report.section("maps").rows) <= 100


def test_work_does_not_grow_with_the_square_of_the_depth() -> None:
    def work(depth: int) -> int:
        return calls(lambda: archscope.receptive_field([1] * depth))

    assert work(300) < 4 * work(100)


def test_a_deep_stack_is_told_in_words_what_leaves_no_hole() -> None:
    (note,) = archscope.receptive_field([2] * 250, spatial_dims=1).notes[:1]

    found = re.findall(r"(\d+) \((\d+) layers?\)", note.details[-1])
    dilations = [int(rate) for rate, layers in found for _ in range(int(layers))]
    assert len(dilations) == 250
    assert sum(dilations) == 500
    assert archscope.receptive_field(dilations).totals.is_full


SMALL = {
    "network": "transformer",
    "d_model": 16,
    "heads": 2,
    "d_ff": 16,
    "vocab_size": 40,
    "seq_len": 30,
}
"""Fields of a Transformer that takes no time to run."""
VERIFIED: dict[str, dict[str, Any]] = {
    "rising": {"network": [1, 2, 4]},
    "gridded": {"network": [2, 2, 2]},
    "one axis": {"network": [1, 3, 9], "spatial_dims": 1},
    "three axes": {"network": [2, 3], "kernel_size": [2], "spatial_dims": 3},
    "causal": {"network": [1, 2, 4, 8], "kernel_size": [2], "causal": True},
    "strided": {"network": [1, 2, 2], "stride": [2, 1, 2], "kernel_size": [3, 2, 4]},
    "valid": {"network": [1, 2], "padding": "valid", "spatial_dims": 1, "input_size": 12},
    "small input": {"network": [4, 4], "input_size": 7},
    "blind outputs": {"network": [10], "kernel_size": [2], "input_size": 4, "spatial_dims": 1},
    "branches": {"branches": [[6], [12], [18]]},
    "uneven branches": {"branches": [[1], [2, 3]], "kernel_size": [2, 3], "spatial_dims": 1},
    "cnn": {"network": "cnn", "stride": (2, 1), "dilations": (1, 2), "input_size": 30},
    "mixer": {**SMALL, "mixer": "dilated-conv", "dilations": (1, 2), "depth": 2},
    "windows": {**SMALL, "attention": "window", "window": 4, "depth": 2},
    "wide windows": {**SMALL, "attention": "window", "window": 65, "seq_len": 20, "depth": 2},
    "both sides": {
        **SMALL,
        "arch": "encoder",
        "attention": "dilated-window",
        "window": 5,
        "window_dilation": 3,
        "depth": 2,
    },
    "causal attention": {**SMALL, "depth": 2, "seq_len": 30},
    "full attention": {**SMALL, "arch": "encoder", "depth": 1, "seq_len": 30},
    "pooled": {"network": [conv(3), pool(2), conv(3, dilation=2)], "spatial_dims": 2},
    "up-sampled": {"network": [conv(3), transposed(3, stride=2), nearest(2)], "spatial_dims": 1},
}


@pytest.mark.parametrize("name", VERIFIED)
def test_the_real_network_sees_what_is_said(name: str) -> None:
    report = archscope.receptive_field(verify=True, **VERIFIED[name])

    (agreed,) = [note for note in report.notes if "operators that run agree" in note.text]
    assert re.search("agree in [1-9]", agreed.text)
    assert report.totals.proof in ("verified", "bounded"), report.notes


@pytest.mark.parametrize(
    ("network", "fields"),
    [
        ([2**20], {}),
        ([1] * 300, {"spatial_dims": 2}),
        ([1], {"kernel_size": [81]}),
        ([pool(2, padding=(0, 1), ceil_mode=True)], {}),  # torch has no such layer
        ("transformer", {"depth": 4, "seq_len": 9_000, "attention": "window", "window": 400}),
    ],
)
def test_what_cannot_be_run_is_said_and_no_failure(network: Any, fields: dict[str, Any]) -> None:
    report = archscope.receptive_field(network, verify=True, **fields)

    assert report.sections[0].notes[-1].text.startswith("not verified: ")
    assert report.sections[0].notes[-1].level == "warning"
    assert report.totals.proof is None


REPORTS = {
    "stack": lambda: archscope.receptive_field([2, 2, 2]),
    "branches": lambda: archscope.receptive_field(branches=[[6], [12]]),
    "attention": lambda: archscope.receptive_field("transformer", depth=2),
    "up-sampled": lambda: archscope.receptive_field([transposed(4, stride=2)]),
    "evil": lambda: archscope.receptive_field([conv(3, dilation=2, name="a\x1b[2J\n|`=<b>")]),
    "suggested": lambda: archscope.suggest(63),
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("format", FORMATS.names())
def test_every_format_renders_it(name: str, format: str) -> None:
    report, again = REPORTS[name](), REPORTS[name]()
    sections = {section.name for section in report.sections}

    for view in (View(), View(width=50), View(ascii=True, exact=True), View(color=True)):
        text = FORMATS.get(format).render(report, view)
        assert text == FORMATS.get(format).render(again, view)
        assert "\x1b[2J" not in text
    for by in sections:
        assert FORMATS.get(format).render(report, View(by=by)).endswith("\n")
    if format == "json":
        assert {*json.loads(text)["sections"]} == {f"rf.{name}" for name in sections}


def test_rows_are_of_their_types() -> None:
    report = archscope.receptive_field(branches=[[1], [2]])
    types = {section.name: section.row_type for section in report.sections}

    assert types == {
        "branches": BranchRow,
        "layers": LayerRow,
        "maps": MapRow,
        "positions": PositionRow,
        "axes": AxisRow,
    }


def test_it_becomes_a_data_frame() -> None:
    frame = archscope.receptive_field([1, 2, 4]).to_frame("maps")

    assert list(frame["hull"]) == [(15, 15), (13, 13), (9, 9)]
    assert str(frame["layers"].dtype) == "Int64"


# 3^3 = 27 < 63 <= 81, so that four layers are the fewest.
def test_suggested_dilations_are_full_and_long_enough() -> None:
    report = archscope.suggest(63)

    rows = report.section("schedules").rows
    assert [row.kind for row in rows] == ["fewest", "smooth", "pyramid"]
    assert [row.layers for row in rows] == [4, 5, 7]
    for row in rows:
        dilations = [int(rate) for rate in row.dilations.split(",")]
        positions = seen([(3, 1, rate) for rate in dilations])
        assert len(positions) == max(positions) + 1 == row.receptive_field >= 63
        assert archscope.receptive_field(dilations).totals.is_full
    assert report.config["target"] == 63


def test_what_cannot_be_suggested_says_why() -> None:
    with pytest.raises(
        UsageError, match=r"2 layers of kernel 3 reach at most 9 positions \(3\^2\)"
    ):
        archscope.suggest(100, layers=2)
