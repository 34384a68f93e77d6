"""`archscope rf` and `archscope rf suggest` as a user types them."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"


Run = Callable[..., Any]


@pytest.fixture
def rf(archscope: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `archscope rf ...` where no config file is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return lambda *arguments: archscope("rf", *arguments)


SHOWN = {
    "1-2-4": ("--dilations", "1,2,4"),
    "2-2-2": ("--dilations", "2,2,2"),
    "2-4-8": ("--dilations", "2,4,8"),
    "branches": ("--branches", "6;12;18"),
    "causal": ("--dilations", "1,2,4,8", "--kernel-size", "2", "--causal"),
    "window": ("transformer", "--attention", "window", "--window", "4096", "--depth", "2"),
    "attention": ("transformer", "--depth", "2"),
    "cnn": ("cnn", "--stride", "2,1,1,1", "--dilations", "1,2,4,4", "--input-size", "64"),
    "maps": ("--dilations", "1,2,4", "--by", "map"),
    "suggest": ("suggest", "--target", "255", "--kernel-size", "3"),
    "total": ("--dilations", "2,2,2", "--total"),
    "blocks": ("resnet50",),
    "cycle": ("wavenet",),
}


@pytest.mark.parametrize("name", SHOWN)
def test_golden(name: str, rf: Run, request: pytest.FixtureRequest) -> None:
    found = rf(*SHOWN[name])

    assert (found.code, found.err) == (0, "")
    file = GOLDEN / f"rf-{name}.txt"
    if request.config.getoption("--overwrite"):
        file.write_text(found.out, encoding="utf-8")
    assert found.out == file.read_text(encoding="utf-8")


def test_golden_at_80_columns(
    rf: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = rf(*SHOWN["2-2-2"]).out + rf(*SHOWN["suggest"]).out

    assert max(map(len, text.splitlines())) <= 80
    file = GOLDEN / "rf-80-columns.txt"
    if request.config.getoption("--overwrite"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_the_picture_is_as_wide_as_the_terminal_lets_it(
    rf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    narrow = rf("--dilations", "1,2,4")
    monkeypatch.setenv("COLUMNS", "60")
    wide = rf("--dilations", "1,2,4")

    assert "1-D reach   15/15\n1-D paths   min 1, max 3, in all 27\n" in narrow.out
    assert "1-D reach   ■ ■ ■" in wide.out
    assert "1-D paths   1 1 2 1 3 2 3 1 3 2 3 1 2 1 1   min 1, max 3\n" in wide.out


def test_ascii_output_is_ascii() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archscope", "rf", "--dilations", "2,2,2"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )

    text = done.stdout.decode("ascii")
    assert "1-D reach   # . # . # . # . # . # . #   7/13" in text
    assert "13x13" in text
    assert "\\u" not in text
    assert "?" not in text


JSON_KEYS = {
    "totals": "output axes receptive_field smallest_field local_field jump start centre reached "
    "positions blind blind_inside outputs coverage reached_1d coverage_1d streams max_gap has_gaps "
    "erf_sd paths fewest_paths most_paths worst_map worst_map_coverage worst_map_streams "
    "global_by to_ends_by depends_on reads_all ahead of_input position_axes feature_axis "
    "batch_axis others_ahead others_coverage look_back look_ahead sample_rate receptive_field_ms "
    "look_back_ms look_ahead_ms jump_ms smallest_input "
    "tile_step tile_overlap buffer_positions buffer_bytes operators_unknown at_least "
    "bounded_by is_full complete proof unknown",
    "layers": "layer of type kind axes kernel dilation stride padding_before padding_after "
    "effective_kernel receptive_field smallest_field local_field jump start centre reached "
    "positions coverage coverage_1d streams output_size valid_taps global_by bounded_by at_least "
    "call listed unknown",
    "maps": "reads through layers axes hull touched coverage_1d coverage reached positions "
    "has_gaps jump streams max_gap solid_core adjacent_overlap coupling_depth input_use uniformity "
    "erf_sd width_95 hdc_m2 clipped listed unknown",
    "positions": "position paths",
    "branches": "branch layers dilations axes receptive_field jump centre streams reached "
    "positions coverage unknown",
}


def test_json_holds_everything_under_names_that_stay(rf: Run) -> None:
    stack = json.loads(rf("--dilations", "2,2,2", "-f", "json").out)
    branches = json.loads(rf("--branches", "6;12;18", "-f", "json").out)

    for name, keys in JSON_KEYS.items():
        document = branches if name == "branches" else stack
        listed = [] if name == "totals" else document["sections"][f"rf.{name}"]["rows"]
        first = listed[0] if listed else document[name]
        assert list(first) == keys.split(), name
    assert (stack["schema"], stack["command"]) == (2, "rf")
    assert stack["config"]["dilations"] == [2, 2, 2]
    assert branches["config"]["branches"] == [[6], [12], [18]]
    assert (stack["totals"]["reached"], stack["totals"]["positions"]) == (49, 169)
    (note,) = stack["sections"]["rf.layers"]["notes"]
    assert note["level"] == "warning"
    assert note["details"][-1].startswith("Try --dilations 1,2,3")


def test_csv_and_jsonl_hold_the_rows(rf: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(rf("--dilations", "1,2,4", "-f", "csv").out)))
    lines = rf("--dilations", "1,2,4", "--by", "position", "-f", "jsonl").out.splitlines()

    assert [row["receptive_field"] for row in rows] == ["3x3", "7x7", "15x15"]
    # Stern's sequence: paths under doubling dilations.
    paths = [json.loads(line)["paths"] for line in lines]
    assert paths == [1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1]


def test_markdown_has_the_verdict(rf: Run) -> None:
    text = rf("--dilations", "2,2,2", "-f", "md").out

    assert "| conv3 | 3×3 | 2 | 1 | 5×5 | 13×13 | 1 | 49/169 | 29.0% |" in text
    assert "- **WARNING** Gridding: 120 of 169" in text
    assert "Try --dilations 1,2,3" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--dilations", "1,2,4", "--strict"), 0),
        (("--dilations", "2,2,2", "--strict"), 3),
        (("--dilations", "2,2,2", "--min-coverage", "28.9"), 0),
        (("--dilations", "2,2,2", "--min-coverage", "29%"), 3),
        (("--branches", "6;12;18", "--strict"), 3),
        (("transformer", "--strict"), 0),
        (("suggest", "--target", "255", "--layers", "5"), 2),
        (("suggest", "--target", "243", "--layers", "5"), 0),
    ],
)
def test_exit_codes(rf: Run, arguments: tuple[str, ...], code: int) -> None:
    found = rf(*arguments)

    assert found.code == code
    assert len(found.err.splitlines()) == (1 if code else 0)
    assert bool(found.out) == (code != 2), "the table is shown before a threshold ends it"


BAD = {
    ("--dilations", "1,x,4"): (
        "Error: Invalid value for '--dilations': 'x' (item 2) is not an integer. "
        "Write --dilations as a comma-separated list, e.g. 1,2,4."
    ),
    ("--dilations", "1,2,4", "--depth", "2"): (
        "Error: Invalid value for '--dilations': '1,2,4' gives 3 dilations for --depth 2; "
        "give 2 or fewer."
    ),
    ("--kernel-size", "0"): (
        "Error: Invalid value for '--kernel-size': 0 (item 1) is not in the range 1<=x<=65536."
    ),
    ("--dilations", "0"): "0 (item 1) is not in the range",
    ("--dilations", "1,,2"): "'' (item 2) is not an integer",
    ("--stride", "-1"): "-1 (item 1) is not in the range",
    ("--spatial-dims", "4", "--dilations", "1"): "4 is not in the range 1<=x<=3",
    ("--dilations", "1", "--padding", "sane"): "Did you mean 'same'?",
    ("--dilations", "1", "--causal", "--spatial-dims", "2"): "needs one dimension",
    ("--kernel-size", "3x5", "--dilations", "1", "--padding", "causal"): (
        "Error: Invalid value for '--padding': 'causal' needs one dimension, but --spatial-dims is "
        "2; --padding causal:same is causal along the first axis alone."
    ),
    ("--dilations", "1", "--causal", "--padding", "valid"): "needs --padding causal",
    # 7 - 2 - 4 leaves 1 position for a kernel that spans 9.
    ("--dilations", "1,2,4", "--padding", "valid", "--input-size", "7"): (
        "Error: conv3: 1 position is too few; a kernel that spans 9 leaves no output. "
        "Give a larger input or more padding."
    ),
    ("--branches", "6;x"): "Invalid value for '--branches': 'x' (branch 2) (item 1) is not an int",
    ("--branches", "6;0"): "0 (branch 2) (item 1) is not in the range",
    ("--branches", "6;12", "--kernel-size", "3,3,3"): "gives 3 kernels for 2 branches",
    ("--branches", "1;1", "--stride", "1,2"): "strides differ on axis 0: 1, 2",
    ("--branches", "6", "--dilations", "1"): "give --dilations or --branches, not both",
    ("cnn", "--branches", "6"): "--branches already describes a network; leave MODEL out",
    ("cnn", "--window", "3"): "--window is not a field of cnn",
    ("cnnn",): "Did you mean 'cnn'?",
    (
        "--dilations",
        "1",
        "--by",
        "branch",
    ): "--by branch: there are none here; --branches describes",
    ("--dilations", "1", "--by", "erf"): "add --erf IMAGES, e.g. --erf 20; there are layer, map, ",
    ("--dilations", "1", "--min-coverage", "101"): "101.0 is not in the range 0<=x<=100",
    ("--dilations", "1", "--min-coverage", "nan"): "'nan' is not a valid percentage",
    ("--dilations", ",".join(["1"] * 1001)): "1001 layers are too many; up to 1,000",
    ("--dilations", "1", "-o", "/nowhere/x.json"): "directory '/nowhere' does not exist",
    ("--kernel-size", "3x5x7", "--spatial-dims", "2"): (
        "Error: Invalid value for '--kernel-size': '3x5x7' has numbers for 3 axes, but "
        "--spatial-dims is 2; give one for all or 2."
    ),
    ("--kernel-size", "3x", "--dilations", "1"): (
        "Error: Invalid value for '--kernel-size': '3x' (item 1) is not an integer for each axis. "
        "Write --kernel-size as a list, e.g. 1,2,4, or 3x5 for 3 and 5 on two axes."
    ),
    ("--padding", "7:1", "--spatial-dims", "1"): "7+1 is 7 before and 1 after",
    ("--depth", "2", "--pool", "2,2,2"): "gives 3 pools for --depth 2; give 2 or fewer",
    ("--branches", "6;12", "--depth", "4"): "is for a single path, but branches are given",
    ("--branches", "6;12", "--residual"): "is for a single path, but branches are given",
    ("conv 64 kernal 7; pool 3",): "Error: column 9: 'kernal' is nothing that conv takes; expected",
    ("conv 64 k3", "--dilations", "2"): "'2' stands beside a sentence, which says it itself, e.g.",
    ("suggest",): "Missing option '--target'",
    ("suggest", "--target", "9", "--prefix", "conv k3; pol 2"): "Did you mean 'pool'?",
    ("suggest", "--target", "250ms"): (
        "Error: Invalid value for '--target': '250ms' is a duration, which needs --sample-rate, "
        "e.g. 16kHz."
    ),
    ("suggest", "--target", "soon", "--sample-rate", "16kHz"): "neither a number of positions nor",
    ("suggest", "--target", "1s", "--sample-rate", "fast"): "give positions a second, e.g. 16kHz",
    ("suggest", "--target", "31", "--strides", "4"): (
        "Error: target 31: the map has stride 4, but its units see only 3 positions in a row; no "
        "dilation fills holes between, since 1 already steps 4 from tap to tap."
    ),
    ("suggest", "--target", "99", "--layers", "1", "--strides", "2,2"): (
        "Error: Invalid value for '--layers': 1 is fewer than the 2 new layers whose kernels or "
        "strides are given."
    ),
    ("suggest", "--target", "1"): "1 is not in the range",
    ("suggest", "--target", "100", "--layers", "2"): (
        "Error: target 100: 2 layers of kernel 3 reach at most 9 positions (3^2) without a hole. "
        "Allow more layers, a larger kernel or larger dilations."
    ),
    ("suggest", "--target", "9", "--prefix", "1,x"): "'x' (item 2) is not an integer",
    ("suggest", "--target", "3", "--prefix", "1,2"): "have no hole and suffice",
}


@pytest.mark.parametrize("arguments", BAD, ids=lambda arguments: " ".join(arguments)[:50])
def test_bad_input_is_one_line(rf: Run, arguments: tuple[str, ...]) -> None:
    found = rf(*arguments)

    assert found.code == 2
    assert found.out == ""
    assert len(found.err.splitlines()) == 1
    assert BAD[arguments] in found.err


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        # 1 + 2 + 4 + 24 along the first axis, 1 + 4 + 4 along the second.
        (("--dilations", "1,2,4", "--kernel-size", "3x5,3,7:1"), [31, 9]),
        # 1 + 2 (k - 1) (2^3 - 1) = 29 (Bai, Kolter & Koltun 2018).
        (("--dilations", "1,2,4", "--convs-per-block", "2", "--residual", "--causal"), [29]),
        # 3, 5, the pool 6, then 2 * 2 more.
        (("--dilations", "1,1,1", "--pool", "1,2,1"), [10, 10]),
        (("--dilations", "2", "--padding", "causal:same"), [5, 5]),
        # 1 + 2 (1 + 2 + 4) (6 / 3)
        (("--dilations", "1,2,4", "--depth", "6"), [29, 29]),
        # 7, then 2 * 2 more on a jump of 2, then 2 * 4 and 4 * 4 on one of 4.
        (("conv k7 s2; pool 3 s2; 2x(conv d1,2)",), [35, 35]),
        (("--dilations", "2", "--padding", "4+0", "--spatial-dims", "1"), [5]),
    ],
)
def test_stacks_by_axis_and_layer(rf: Run, arguments: tuple[str, ...], field: list[int]) -> None:
    found = json.loads(rf(*arguments, "-f", "json").out)

    assert found["totals"]["receptive_field"] == field


SUGGESTED = (
    ("--target", "250ms", "--sample-rate", "16kHz", "--kernel-size", "7,3", "--strides", "2,2"),
    ("--target", "1s", "--sample-rate", "100Hz", "--convs-per-block", "2"),
    ("--target", "301", "--kernel-size", "3,5,2", "--prefix", "2,2"),
    (
        "--target",
        "255",
        "--kernel-size",
        "3,5",
        "--prefix",
        "conv k7 s2; pool 3 s2",
        "--strides",
        "2",
    ),
)


@pytest.mark.parametrize("arguments", SUGGESTED)
def test_what_is_suggested_can_be_typed(rf: Run, arguments: tuple[str, ...]) -> None:
    found = json.loads(rf("suggest", *arguments, "-f", "json").out)
    section = found["sections"]["rf.schedules"]
    fewest = section["rows"][0]
    (typed,) = (note["text"] for note in section["notes"] if "as it is typed" in note["text"])

    _, _, words = typed.partition("archscope rf ")
    looked = json.loads(rf(*shlex.split(words), "--spatial-dims", "1", "-f", "json").out)
    assert looked["totals"]["receptive_field"] == [fewest["receptive_field"]]
    assert looked["totals"]["coverage"] == 1.0
    if "--sample-rate" in arguments:
        assert (
            fewest["duration_ms"]
            >= found["config"]["target"] * 1_000 / (found["config"]["sample_rate"])
        )


def test_a_dilation_beyond_the_input_is_a_warning_and_no_error(rf: Run) -> None:
    found = rf("--dilations", "100", "--input-size", "65")

    assert found.code == 0
    assert "WARNING  conv1: dilation 100 exceeds the 65 positions of its input" in found.out


def test_an_even_kernel_says_where_its_centre_is(rf: Run) -> None:
    found = rf("--dilations", "1", "--kernel-size", "4", "--spatial-dims", "1")

    assert found.code == 0
    assert "output 0 is centred at 0.5, half a position after input 0" in found.out


def test_like_blocks_are_a_row_and_the_last_of_them_says_how_much_it_sees(rf: Run) -> None:
    folded = rf("transformer", "--attention", "window", "--window", "512", "--depth", "32").out
    expanded = rf("resnet50", "--expand").out

    # 32 windows of 512 tokens, the own one among them: 32 x 511 + 1 = 16,353.
    assert "blocks.0–31.attn  ×32     512" in folded
    assert "512 … 16,353" in folded
    assert "layer2.1.conv1" in expanded
    assert "modules that are containers" not in expanded


def test_a_column_that_is_empty_sorts_nothing_and_says_so(rf: Run) -> None:
    asked = ("tcn", "--levels", "2", "--by", "buffer", "--sort", "bytes", "-f", "csv")

    assert rf(*asked).err == "not sorted: 'Bytes' is empty in every row of buffers\n"
    assert rf(*asked, "-q").err == ""
    assert rf("resnet18", "--sort", "rf", "--top", "1").err == ""


def test_rows_are_sorted_and_cut_in_the_words_of_params(rf: Run) -> None:
    found = rf("resnet50", "--sort", "rf", "--top", "2")
    deep = rf("resnet18", "--max-depth", "1")
    unknown = rf("--dilations", "1,2", "--sort", "size")

    rows = found.out.splitlines()[3:6]
    assert [row.split()[0] for row in rows] == ["layer4.1–2.conv2", "layer4.1–2.conv3", "+"]
    # What the last module of a stage sees is what the stage sees.
    assert any(row.split()[0] == "layer4" and "435×435" in row for row in deep.out.splitlines())
    assert unknown.code == 2
    assert "layers cannot be sorted by 'size'" in unknown.err


def test_a_verdict_comes_before_a_long_table(rf: Run) -> None:
    long = rf("--dilations", ",".join(["2"] * 41)).out.splitlines()
    short = rf("--dilations", ",".join(["2"] * 40)).out.splitlines()

    assert long[1].startswith("WARNING  Gridding:")
    assert short[1].startswith("Layer")


def test_it_can_be_verified(rf: Run) -> None:
    found = rf("--dilations", "2,2,2", "--verify")

    assert found.code == 0
    assert "INFO  the closed form and the operators that run agree in " in found.out
    assert "OK  verified: run with random weights in float64" in found.out
    assert "All 49 positions of the set are seen" in found.out


def test_nothing_typed_is_help(rf: Run) -> None:
    assert rf().code == 2
    found = rf("--help")

    assert found.code == 0
    for words in ("--dilations", "--branches", "--verify", "rf suggest", "--sample-rate"):
        assert words in found.out
    assert found.out.index("Examples:") < found.out.index("Options:")
    assert "Fields of cnn" in rf("cnn", "--help-all").out
    assert "--max-dilation" in rf("suggest", "--help").out


def test_a_default_from_the_environment_and_from_a_file(
    rf: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARCHSCOPE_RF_DILATIONS", "1,3,9")
    assert "dilations 1,3,9" in rf("--kernel-size", "3").out
    monkeypatch.delenv("ARCHSCOPE_RF_DILATIONS")
    (tmp_path / "archscope.toml").write_text("[rf]\ndilations = [1, 2]\nstrict = true\n")
    assert "dilations 1,2" in rf("--kernel-size", "3").out


LIGHT = (
    ["rf", "--dilations", "1,2,4"],
    ["rf", "--dilations", "2,2,2", "-f", "json"],
    ["rf", "--branches", "6;12;18"],
    ["rf", "cnn", "--depth", "4"],
    ["rf", "transformer", "--attention", "window"],
    ["rf", "suggest", "--target", "63"],
    ["rf", "--help"],
)


def test_it_imports_nothing_heavy() -> None:
    probe = (
        "import contextlib, io, sys\nfrom archscope.cli import main\n"
        f"for arguments in {LIGHT!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main(arguments)\n"
        "    heavy = ('torch', 'fvcore', 'pandas', 'plotly', 'numpy', 'asyncio', 'jinja2')\n"
        "    print(arguments, *[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [str(arguments) for arguments in LIGHT]


def test_a_report_names_only_what_made_it() -> None:
    arguments = [sys.executable, "-m", "archscope", "rf", "--dilations", "1,2", "-f", "json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["environment"]["torch"] is None, "no torch made these numbers"
