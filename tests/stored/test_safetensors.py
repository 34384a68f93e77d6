"""Safetensors files are counted by their headers: parameters, buffers, ties, shards, bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import archscope
from archscope.cli import main
from archscope.counting.weights import weights_by_module
from archscope.errors import ArchscopeError
from archscope.loaders import load
from archscope.subject import Request
from tests.stored.written import Listed, header_of, raw_safetensors, safetensors

# 2 blocks of a 3×3 convolution, 4 to 4 channels, and its batch norm; numbered as files list them.
BLOCKS = {
    f"layers.{number}.{name}": each
    for number in (0, 10, 2)
    for name, each in {
        "conv.weight": ("F32", (4, 4, 3, 3)),
        "bn.weight": ("F32", (4,)),
        "bn.bias": ("F32", (4,)),
        "bn.running_mean": ("F32", (4,)),
        "bn.running_var": ("F32", (4,)),
        "bn.num_batches_tracked": ("I64", ()),
    }.items()
}
PARAMETERS = 3 * (4 * 4 * 9 + 2 * 4)
BUFFERS = 3 * (2 * 4 + 1)


def test_buffers_are_told_from_parameters_and_blocks_stand_in_order(tmp_path: Path) -> None:
    report = archscope.params(safetensors(tmp_path / "net.safetensors", BLOCKS))

    assert report.totals.trainable == PARAMETERS
    assert report.totals.buffers == BUFFERS
    assert report.totals.weight_bytes == 4 * PARAMETERS
    assert report.totals.macs is None
    assert report.convention is None
    paths = [row.path for row in report.section("params.modules").rows]
    assert [path for path in paths if path.endswith("conv")] == [
        "layers.0.conv",
        "layers.2.conv",
        "layers.10.conv",
    ]
    types = {row.dtype: row for row in report.section("params.number_types").rows}
    assert types["float32"].bytes == 4 * (PARAMETERS + 3 * 8)
    assert (types["int64"].parameters, types["int64"].buffers) == (0, 3)
    assert sum(row.bytes for row in report.section("params.tensors").rows) == sum(
        row.bytes for row in types.values()
    )


def test_modules_without_memory_count_the_same(tmp_path: Path) -> None:
    names = {
        **BLOCKS,
        "q.qweight": ("I32", (8, 32)),
        "q.qzeros": ("I32", (1, 4)),
        "q.scales": ("F16", (1, 32)),
    }
    network = load(safetensors(tmp_path / "net.safetensors", names), Request())
    held = [weights for _, _, weights in weights_by_module(network.held().model)]
    totals = archscope.params(str(tmp_path / "net.safetensors")).totals

    assert sum(each.trainable for each in held) == totals.trainable == PARAMETERS
    assert sum(each.frozen for each in held) == totals.frozen == 8 * 8 * 32
    assert sum(each.buffers for each in held) == totals.buffers


def test_what_has_no_graph_says_so_wherever_one_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = safetensors(tmp_path / "net.safetensors", BLOCKS)
    for command in ("rf", "time", "train"):
        with pytest.raises(SystemExit) as ended:
            main([command, path])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert said.count("\n") == 1
        assert "holds weights and no graph" in said
    with pytest.raises(SystemExit) as ended:
        main(["params", path, "--input-shape", "1,3,8,8"])
    assert "is for code that makes a network" in capsys.readouterr().err


def test_patterns_freeze_what_they_name(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "net.safetensors", BLOCKS)

    frozen = archscope.params(path, freeze="layers.[02]").totals
    assert (frozen.trainable, frozen.frozen) == (PARAMETERS // 3, 2 * PARAMETERS // 3)
    with pytest.raises(ArchscopeError, match="'layrs' names no parameter"):
        archscope.params(path, freeze="layrs")


def test_files_teach_and_are_compared_as_any_network(tmp_path: Path) -> None:
    small = safetensors(tmp_path / "small.safetensors", {"a.weight": ("F32", (4, 4))})
    large = safetensors(tmp_path / "large.safetensors", {"a.weight": ("F16", (8, 4))})

    (row,) = archscope.params(small, teacher=large).section("teacher").rows
    assert (row.quantity, row.ratio) == ("parameters", 2)
    totals = archscope.compare(small, large).section("totals").rows
    assert {r.measure: r.difference for r in totals}["params"] == (16,)
    archscope.check(small, max={"params": 16, "weights": "64B"})


def test_a_head_that_is_tied_counts_once(tmp_path: Path) -> None:
    embedding: Listed = {"model.embed_tokens.weight": ("BF16", (10, 4))}
    both: Listed = {**embedding, "lm_head.weight": ("BF16", (10, 4))}
    (tmp_path / "config.json").write_text(json.dumps({"tie_word_embeddings": True}))

    for tensors in (embedding, both):
        report = archscope.params(safetensors(tmp_path / "net.safetensors", tensors))
        assert report.totals.trainable == 40
        assert any("tie_word_embeddings" in n.text or "counts once" in n.text for n in report.notes)
    (tmp_path / "config.json").write_text("{}")
    assert archscope.params(str(tmp_path / "net.safetensors")).totals.trainable == 80

    header, size = header_of(embedding)
    header["lm_head.weight"] = header["model.embed_tokens.weight"]
    same = raw_safetensors(tmp_path / "same.safetensors", header, bytes(size))
    assert archscope.params(same).totals.trainable == 40


def shards(folder: Path) -> Path:
    """Write two shards and their index."""
    names = list(BLOCKS)
    halves = {"a.safetensors": names[:7], "b.safetensors": names[7:]}
    for file, inside in halves.items():
        safetensors(folder / file, {name: BLOCKS[name] for name in inside})
    listed = {name: file for file, inside in halves.items() for name in inside}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": listed}))
    return index


def test_shards_are_one_network_by_index_and_by_folder(tmp_path: Path) -> None:
    index = shards(tmp_path)
    for name in (str(index), str(tmp_path)):
        report = archscope.params(name)
        assert report.totals.trainable == PARAMETERS
        assert {row.file for row in report.section("tensors").rows} == {
            "a.safetensors",
            "b.safetensors",
        }
    index.unlink()  # a folder without an index: all of its files
    assert archscope.params(str(tmp_path)).totals.trainable == PARAMETERS


INDICES = {
    "outside": ({"weight_map": {"w": "../a.safetensors"}}, "names a file outside its folder"),
    "absolute": ({"weight_map": {"w": "/dev/zero"}}, "names a file outside its folder"),
    "itself": ({"weight_map": {"w": "net.safetensors.index.json"}}, "not a safetensors file"),
    "missing": ({"weight_map": {"w": "c.safetensors"}}, "c.safetensors cannot be read"),
    "numbers": ({"weight_map": {"w": 3}}, "name that is not text"),
    "none": ({"weight_map": {}}, "has no weight_map"),
    "lost": ({"weight_map": {"lost": "a.safetensors"}}, "'lost', which no file holds"),
    "list": ([], "is JSON, but not an object"),
}


@pytest.mark.parametrize("case", INDICES)
def test_an_index_that_names_what_it_must_not_is_one_line(tmp_path: Path, case: str) -> None:
    shards(tmp_path)
    said, why = INDICES[case]
    index = tmp_path / "net.safetensors.index.json"
    index.write_text(json.dumps(said))

    with pytest.raises(ArchscopeError, match=why):
        archscope.params(str(index))


def tensor(**changes: Any) -> dict[str, Any]:
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


WRONG: dict[str, tuple[object, str]] = {
    "cut off": (tensor(shape=[4], data_offsets=[0, 16]), "it is cut off"),
    "negative": (tensor(shape=[-2]), "has a size of -2"),
    "enormous": (tensor(shape=[2**40, 2**40]), "more than 2\\^56"),
    "truth": (tensor(shape=[True]), "has a size of True"),
    "deep shape": (tensor(shape=[[2]]), "has a size of"),
    "backwards": (tensor(data_offsets=[8, 0]), "is not a valid range"),
    "too few bytes": (tensor(data_offsets=[0, 4]), "has 4 bytes; 2 of float32 take 8"),
    "type": (tensor(dtype="F31"), "unknown number type 'F31'"),
    "fields": ({"w": {"dtype": "F32"}}, "is not a tensor"),
    "overlap": ({**tensor(), "v": {**tensor(data_offsets=[4, 12])["w"]}}, "overlaps"),
    "twice": (b'{"w": 1, "w": 2}', "names 'w' twice"),
    "deep": (b'{"a":' * 100_000, "nested too deeply"),
    "no UTF-8": (b'{"\xff": 1}', "not encoded in UTF-8"),
    "digits": (b'{"w": ' + b"9" * 5000 + b"}", "is not JSON"),
    "names": ({"a." * 200 + "w": tensor()["w"]}, "in 201 parts"),
    "list": ([1], "its header is not a JSON object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_header_that_cannot_be_is_one_line(tmp_path: Path, case: str) -> None:
    header, why = WRONG[case]
    path = raw_safetensors(tmp_path / "bad\x1b[31m.safetensors", header, bytes(12))

    with pytest.raises(ArchscopeError, match=why) as raised:
        archscope.params(path)
    assert not {"\n", "\x1b"} & {*str(raised.value)}


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
    (tmp_path / "loop.safetensors").symlink_to("loop.safetensors")
    (tmp_path / "long.safetensors").write_bytes(b"\xff" * 8 + b"{}")
    said = {
        "pipe": "no regular file but a pipe",
        "zero": "no regular file but a device",
        "loop": "cannot be read",
        "long": "would have 18,446,744,073,709,551,615 bytes",
        "none": "does not exist. Did you mean 'zero.safetensors'|does not exist",
    }
    for name, why in said.items():
        with pytest.raises(ArchscopeError, match=why):
            archscope.params(str(tmp_path / f"{name}.safetensors"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").mkdir()

    with pytest.raises(ArchscopeError, match=r"x\.safetensors is a folder"):
        archscope.params(str(tmp_path / "x.safetensors"))
