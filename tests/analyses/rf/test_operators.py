"""The rf analysis of any module in memory: sections, words, proofs, formats."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope import loaders, presets, specs
from archscope.analyses import ANALYSES
from archscope.analyses.rf import network
from archscope.columns import columns
from archscope.dependence import rules
from archscope.dependence.answer import layers
from archscope.dependence.record.graph import Node
from archscope.dependence.sets import terms
from archscope.errors import ArchscopeError, ForwardError, ThresholdError, UsageError
from archscope.families import FAMILIES
from archscope.present import FORMATS
from archscope.results import Report, View
from archscope.saved import read_text
from archscope.study import analyse
from archscope.subject import Inputs, Request, Subject

pytestmark = pytest.mark.usefixtures("few_sizes")


def study(model: nn.Module, *args: Any, **settings: Any) -> Report:
    subject = Subject(name="net", model=model, inputs=Inputs(args=args), origin="memory")
    return analyse("rf", subject, **settings)


def dilated(*rates: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=r, dilation=r) for r in rates))


def image(size: int = 33) -> Tensor:
    return torch.zeros(1, 3, size, size)


def test_gridding_is_found_without_an_outline() -> None:
    report = study(dilated(2, 2, 2), image())

    totals = report.totals
    assert totals.receptive_field == (13, 13)
    assert (totals.reached, totals.positions) == (49, 169)
    assert totals.streams == (2, 2)
    assert totals.jump == (1, 1)
    assert totals.start == (-6, -6)
    assert report.notes[0].level == "warning"
    assert report.notes[0].text.startswith("Gridding: 120 of 169 positions (71.0%) of the 13×13")


def test_modules_have_a_row_each_and_maps_within_too() -> None:
    report = study(dilated(1, 2, 4), image())

    rows = report.section("layers").rows
    assert [row.layer for row in rows] == ["0", "1", "2"]
    assert [row.receptive_field for row in rows] == [(3, 3), (7, 7), (15, 15)]
    assert [(row.kernel, row.dilation) for row in rows] == [((3, 3), (r, r)) for r in (1, 2, 4)]
    assert all(row.coverage == 1 and row.listed for row in rows)
    within = {row.reads: row for row in report.section("maps").rows}
    # Behind the first layer 2 and 4 see 1 + 2 (2 + 4) = 13 positions, of which every second.
    assert within["0"].hull == (13, 13)
    assert within["0"].reached == 7**2
    assert within["0"].streams == (2, 2)
    assert report.notes[0].level == "ok"
    assert report.notes[1].text.startswith("in the output of 0, the output sees only")


def test_of_many_calls_of_a_module_the_first_and_the_last_are_listed() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Conv1d(2, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.head(x[..., at : at + 3]) for at in range(12)], -1)

    report = study(Loop(), torch.zeros(1, 2, 14))

    rows = report.section("layers").rows
    assert [row.call for row in rows] == [*range(1, 13), 1]
    assert [row.layer for row in rows if row.listed] == ["head", "head (call 12)", "(model)"]
    assert "+ 10 modules that are containers or work on each position separately, or calls of" in (
        FORMATS.get("table").render(report, View())
    )


PRESETS = (
    *("vgg16", "resnet50_os8", "drn_d_22", "unet", "dilated2d-context-basic"),
    *("dilated1d-8L-64-k3", "wavenet-10L-64-256", "tcn-jsb"),
)


class Pyramid(nn.Module):
    """Adds up two dilations: over both axes what is seen is no box."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = (nn.Conv2d(2, 2, 3, padding=r, dilation=r) for r in (1, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.near(x), self.far(x))


