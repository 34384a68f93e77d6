"""`archscope params` as a user types it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from archscope.cli import main
from archscope.families import Family
from archscope.subject import Inputs, Subject
from tests.warm import Warm

SMALL = (
    "--depth",
    "3",
    "--d-model",
    "64",
    "--heads",
    "4",
    "--vocab-size",
    "100",
    "--seq-len",
    "16",
)


@pytest.mark.parametrize(
    ("depth", "trainable", "macs"),
    [("24", 209_494_272, 252_124_594_176), ("12", 124_439_808, 145_824_153_600)],
)
def test_the_totals_of_gpt2s_shape(archscope: Any, depth: str, trainable: int, macs: int) -> None:
    found = archscope("params", "--depth", depth, "--total", "-f", "json")

    assert found.code == 0
    document = json.loads(found.out)
    assert document["totals"]["trainable"] == trainable
    assert document["totals"]["macs"] == macs
    assert document["flop_convention"]["name"] == "fvcore"
    assert document["totals"]["complete"] is True


def test_the_table_of_24_blocks(archscope: Any) -> None:
    found = archscope("params", "--depth", "24")

    assert found.code == 0
    assert found.err == ""
    lines = found.out.splitlines()
    assert lines[0].startswith("decoder · pre-LN · depth 24 · d_model 768 · 12 heads")
    assert any("blocks.0–23" in line and "×24" in line and "170,108,928" in line for line in lines)
    assert any("tied → tok_emb" in line for line in lines)
    total = next(line for line in lines if line.startswith("Total"))
    assert "209,494,272" in total
    assert "252.3 G" in total
    assert any("MACs 252.1 G" in line and "504.2 G" in line for line in lines)
    assert any("blocks 24 · weighted layers 97" in line for line in lines)


def test_every_format_says_the_same(archscope: Any) -> None:
    found = archscope("params", *SMALL, "-f", "json")
    document, modules = json.loads(found.out), found.rows("params.modules")
    lines = [
        json.loads(line) for line in archscope("params", *SMALL, "-f", "jsonl").out.splitlines()
    ]
    table = list(csv.DictReader(io.StringIO(archscope("params", *SMALL, "-f", "csv").out)))

    assert lines == modules
    assert [row["path"] for row in table] == [row["path"] for row in modules]
    assert [int(row["own_trainable"]) for row in table] == [r["own_trainable"] for r in modules]
    assert sum(row["own_macs"] or 0 for row in modules) == document["totals"]["macs"]
    assert sum(row["own_flops"] or 0 for row in modules) == document["totals"]["flops"]
    assert sum(row["own_trainable"] for row in modules) == document["totals"]["trainable"]
    assert f"{document['totals']['trainable']:,}" in archscope("params", *SMALL, "-f", "md").out


def test_every_block_stands_in_the_json(archscope: Any) -> None:
    modules = archscope("params", *SMALL, "-f", "json").rows("params.modules")

    paths = [row["path"] for row in modules]
    assert [p for p in paths if p.startswith("blocks.") and p.count(".") == 1] == [
        "blocks.0", "blocks.1", "blocks.2",
    ]  # fmt: skip


def test_views(archscope: Any) -> None:
    assert "blocks.1.mlp.fc1" in archscope("params", *SMALL, "--expand", "--sort", "params").out
    top = archscope("params", *SMALL, "--sort", "flops", "--top", "2").out
    assert "more" in top
    assert "attention" in archscope("params", *SMALL, "--by", "component").out
    assert "aten::addmm" in archscope("params", *SMALL, "--by", "operator").out
    assert "longest path" in archscope("params", *SMALL, "--by", "depth").out
    explained = archscope("params", *SMALL, "--explain").out
    assert "64*256 + 256" in explained
    assert "16*64*256" in explained
    doubled = json.loads(archscope("params", *SMALL, "--flops-per-mac", "2", "-f", "json").out)
    assert doubled["totals"]["flops"] == 2 * doubled["totals"]["macs"]
    assert doubled["flop_convention"]["flops_per_multiply_add"] == 2


def test_what_is_claimed_must_hold(archscope: Any) -> None:
    held = archscope("params", *SMALL, "--assert", "params < 1M", "--assert", "complete")
    missed = archscope(
        "params", *SMALL, "--total", "--assert", "params <= 1k", "--assert", "macs<9"
    )

    assert (held.code, held.err) == (0, "")
    assert missed.code == 3
    assert missed.out.startswith("decoder"), "the answer is shown all the same"
    first, second = missed.err.splitlines()
    assert first.startswith("Error: params <= 1k: it is ")
    assert second.startswith("Error: macs<9: it is ")


BAD = {
    "params --assert weights<=1M": "weights is not measured in 'M'; write e.g. 64KiB or 16GiB",
    "params --assert parms<9": "there is no measure 'parms'",
    "time --assert latency<9": "latency is not measured without a unit; write e.g. 40ms or 1s",
    "params --dept 24": "--depth",  # Click's own words, which are others from 8.4 on
    "params --depth 0": "Invalid value for '--depth': 0 is not in the range 1<=x<=10000.",
    "params --depth 1e9": "Invalid value for '--depth': 1000000000 is not in the range",
    "params --depth 6,12": "'6,12' is not an integer. archscope sweep takes several",
    "params --top 1,2": "Invalid value for '--top': '1,2' is not a valid integer",
    "params --depth -3": "Invalid value for '--depth': -3 is not in the range",
    "params --heads 7": (
        "Invalid value for '--heads': 7 does not divide --d-model 768. Nearest: 6, 8."
    ),
    "params --dilations 1,x,4": (
        "Invalid value for '--dilations': 'x' (item 2) is not an integer. "
        "Write --dilations as a comma-separated list, e.g. 1,2,4"
    ),
    "params --dilations 1,,2": "Invalid value for '--dilations': '' (item 2) is not an integer",
    "params --dilations 0": "Invalid value for '--dilations': 0 (item 1) is not in the range",
    "params cnn --depth 2 --dilations 1,2,4": (
        "'1,2,4' gives 3 dilations for --depth 2; give 2 or fewer"
    ),
    "params -f xlsx": "Invalid value for '-f' / '--format': 'xlsx' is not one of 'table', 'json'",
    "params -o /nowhere/at/all.json": "directory '/nowhere/at' does not exist",
    "params cnn --heads 4": "--heads is not a field of cnn but of transformer",
    "params cnn:foo=1": "no field is called 'foo'",
    "params cnn:dilations": "'dilations' is not FIELD=VALUE",
    "params tranformer": "Did you mean 'transformer'",
    "params transformer cnn": "unexpected extra argument (cnn). One MODEL is taken",
    "rf conv 64 k3": "(64 k3). One MODEL is taken: a sentence of layers needs quotes, and",
    "params --norm layernrm": "Did you mean 'layernorm'?",
    "params --kv-heads 5": "Invalid value for '--kv-heads': 5 does not divide --heads 12",
    "rf --sort=": "--sort is empty; leave it out or give COLUMN",
    "sweep cnn --depth 2:3 --columns params,Ahead": "ahead is not measured here; ask for it, e.g.",
    "sweep cnn --depth 2:3 --columns params,foo": "variants has no column 'foo'; there are number",
    "sweep cnn --depth 2:": "'2:' is not an integer. archscope sweep takes several of a network's",
    "sweep cnn --depth 2:3 --device=": "--device is empty; leave it out or give a value",
    "sweep cnn --depth 2:3 --device cpu": "--device says how passes are timed; add --measure",
    "search cnn --minimise params --device cpu": "--device says how passes are timed",
    "params --total --columns macs": "--columns chooses among the columns of rows, and --total",
    "rf cnn --columns rf --total": "-f json has every total under its name",
    "param": "No such command 'param'. Did you mean 'params'?",
    "./net.py": "For a network write a command first: archscope params ./net.py",
    "./a$b.py:Net": "archscope params './a$b.py:Net'",
    "resnet50": "For a network write a command first: archscope params resnet50",
    "presets": "No such command 'presets'. Write `archscope list presets`",
    "nonsense": "No such command 'nonsense'. `archscope --help` lists all commands",
    "-- --param": "No such option",
    "-- --": "No such command '--'",
    "search cnn --iso params=0": "--iso params: the target must be greater than 0",
    "list nonsense": "no family or preset is called 'nonsense'",
    "--config /nowhere.toml params": "config file '/nowhere.toml' cannot be read",
}


@pytest.mark.parametrize("typed", BAD)
def test_bad_input_is_one_line_and_exit_2(archscope: Any, typed: str) -> None:
    found = archscope(*typed.split(" "))

    assert found.code == 2
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert found.err.startswith("Error: ")
    assert BAD[typed] in found.err


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match="not in the range"):
        main(["params", "--depth", "0", "--debug"])


def test_a_result_is_written_whole(archscope: Any, tmp_path: Path) -> None:
    target = tmp_path / "run.json"

    found = archscope("params", *SMALL, "-o", str(target))

    assert found.code == 0
    assert found.out == ""
    assert f"wrote {target}" in found.err
    assert json.loads(target.read_text())["command"] == "params"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_a_result_that_cannot_be_written_leaves_the_old_one(
    archscope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "run.json"
    target.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    found = archscope("params", *SMALL, "-o", str(target))

    assert found.code == 1
    assert "No space left on device" in found.err
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_the_environment_and_a_config_file_give_defaults(
    archscope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archscope.toml").write_text("[params]\ndepth = 5\nd-model = 48\nheads = 4\n")

    def depth(*arguments: str) -> int:
        return json.loads(archscope("params", *arguments, "-f", "json").out)["config"]["depth"]

    assert depth() == 5
    monkeypatch.setenv("ARCHSCOPE_PARAMS_DEPTH", "6")
    assert depth() == 6
    assert depth("--depth", "7") == 7


def test_a_list_in_a_config_file(archscope: Any, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text("[params]\ndilations = [1, 2, 4]\n")

    found = archscope("--config", str(config), "params", "cnn", "-f", "json")

    assert json.loads(found.out)["config"]["dilations"] == [1, 2, 4]


def test_help_names_every_field_and_what_depth_sets(archscope: Any) -> None:
    found = archscope("params", "--help-all")

    assert found.code == 0
    for flag in ("--d-model", "--kv-heads", "--dilations", "--window", "--experts", "--strict"):
        assert flag in found.out
    assert "number of Transformer blocks" in " ".join(found.out.split())


ASCII = """
import sys
from archscope.cli import main
sys.stdout.reconfigure(encoding="ascii")
main()
"""


def test_an_ascii_terminal_gets_ascii(warm: Warm) -> None:
    found = warm.run("-c", ASCII, "params", *SMALL)

    assert found.returncode == 0
    assert found.stdout.isascii()
    assert "blocks.0-2" in found.stdout
    assert "x3" in found.stdout


def test_a_narrow_terminal_says_what_is_hidden(warm: Warm) -> None:
    found = warm.run("-m", "archscope", "params", *SMALL, COLUMNS="60")

    assert "hidden at this width" in found.stdout
    table = found.stdout.split("Trainable")[0]
    assert max(map(len, table.splitlines()[1:])) <= 60


def test_a_reader_that_goes_away_is_no_error_of_ours() -> None:
    # More than a pipe holds.
    command = f"{sys.executable} -m archscope rf cnn --depth 1000 --expand | head -1"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)

    assert found.stdout.startswith("cnn")
    assert "Traceback" not in found.stderr
    assert "Error" not in found.stderr


def test_no_arguments_show_the_help_and_exit_2() -> None:
    command = [sys.executable, "-m", "archscope"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert found.returncode == 2
    assert "Commands:" in found.stdout + found.stderr


def test_env_names_the_versions(archscope: Any) -> None:
    found = json.loads(archscope("env", "-f", "json").out)

    assert found["torch"]
    assert found["fvcore"]
    assert found["archscope"]


def test_list_names_what_there_is(archscope: Any) -> None:
    assert "transformer" in archscope("list").out
    assert "--d-model" in archscope("list", "transformer").out
    fields = json.loads(archscope("list", "cnn", "-f", "json").out)
    assert {field["field"] for field in fields} >= {"dilations", "kernel_size", "stride"}


class Failing(nn.Module):
    """Fails in its second half; its names try to steer the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.add_module("[red]\x1b[31m\n<script>", nn.Linear(9, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return list(self.children())[1](self.first(x))


@torch.library.custom_op("archscope_cli_test::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@opaque.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


class Strange(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.archscope_cli_test.opaque(x)


@pytest.fixture
def as_family(monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module], None]:
    """Lets `archscope params cnn` count a given module."""

    def put(model: nn.Module) -> None:
        x = torch.zeros(3, 4)
        subject = Subject(name="test", model=model, inputs=Inputs(args=(x,)), origin="memory")
        monkeypatch.setattr(Family, "subject", lambda _family, _spec: subject)

    return put


def test_a_forward_that_fails_shows_what_came_before(archscope: Any, as_family: Any) -> None:
    as_family(Failing())

    found = archscope("params", "cnn")

    assert found.code == 1
    assert "first" in found.out
    assert "60" in found.out  # 4*8 + 8 + 9*2 + 2 parameters
    assert found.err.count("\n") == 1
    assert "forward failed in [red]\\x1b[31m\\x0a<script> (Linear) with input 3x8" in found.err
    assert "\x1b" not in found.out + found.err


def test_strict_exits_with_3_after_the_table(archscope: Any, as_family: Any) -> None:
    as_family(Strange())

    found = archscope("params", "cnn", "--strict")

    assert found.code == 3
    assert "archscope_cli_test::opaque" in found.out
    assert "lower bound" in found.out
    assert found.err.startswith(
        "Error: --strict: operator archscope_cli_test::opaque is not counted"
    )
    assert archscope("params", "cnn").code == 0


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "md"])
def test_untrusted_names_print_safely(archscope: Any, as_family: Any, form: str) -> None:
    model = nn.Sequential()
    names = ["[bold]x", "enc[/x]", ":smile:", "\x1b]0;title\x07", "a\nb", "<script>", "\u202egnp"]
    for name in [*names, "y" * 10_000, "|", "`", "=1+1", "https://x"]:
        model.add_module(name, nn.Linear(4, 4))
    as_family(model)

    found = archscope("params", "cnn", "-f", form, "--expand")

    assert found.code == 0
    assert not set(found.out) & {"\x1b", "\x07", "\u202e"}
    shown = found.out.replace("\\", "") if form == "md" else found.out  # Markdown's own escapes
    assert "[bold]x" in shown
    assert "enc[/x]" in shown
    assert ":smile:" in shown
    assert "y" * 10_000 in shown
    assert "could not trace" not in shown
    if form == "json":
        paths = [row["path"] for row in found.rows("params.modules")]
        assert "\x1b]0;title\x07" in paths


def test_an_interrupt_exits_with_130(archscope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archscope.library.count_subject", interrupted)
    found = archscope("params", *SMALL)

    assert found.code == 130
    assert found.err.strip() == "Interrupted."


def test_nonzero_reads_the_weights_that_the_code_gives(archscope: Any, tmp_path: Path) -> None:
    file = tmp_path / "pruned.py"
    file.write_text(
        "import torch\n"
        "def net() -> torch.nn.Module:\n"
        "    layer = torch.nn.Linear(8, 4)\n"
        "    with torch.no_grad():\n"
        "        layer.weight.fill_(1)[0] = 0\n"
        "        layer.bias.fill_(1)\n"
        "    return layer\n"
    )
    typed = ("params", f"{file}:net", "--input-shape", "1,8", "--total", "-f", "json")

    # 36 parameters, eight of which are the zero row
    totals = json.loads(archscope(*typed, "--nonzero").out)["totals"]
    assert (totals["nonzero"], totals["macs"], totals["effective_macs"]) == (28, 32, 24)
    assert json.loads(archscope(*typed).out)["totals"]["nonzero"] is None


def test_columns_are_chosen_by_name(archscope: Any) -> None:
    asked = ("params", "lenet5", "--columns", "Input-Shape,channels_in,channels_out,buffers,MACs")
    found = archscope(*asked)
    heading, _, first, *_ = found.out.splitlines()[1:]

    assert " ".join(heading.split()) == "Module Input shape Channels in Channels out Buffers MACs"
    # 1 x 32 x 32, 5 x 5 taps, 6 channels, 28 x 28 outputs: 28*28*6*25 = 117,600
    assert first.split() == ["conv1", "1×1×32×32", "1", "6", "0", "117.6", "k"]
    rows = archscope(*asked, "-f", "csv").out.splitlines()
    assert rows[0] == "path,input_shape,channels_in,channels_out,buffers,macs"
    assert rows[2] == "conv1,1x1x32x32,1,6,0,117600"
    (line,) = [x for x in archscope(*asked, "-f", "jsonl").out.splitlines() if '"conv1"' in x]
    assert list(json.loads(line)) == rows[0].split(",")
    assert (
        "frozen"
        in json.loads(archscope(*asked, "-f", "json").out)["sections"]["params.modules"]["rows"][0]
    ), "what is saved is all there is"


def test_columns_that_are_none_are_one_line(archscope: Any) -> None:
    found = archscope("params", "lenet5", "--columns", "chanels_in")

    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert found.err.endswith("Did you mean 'channels_in'?\n")


@pytest.mark.parametrize(
    ("words", "work", "section"),
    [
        ("params lenet5", "library.count_subject", "modules"),
        ("params lenet5 --by operator", "library.count_subject", "operators"),
        ("rf suggest --target 63", "cli._rf_suggest.suggest", "schedules"),
        ("time lenet5 --gpu h100", "library.bound_network", "passes"),
        ("sweep lenet5 --classes 2,3", "library.run_sweep", "variants"),
        ("search cnn --depth 2:3", "library.search_network", "variants"),
        ("check", "library.check_budgets", "limits"),
    ],
)
def test_a_column_that_is_none_is_told_before_any_work(
    archscope: Any, monkeypatch: pytest.MonkeyPatch, words: str, work: str, section: str
) -> None:
    monkeypatch.setattr(f"archscope.{work}", lambda *_, **__: pytest.fail("it worked"))

    found = archscope(*words.split(), "--columns", "nonesuch")

    assert (found.code, found.out) == (2, "")
    assert f"--columns: {section} has no column 'nonesuch'" in found.err


def test_macs_stand_beside_flops(archscope: Any) -> None:
    heading = archscope("params", *SMALL, "--flops-per-mac", "2").out.splitlines()[1]

    assert heading.split()[-3:] == ["MACs", "FLOPs*", "%"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError("a reason"), "memory ran out (a reason); a smaller input takes less"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "memory ran out; a smaller input takes less",
        ),
    ],
)
def test_memory_that_runs_out_is_one_line(
    archscope: Any, monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str
) -> None:
    def made(make: object) -> None:
        raise raised

    monkeypatch.setattr("archscope.study.made", made)
    done = archscope("params", "lenet")

    assert (done.code, done.out, done.err) == (1, "", f"Error: {said}\n")
