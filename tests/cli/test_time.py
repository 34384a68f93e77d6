"""`archscope time` as a user types it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from archscope.timing.sampling import Plan, Stage
from archscope.timing.sampling import sample as real_sample

SMALL = (
    *("--depth", "2", "--d-model", "32", "--heads", "2"),
    *("--vocab-size", "64", "--seq-len", "8", "--batch-size", "3"),
)
QUICK = ("--device", "cpu", "--warmup", "2", "--runs", "4", "--budget", "10")
without_card = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_table_of_a_forward_pass(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK)

    assert found.code == 0
    assert found.err == "", "no progress where nobody watches"
    title, heading, _, row, *below = found.out.splitlines()
    assert title.startswith("time · decoder")
    assert "CPU, 1 thread" in title
    assert heading.split()[0] == "Pass"
    assert "p5 … p95" in heading
    assert "Tokens/s" in heading
    assert "FLOP/s*" in heading
    assert "peak" not in heading, "no cited peak of a CPU, no counted memory"
    assert row.startswith("forward")
    assert any(
        "timed runs" in line and "on CPU, 1 thread · clock: perf_counter" in line for line in below
    )
    assert any("timed on the CPU, which says nothing about a GPU" in line for line in below)
    assert "Sample" not in found.out, "samples are not in the table"


def test_a_training_step(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK, "--pass", "train")

    names = [line.split("  ")[0] for line in found.out.splitlines()[3:7]]
    assert names == ["forward", "backward", "optimiser", "training step"]


@pytest.mark.parametrize("form", ["json", "md", "table"])
def test_every_form_says_that_it_was_a_cpu(archscope: Any, form: str) -> None:
    found = archscope("time", *SMALL, *QUICK, "-f", form)

    assert found.code == 0
    assert "CPU, 1 thread" in found.out
    if form == "json":
        document = json.loads(found.out)
        assert document["environment"]["device"] == "cpu"
        assert document["totals"]["device"] == "cpu"
        assert document["environment"]["machine"]["device name"] == "CPU, 1 thread"


def test_the_json_holds_every_sample_and_the_convention(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK, "-f", "json")
    document, samples = json.loads(found.out), found.rows("time.samples")

    assert [row["run"] for row in samples] == [1, 2, 3, 4]
    assert all(row["seconds"] > 0 for row in samples)
    assert document["flop_convention"]["flops_per_multiply_add"] == 2
    (passed,) = found.rows("time.passes")
    assert passed["flops_per_s"] == pytest.approx(2 * passed["macs"] / passed["median_s"])
    conditions = {row["name"] for row in found.rows("time.conditions")}
    assert conditions >= {"warm-up runs", "clock", "threads"}
    assert document["totals"]["interrupted"] is False


def test_rows_for_a_spreadsheet(archscope: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(archscope("time", *SMALL, *QUICK, "-f", "csv").out)))
    lines = archscope("time", *SMALL, *QUICK, "-f", "jsonl").out.splitlines()

    assert [row["stage"] for row in rows] == ["forward"]
    assert float(rows[0]["median_s"]) > 0
    assert rows[0]["peak_share"] == ""
    assert [json.loads(line)["stage"] for line in lines] == ["forward"]


def test_modules(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK, "--per-layer")

    lines = found.out.splitlines()
    assert lines[1].split()[:2] == ["Module", "Type"]
    assert any(line.startswith("blocks.0–1") and "×2" in line for line in lines)
    assert any(line.startswith("Total") and "100.0" in line for line in lines)
    assert any(line.startswith("forward ") and "…" in line for line in lines), "the pass itself"
    assert any("the modules add up to" in line for line in lines)


def test_modules_by_time(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK, "--per-layer", "--sort", "time", "--top", "2")

    assert any(line.startswith("+ ") and "more" in line for line in found.out.splitlines())


def test_a_convolutional_network_counts_samples(archscope: Any) -> None:
    found = archscope("time", "cnn", "--dilations", "1,2,4", "--input-size", "16", *QUICK)

    assert "Samples/s" in found.out.splitlines()[1]


def test_a_narrow_terminal_keeps_the_median(
    archscope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = archscope("time", *SMALL, *QUICK).out.splitlines()

    assert max(map(len, lines)) <= 40
    assert any(line.split()[:2] == ["Pass", "Median"] for line in lines)


@without_card
def test_no_card_is_one_line_and_exit_1(archscope: Any) -> None:
    found = archscope("time", *SMALL, "--device", "cuda")

    assert found.code == 1
    assert found.out == ""
    assert found.err.startswith("Error: no CUDA device: torch ")
    assert found.err.endswith("Use --device cpu, or see `archscope env`.\n")
    assert found.err.count("\n") == 1


@without_card
def test_auto_says_that_it_fell_back(archscope: Any) -> None:
    found = archscope("time", *SMALL, *QUICK, "--device", "auto")

    assert found.code == 0
    assert "WARNING  no CUDA device: torch" in found.out


def test_ctrl_c_prints_what_was_measured(archscope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(stages: Any, clock: Any, plan: Plan, **rest: Any) -> Any:
        runs = [0]

        def run() -> None:
            runs[0] += 1
            if runs[0] == 4:
                raise KeyboardInterrupt
            stages[0].run()

        return real_sample(
            [Stage(name="forward", run=run)], clock, Plan(warmup=0, runs=plan.runs), **rest
        )

    monkeypatch.setattr("archscope.analyses.time.measure.sample", sample)
    found = archscope("time", *SMALL, *QUICK, "--per-layer")

    assert found.code == 130
    assert found.err.strip() == "Interrupted."
    assert "forward" in found.out
    assert "interrupted: 3 of 4 samples were taken" in found.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--runs", "0"), 2, "'--runs'"),
        (("--warmup", "-1"), 2, "'--warmup'"),
        (("--budget", "0"), 2, "'--budget'"),
        (("--budget", "nan"), 2, "budget is nan"),
        (("--dtype", "fp64"), 2, "'fp64' is not one of"),
        (("--dtype", "tf32", "--device", "cpu"), 2, "a CPU has none"),
        (("--pass", "backward"), 2, "'backward' is not one of"),
        (
            ("--device", "gpu"),
            2,
            "'gpu' is not a device. Write auto, cuda, cuda:1, xpu, mps or cpu.",
        ),
        (("--device", "mps"), 1, "no MPS device"),
        (("--compile", "--per-layer", "--device", "cpu"), 2, "give one of them"),
        (("--cuda-graph", "--device", "cpu"), 2, "needs a CUDA device"),
        (("--sort", "time"), 2, "add --per-layer"),
        (("-o", "/nowhere/x.json"), 2, "directory '/nowhere' does not exist"),
        (("--dept", "3"), 2, "No such option"),
        (("--batch-size", "1000000", "--device", "cpu", "--vocab-size", "50257"), 1, "GiB"),
    ],
)
def test_silly_input_is_one_line(
    archscope: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found = archscope("time", *SMALL[:-2], *arguments)

    assert found.code == code
    assert message in found.err
    assert found.out == ""
    assert "Traceback" not in found.err


def test_help_names_every_flag(archscope: Any) -> None:
    found = archscope("time", "--help")

    assert found.code == 0
    for flag in (
        *("--device", "--dtype", "--pass", "--warmup", "--runs", "--budget", "--compile"),
        *("--per-layer", "--cuda-graph", "--warm-cache", "--batch-size", "-f", "-o"),
    ):
        assert flag in found.out


def test_a_bound_on_a_card_that_is_not_here(archscope: Any) -> None:
    found = archscope("time", *SMALL, "--gpu", "H100", "--dtype", "bf16", "--sort", "time")

    assert found.code == 0
    assert "lower bound on h100, nothing was run" in found.out.splitlines()[0]
    assert "module by module at least" in found.out
    claimed = ("--assert", "bound <= 1s", "--assert", "latency <= 1s")
    missed = archscope("time", *SMALL, "--gpu", "h100", "--dtype", "bf16", *claimed)
    assert missed.code == 3
    assert missed.err == "Error: latency <= 1s: unknown, because no forward pass was timed\n"
    refused = archscope("time", *SMALL, "--gpu", "h100", "--sort", "ratio")
    assert (refused.code, refused.out) == (2, "")
    assert "leave out --gpu" in refused.err


def test_sizes_of_a_batch_are_one_for_a_family_and_several_for_any_network(
    archscope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = tmp_path / "net.py"
    net.write_text("from torch import nn\n\n\ndef make():\n    return nn.Linear(3, 2)\n")
    own = (f"{net}:make", "--input-shape", "2,3", "--device", "cpu", "--runs", "2")

    with monkeypatch.context() as patched:  # the axis is looked for once, not for each size
        patched.setattr("archscope.analyses.time.measure.batch_axis", None)
        several = archscope("time", *own, "--batch-size", "4,1")
    assert several.code == 0
    assert [line.split()[0] for line in several.out.splitlines()[3:5]] == ["1", "4"]
    one = archscope("time", *SMALL, "--batch-size", "5", "--runs", "2")
    assert "batch 5" in one.out
    assert archscope("time", *SMALL, "--batch-size", "1,2", "--per-layer").code == 2


def test_networks_are_timed_in_turns(archscope: Any) -> None:
    asked = ("cnn:dilations=1", "cnn:dilations=2", "--channels", "4", "--input-size", "8")
    found = archscope("time", *asked, *QUICK)

    assert found.code == 0
    assert "Ratio" in found.out
    assert "cnn:dilations=2" in found.out
    for flag in ("--per-layer", "--gpu=h100", "--cuda-graph", "--assert=latency<1s"):
        refused = archscope("time", *asked, *QUICK, flag)
        assert refused.code == 2
        assert "for one network" in refused.err


def test_a_kernel_of_attention_goes_by_either_name(archscope: Any) -> None:
    for flags in (("--attention", "math"), ("--attention=math",), ("--attention-kernel", "math")):
        assert "attention math" in archscope("time", *SMALL, *QUICK, *flags).out
    assert "window 3" in archscope("time", *SMALL, *QUICK, "--attention", "window:3").out


def test_a_kernel_of_attention_that_nothing_runs_is_told(archscope: Any) -> None:
    said = "--attention-kernel math changed nothing"
    none = ("time", "cnn", "--channels", "4", "--input-size", "8", *QUICK)

    assert said not in archscope("time", *SMALL, *QUICK, "--attention-kernel", "math").out
    assert said in archscope(*none, "--attention-kernel", "math").out
    assert said not in archscope(*none).out