def test_what_is_counted_of_no_further_module_has_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x = nn.Sequential(*(Pyramid() for _ in range(3))), torch.zeros(1, 2, 40, 40)
    every = {row.layer: row.reached for row in study(model, x).section("layers").rows}
    monkeypatch.setattr(layers, "MOST_WALKS", 1)
    monkeypatch.setattr(terms, "MOST_TERMS", 2)
    report = study(model, x)

    few = {row.layer: row.reached for row in report.section("layers").rows}
    left = [name for name in few if few[name] is None]
    said = next(note.text for note in report.section("layers").notes if "one by one" in note.text)
    assert None not in every.values()
    assert said == (
        f"coverage of {len(left)} modules is unknown, because no more than 1 are traced back one "
        f"by one; ask for one, e.g. --of {left[-1]}"
    )
    assert study(model, x, output=left[-1]).totals.reached == every[left[-1]]


def agreed(report: Report) -> int:
    """Return how many numbers the two roads were held against each other in."""
    found = [found for note in report.notes if (found := AGREE.match(note.text))]
    assert found
    return sum(int(one[1]) for one in found)


@cache
def both_roads(family: str, spec: Any) -> tuple[Report, Report]:
    """Return what the outline says of a network, and what the operators that run do; once."""
    subject = FAMILIES.get(family).subject(spec)
    return analyse("rf", subject), analyse("rf", subject, graph=True)


def of_published(name: str) -> tuple[Report, Report]:
    preset = presets.load(name)
    return both_roads(preset.family, specs.made(FAMILIES.get(preset.family).spec, preset.fields))


AGREE = re.compile(r"the closed form and the operators that run agree in (\d+) number")


@pytest.mark.parametrize("name", PRESETS)
def test_a_published_network_is_the_same_in_closed_form_and_by_its_operators(name: str) -> None:
    closed, totals = (report.totals for report in of_published(name))

    assert totals.receptive_field == closed.receptive_field
    assert totals.smallest_field == closed.smallest_field
    assert totals.jump == closed.jump
    if closed.start is not None:
        assert (totals.start, totals.centre) == (closed.start, closed.centre)
        assert (totals.reached, totals.positions) == (closed.reached, closed.positions)


@pytest.mark.parametrize("name", FAMILIES.names())
def test_every_family_is_held_against_its_operators(name: str) -> None:
    family = FAMILIES.get(name)
    if family.outline is None:
        pytest.skip(f"{name} does not tell what its layers look at")

    closed, report = both_roads(name, specs.made(family.spec, SMALLER.get(name, {})))

    layers = closed.section("layers").rows
    for row in (report.totals, *report.section("layers").rows, *report.section("maps").rows):
        assert row.reached is None or row.reached <= row.positions, row
    assert agreed(report) >= len({row.layer for row in layers})


SMALLER: dict[str, dict[str, Any]] = {
    "clip": {"depth": 1, "text_depth": 1},
    "conformer": {"depth": 1, "d_model": 16, "features": 8, "input_size": 60},
    "conv-tasnet": {"dilations": (1, 2), "stacks": 1, "norm": "batchnorm", "input_size": 403},
    "convnext": {"blocks": (1, 1, 2, 1)},
    "deepseek": {"depth": 2, "seq_len": 64},
    "densenet": {"blocks": (2, 1)},
    "detection": {"backbone": "resnet18", "head_layers": 1},
    "drn": {"blocks": (1, 1, 1, 1, 1, 1, 1, 1)},
    "inception": {"version": "v1"},
    "hrnet": {"modules": (1, 1), "branch_blocks": 1, "stem_blocks": 1},
    "longformer": {"seq_len": 256, "depth": 2, "window": 64},
    "mamba": {"seq_len": 8, "depth": 1},
    "mobilebert": {"depth": 1, "seq_len": 64},
    "mobilenet": {"version": "v1"},
    "regnet": {"depth": 8, "slope": 80.0},
    "segformer": {"blocks": (1, 1, 1, 1)},
    "segmentation": {"auxiliary": True},
    "separable-residual": {"middle_blocks": 1},
    "shufflenet": {"blocks": (1, 2, 1)},
    "t5": {"depth": 1, "seq_len": 64, "target_len": 32},
    "tcn": {"levels": 4},
    "transformer": {"depth": 2, "seq_len": 64},
    "transformer-xl": {"depth": 2, "seq_len": 64, "memory": 32},
    "u-net": {"levels": 3},
    "vit": {"depth": 1},
    "vitdet": {"depth": 2, "global_blocks": 1, "input_size": 256},
    "wav2vec2": {
        "depth": 1, "d_model": 16, "heads": 2, "conv_channels": (4,), "conv_kernels": (10, 3, 2),
        "conv_strides": (5, 2, 2), "input_size": 300,
    },
    "wavenet": {"dilations": (1, 2, 4), "stacks": 2, "input_size": 400},
    "whisper": {
        "depth": 1, "d_model": 16, "heads": 2, "vocab_size": 50, "input_size": 60, "target_len": 4,
    },
    "xlnet": {"depth": 1, "seq_len": 64},
}  # fmt: skip
"""Fields with which a family is looked at in less time, or once with what is published of it."""


