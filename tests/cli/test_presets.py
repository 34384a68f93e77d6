"""Published networks as a user types them: `list`, and `params` with a teacher."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archscope import presets
from archscope.library import params

SMALL = "transformer:depth=2,d_model=16,heads=2,vocab_size=50,seq_len=8"
LARGE = "transformer:depth=6,d_model=64,heads=2,vocab_size=50"


def test_list_presets_has_a_line_for_each(archscope: Any) -> None:
    lines = archscope("list", "presets").out.splitlines()
    first = {line.split()[0]: line for line in lines if line.startswith("  ")}

    assert tuple(first) == presets.names()
    assert "110M" in first["bert-base-uncased"]
    assert "Devlin et al. 2019" in first["bert-base-uncased"]
    assert first["gpt2-small"].endswith("= gpt2")


def test_list_presets_as_json(archscope: Any) -> None:
    records = {r["name"]: r for r in json.loads(archscope("list", "presets", "-f", "json").out)}

    assert tuple(records) == presets.names()
    assert records["gpt2-medium"]["fields"] == {
        "max_positions": 1024,
        "depth": 24,
        "d_model": 1024,
        "heads": 16,
    }
    assert records["gpt2-small"]["same_as"] == "gpt2"
    assert records["bert-large-uncased"]["published"][0] == {
        "quantity": "trainable",
        "value": 340_000_000,
        "text": "340M",
        "source": "Devlin et al. 2019, section 3",
        "counts": "",
        "reason": "",
    }


def test_list_tells_what_a_preset_is(archscope: Any) -> None:
    out = archscope("list", "gpt3-xl-1.3B-as-printed").out

    assert "Brown et al. 2020" in out
    assert ["--head-dim", "128"] in [line.split() for line in out.splitlines()]
    assert "24 heads x 128 = 3072, not 2048" in out
    assert json.loads(archscope("list", "gpt2-xl", "-f", "json").out)["fields"]["depth"] == 48


def test_list_groups_the_families_general_ones_first(archscope: Any) -> None:
    lines = archscope("list").out.splitlines()
    families = json.loads(archscope("list", "-f", "json").out)["families"]

    assert lines[0] == "general families"
    assert [line.split()[0] for line in lines[1:3]] == ["transformer", "cnn"]
    assert lines[3] == "families of one kind of network"
    assert list(families)[:2] == ["transformer", "cnn"]


@pytest.mark.parametrize("typed", ["list bert-base-uncase", "params bert-base-uncase"])
def test_an_unknown_name_names_the_nearest(archscope: Any, typed: str) -> None:
    found = archscope(*typed.split())

    assert found.code == 2
    assert "Did you mean 'bert-base-uncased'?" in found.err


def test_published_figures_stand_under_the_table_and_in_the_json(archscope: Any) -> None:
    # 30,522 x 768 + 512 x 768 + 2 x 768 + ... = 109,482,240; 110M has two digits
    line = (
        "Published: 110M parameters, Devlin et al. 2019, section 3; counted 109,482,240, −0.5%, "
        "the same to the digits printed"
    )
    assert line in archscope("params", "bert-base-uncased").out.splitlines()
    assert line in archscope("params", "bert-base-uncased", "-f", "md").out.splitlines()
    rows = archscope("params", "bert-base-uncased", "-f", "json").rows("params.published")
    assert [(row["counted"], row["difference"], row["agrees"]) for row in rows] == [
        (109_482_240, -517_760, True)
    ]


def test_a_reason_stands_beside_a_figure_that_differs(archscope: Any) -> None:
    out = archscope("params", "gpt2").out

    assert (
        "Published: 117M parameters, Radford et al. 2019, table 2; counted 124,439,808, +6.4%: "
        "the paper's count was wrong, as its repository says"
    ) in out
    table = archscope("params", "gpt2", "--by", "published").out
    assert "7,439,808" in table  # 124,439,808 - 117,000,000


def test_an_exact_figure_is_said_to_be_the_same(archscope: Any) -> None:
    assert "counted 1,981,884,416, the same" in archscope("params", "gemma-2b").out


def test_a_teacher_is_counted_at_the_inputs_of_its_student(archscope: Any) -> None:
    typed = ("params", "tinybert-4L-312", "--teacher", "bert-base-uncased")
    rows = {r["quantity"]: r for r in archscope(*typed, "-f", "json").rows("params.teacher")}

    assert (rows["parameters"]["student"], rows["parameters"]["teacher"]) == (
        14_350_248,
        109_482_240,
    )
    assert rows["parameters"]["ratio"] == 109_482_240 / 14_350_248
    # BERT base at 128 tokens, not at the 512 of its own preset
    assert rows["MACs"]["teacher"] == 11_174_215_680
    assert (rows["blocks"]["student"], rows["blocks"]["teacher"]) == (4, 12)
    assert "Teacher: 7.63 × the parameters · 17.91 × the MACs · 3 × the blocks" in (
        archscope(*typed).out
    )
    assert "parameters" in archscope(*typed, "--by", "teacher").out


def test_a_teacher_of_shared_blocks_counts_each_run() -> None:
    rows = params("distilbert-base-uncased", teacher="albert-base-v2").section("teacher").rows

    assert {row.quantity: row.ratio for row in rows}["blocks"] == 2  # 12 runs of one, 6 blocks


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("resnet50", "a teacher must take its student's inputs: this one takes 1×3×"),
        (f"{LARGE},max_positions=4", "cannot take its student's inputs: max_positions: 4"),
        ("bert-base-uncase", "Did you mean 'bert-base-uncased'?"),
        (f"{LARGE},arch=encoder-decoder", "takes 1×8 int64 and 1×8 int64, the student 1×8 int64"),
    ],
)
def test_a_teacher_that_makes_no_sense_is_one_line(
    archscope: Any, teacher: str, message: str
) -> None:
    found = archscope("params", SMALL, "--teacher", teacher)

    assert found.code == 2
    assert found.err.count("\n") == 1
    assert message in found.err


def test_a_teacher_without_work_is_compared_by_its_parameters(archscope: Any) -> None:
    typed = ("params", SMALL, "--teacher", LARGE, "--no-flops", "-f", "json")
    rows = archscope(*typed).rows("params.teacher")

    assert [row["quantity"] for row in rows] == ["parameters", "blocks"]