def test_both_inputs_of_an_encoder_decoder_are_followed() -> None:
    # Linear attention's product of keys and values mixes the source as a layer mixes features.
    text = "transformer:arch=encoder-decoder,mixer=linear-attention,depth=1,d_model=8,heads=2"
    subject = loaders.load(f"{text},vocab_size=9,seq_len=11,target_len=6", Request()).subject()

    target = network.look(subject)
    source = network.look_at_source(target)

    assert source is not None
    exams = [look.found.given for look in (target, source)]
    assert [(exam.input, exam.axes, exam.sizes) for exam in exams] == [
        ("1", (1,), (6,)),
        ("0", (1,), (11,)),
    ]
    assert network.look_at_source(network.look(subject, output="decoder.0")) is None
    assert network.look(subject, output="encoder.0").found.given.input == "0"


def test_a_segmentation_network_is_held_against_its_map_before_it_is_resized() -> None:
    closed, report = of_published("deeplabv3_resnet50")

    assert closed.totals.receptive_field == (1019, 1019)
    rows = {row.layer: row for row in report.section("layers").rows}
    assert rows["classifier"].local_field == (1019, 1019)
    # The image-level feature.
    assert rows["classifier"].global_by.startswith("classifier.0.convs.4")
    assert agreed(report) > 100


@pytest.mark.parametrize(
    ("name", "window", "global_by"),
    [
        ("efficientnet_b0", 851, "features.1.0.block.1.avgpool"),
        # 3 + 2·2 + 2·2 + 2·4 + 4·4 + 2·4·8 + 2·8 + 5·2·16 + 4·16 + 2·4·32
        ("mobilenet_v3_large", 595, "features.4.block.2.avgpool"),
    ],
)
def test_a_published_network_with_squeezes_has_its_closed_form_as_local_window(
    name: str, window: int, global_by: str
) -> None:
    closed, report = of_published(name)

    totals = report.totals
    assert totals.local_field == closed.totals.receptive_field == (window, window)
    assert totals.receptive_field == (224, 224)
    assert totals.global_by == global_by
    # Behind a squeeze too an output has a place, of the given input.
    assert report.section("layers").rows[-1].output_size is None
    assert {row.layer: row.output_size for row in report.section("layers").rows}["features"] == (
        7,
        7,
    )


def test_one_unit_at_the_border_is_looked_back_from() -> None:
    report = study(dilated(1, 2), image(16), unit=(0, 15))

    rows = report.section("unit").rows
    assert [(row.first, row.last, row.clipped) for row in rows] == [(0, 3, True), (12, 15, True)]


def test_a_small_input_is_enlarged_to_know_the_window() -> None:
    report = study(dilated(1, 2, 4, 8), image(16))

    assert report.totals.receptive_field == (31, 31)
    assert any("outputs reach the border" in note.text for note in report.notes)


class Fixed(nn.Module):
    """A network that runs on one size alone, as those with learned positions do."""

    def __init__(self) -> None:
        super().__init__()
        self.body = dilated(1, 2, 4, 8)
        self.places = nn.Parameter(torch.zeros(1, 3, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.body(x + self.places)
        return made


def test_a_window_that_cannot_be_known_is_a_lower_bound() -> None:
    report = study(Fixed(), image(16))

    assert report.totals.receptive_field == (16, 16)
    assert report.section("layers").rows[-1].at_least
    assert any("may be larger" in note.text for note in report.notes)


def test_an_output_is_chosen_by_the_name_of_a_module() -> None:
    report = study(dilated(1, 2, 4), image(), output="1")

    assert report.totals.output == "1"
    assert report.totals.receptive_field == (7, 7)
    with pytest.raises(UsageError, match="no output or module that ran is called '7'"):
        study(dilated(1), image(), output="7")


def test_the_axes_are_those_of_the_output_that_is_chosen() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, (5, 3), padding=(2, 1)), nn.Flatten(1, 2))
    over_time = nn.Sequential(*model, nn.Conv1d(16, 4, 3))
    spectrogram = torch.zeros(1, 1, 8, 20)

    assert study(over_time, spectrogram).totals.position_axes == (3,)
    within = study(over_time, spectrogram, output="0")
    assert (within.totals.position_axes, within.totals.receptive_field) == ((2, 3), (5, 3))
    assert not any("no output has a place" in note.text for note in within.notes)


def test_verification_runs_the_network_and_says_what_it_showed() -> None:
    report = study(dilated(1, 2), image(17), verify=True)

    (note,) = [note for note in report.notes if note.text.startswith("verified: ")]
    assert report.totals.proof == "verified"
    # A window of 7 around position 8, by each of four roads.
    assert "along axis 2 5 to 11, by the graph, changes, gradients and NaN" in note.details[0]
    seen = next(line for line in note.details if line.startswith("All 49 positions"))
    assert "of the set are seen: 49 by gradients" in seen


def test_a_rule_that_sees_too_little_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(node: Node, zeros: object) -> list[Any]:
        return rules.pointwise(
            Node(
                operator="add",
                arguments={"self": node.arguments["input"]},
                outputs=node.outputs,
                picked=None,
                module="",
                pointwise=True,
            ),
            zeros,  # type: ignore[arg-type]
        )

    known = rules.known_rules()
    monkeypatch.setattr(rules, "known_rules", lambda: {**known, "convolution": wrong})

    with pytest.raises(ArchscopeError, match="outside the set changes the output"):
        study(dilated(1), image(9), verify=True)


def test_a_global_module_is_named_and_the_local_window_given() -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * torch.sigmoid(self.pool(x))

    report = study(Gate(), image(12))

    assert report.totals.receptive_field == (12, 12)
    assert report.totals.local_field == (3, 3)
    assert report.totals.global_by == "pool"
    assert any(note.text.startswith("pool reduces over all positions") for note in report.notes)


def test_an_unknown_operator_is_named_in_the_notes() -> None:
    class Strange(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.geqrf(F.relu(x))[0]

    report = study(Strange(), image(8))

    (note,) = [note for note in report.notes if note.operator]
    assert note.operator == "aten::geqrf"
    assert note.calls == 1
    assert not report.totals.complete


def test_a_forward_that_fails_gives_what_came_before() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            raise ValueError("out of coffee")

    with pytest.raises(ForwardError, match="failed after conv: out of coffee") as caught:
        study(Broken(), image(8), erf=1)

    rows = caught.value.sections[0].rows
    assert [(row.layer, row.receptive_field) for row in rows] == [("conv", (3, 3))]


def test_the_effective_receptive_field_is_labelled() -> None:
    torch.manual_seed(0)
    report = study(dilated(1, 1), image(15), erf=2)

    rows = report.section("erf").rows
    assert {row.measure for row in rows} == {
        "theory",
        "spread",
        "contour",
        "raw mass",
        "RepLKNet area",
    }
    (all_of_it,) = [r for r in rows if r.measure == "raw mass" and r.threshold == 0.99]
    assert all_of_it.side == rows[0].side == 5  # two 3x3 layers see 5 x 5, no gradient lies outside
    assert all_of_it.of_field == 1
    assert {row.kind for row in rows} == {"random, seeds 0–1"}
    totals = report.section("erf").totals
    assert (totals.unit, totals.first, totals.last) == ((7, 7), (5, 5), (9, 9))
    assert totals.outside == 0
    lines = report.section("gradients").rows
    assert [line.line for line in lines] == list(range(3, 12))  # 5 to 9, and a margin of 2
    assert sum(sum(line.density) for line in lines) == pytest.approx(1, abs=1e-3)
    assert [sum(map(bool, line.density)) for line in lines] == [0, 0, 5, 5, 5, 5, 5, 0, 0]


def test_the_effective_receptive_field_of_given_images_and_a_given_unit() -> None:
    report = study(dilated(1, 1), image(15), images=torch.ones(3, 3, 15, 15), unit=(1, 13))

    rows, totals = report.section("erf").rows, report.section("erf").totals
    assert (rows[0].images, rows[0].kind) == (3, "given")
    assert (totals.first, totals.last) == ((0, 11), (3, 14))  # 1 - 2 and 13 + 2 lie outside
    assert totals.outside == 0
    with pytest.raises(UsageError, match="needs an image or more, not 0"):
        study(dilated(1, 1), image(15), images=torch.ones(0, 3, 15, 15))


def test_no_gradient_is_said_and_not_a_number() -> None:
    class Detached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x[..., 0] = 0
            return self.conv(x).detach()

    report = study(Detached(), image(9), erf=1)

    assert any("no gradient reaches the input" in note.text for note in report.notes)
    assert report.section("gradients").rows == ()
    assert {row.side for row in report.section("erf").rows[1:]} == {None}
    with pytest.raises(ArchscopeError, match="could not be measured"):
        study(nn.Conv2d(3, 3, 3), image(9), images=torch.ones(1, 4, 9, 9))


@pytest.mark.parametrize("name", ["table", "json", "jsonl", "csv", "md"])
def test_every_format_shows_every_section(name: str) -> None:
    report = study(dilated(1, 2), image(17), erf=1)

    for section in report.sections:
        text = FORMATS.get(name).render(report, View(by=section.name))
        assert text.endswith("\n")
        if name == "json":
            assert json.loads(text)
            assert read_text(text).sections == report.sections
    assert all(columns(section.row_type) for section in ANALYSES.get("rf").declared())


def test_a_table_leaves_out_what_works_position_by_position() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Conv2d(3, 3, 3))

    report = study(model, image())
    short = FORMATS.get("table").render(report, View())
    whole = FORMATS.get("table").render(report, View(expand=True))

    assert "ReLU" not in short
    assert "+ 1 module that is a container" in short
    assert "ReLU" in whole


def test_an_unknown_output_is_told_before_anything_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("of a hundred layers, looking takes longer than running")

    monkeypatch.setattr("archscope.dependence.answer.examine.lower", looked)

    with pytest.raises(UsageError, match="no output or module that ran is called 'NO_SUCH'"):
        study(nn.Conv1d(1, 1, 3), torch.zeros(1, 1, 8), output="NO_SUCH")


def test_no_bound_from_above_is_proven_where_outputs_see_as_far_as_the_input_goes() -> None:
    """A running sum on 40 positions sees 40 of them, and of 60 it would see 60."""

    class Running(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.cumsum(-1)

    report = study(Running(), torch.zeros(1, 2, 40))

    report.check("rf >= 30", "causal")
    for claim in ("rf <= 50", "rf == 40", "smallest_rf <= 3"):
        with pytest.raises(ThresholdError, match="unknown, it is at least"):
            report.check(claim)
    study(dilated(1, 2), image()).check("rf <= 7")
