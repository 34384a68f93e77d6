"""ONNX files: what of their initialisers is a parameter, and the work of their nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archscope
from archscope.errors import ArchscopeError

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: archscope[onnx]")


def weight(name: str, *shape: int, kind: str = "FLOAT") -> Any:
    size = 1
    for each in shape:
        size *= each
    number = getattr(onnx.TensorProto, kind)
    return onnx.helper.make_tensor(name, number, shape, [1] * size)


def saved(path: Path, nodes: list[Any], weights: list[Any], inputs: dict[str, list[Any]]) -> str:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
    out = helper.make_tensor_value_info("out", kind, None)
    graph = helper.make_graph(nodes, "net", given, [out], weights)
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opset), path)
    return str(path)


def node(kind: str, inputs: str, output: str, name: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], name=name, **attributes)


def test_nodes_are_counted_by_their_shapes(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x a b", "1", "/conv/Conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", "1 g h m v", "2", "/bn/BatchNormalization"),
        node("ConvTranspose", "2 t", "3", "/up/ConvTranspose", strides=[2, 2]),
        node("GlobalAveragePool", "3", "4", "/pool/Pool"),
        node("Flatten", "4", "5", "/Flatten"),
        node("Gemm", "5 w", "6", "/fc/Gemm", transB=1),
        node("MatMul", "6 onnx::MatMul_9", "out", "/head/MatMul"),
    ]
    weights = [
        *(weight("a", 8, 3, 3, 3), weight("b", 8)),
        *(weight(name, 8) for name in "ghmv"),
        *(weight("t", 8, 4, 2, 2), weight("w", 10, 4), weight("onnx::MatMul_9", 10, 5)),
    ]
    report = archscope.params(saved(tmp_path / "n.onnx", nodes, weights, {"x": ["N", 3, 32, 32]}))

    assert report.totals.trainable == 8 * 27 + 8 + 2 * 8 + 8 * 4 * 4 + 40 + 50
    assert report.totals.buffers == 16
    # (8, 16, 16) of 27 each; 8*16*16 read, 4*4 each; 4*10; 10*5. A batch of 1.
    assert report.totals.macs == 8 * 256 * 27 + 8 * 256 * 16 + 40 + 50
    assert {row.path for row in report.section("modules").rows} >= {"conv", "bn", "up", "head"}
    assert report.convention is not None
    assert report.convention.name == "MACs"


def test_its_graph_runs_on_shapes_as_operators_of_torch(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x a", "1", "/conv/Conv", dilations=[2, 2], pads=[2, 2, 2, 2]),
        node("Relu", "1", "2", "/Relu"),
        node("Conv", "2 b", "3", "/dilated/Conv", dilations=[2, 2], auto_pad="SAME_UPPER"),
        node("Add", "2 3", "4", "/Add"),
        node("Shape", "4", "5", "/Shape"),
        node("Gather", "5 two", "6", "/Gather", axis=0),
        node("Div", "6 four", "7", "/Div"),
        node("Unsqueeze", "7 zero", "8", "/Unsqueeze"),
        node("Concat", "start 8 8", "9", "/Concat", axis=0),
        node("Resize", "4 none none 9", "10", "/Resize"),
        node("Conv", "10 c", "out", "/last/Conv"),
    ]
    numbers = {"two": (2, []), "four": (4, []), "zero": (0, [1])}
    kind = onnx.TensorProto.INT64
    whole = [onnx.helper.make_tensor(n, kind, shape, [v]) for n, (v, shape) in numbers.items()]
    start = onnx.helper.make_tensor("start", kind, [2], [1, 4])
    none = onnx.helper.make_tensor("none", onnx.TensorProto.FLOAT, [0], [])
    weights = [weight("a", 4, 3, 3, 3), weight("b", 4, 4, 3, 3), weight("c", 2, 4, 1, 1)]
    inputs = {"x": ["N", 3, 64, 64]}
    path = saved(tmp_path / "n.onnx", nodes, [*weights, *whole, start, none], inputs)

    # 64*64 positions of 27*4 and 36*4, and 16*16 of 4*2: two roads, shapes and what ran.
    macs = 64 * 64 * (27 * 4 + 36 * 4) + 16 * 16 * 8
    assert archscope.params(path).totals.macs == macs
    ran = archscope.analyse("train", path).totals
    assert ran.forward == macs
    seen = archscope.receptive_field(path).totals
    # 1 + 2*2 + 2*2: every second position, of 9 along an axis 5.
    assert (seen.receptive_field, seen.reached) == ((9, 9), 25)


def test_an_operator_that_is_not_told_makes_what_it_sees_unknown(tmp_path: Path) -> None:
    nodes = [node("LSTM", "x w r", "out", "/lstm/LSTM", hidden_size=5)]
    weights = [weight("w", 1, 20, 4), weight("r", 1, 20, 5)]
    path = saved(tmp_path / "n.onnx", nodes, weights, {"x": [7, 1, 4]})

    totals = archscope.params(path).totals
    assert (totals.trainable, totals.macs) == (20 * 9, 7 * 20 * (4 + 5))
    with pytest.raises(ArchscopeError, match="LSTM '/lstm/LSTM' is not told as operators of torch"):
        archscope.receptive_field(path)


def test_not_every_initialiser_is_a_parameter(tmp_path: Path) -> None:
    nodes = [
        node("Gather", "table ids", "1", "/wte/Gather"),
        node("Add", "1 positions", "2", "/Add"),
        node("MatMul", "2 w", "3", "/q/MatMul"),
        node("Div", "3 eight", "4", "/Div"),
        node("Add", "4 mask", "5", "/Add_1"),
        node("Where", "keep 5 low", "out", "/Where"),
    ]
    weights = [
        *(weight("table", 10, 4), weight("positions", 6, 4), weight("w", 4, 6)),
        *(weight("eight"), weight("mask", 1, 1, 6, 6), weight("low", 6, 6)),
        *(weight("ids", 1, 6, kind="INT64"), weight("keep", 6, 6, kind="BOOL")),
    ]
    report = archscope.params(saved(tmp_path / "n.onnx", nodes, weights, {}))

    assert report.totals.trainable == 40 + 24 + 24
    assert report.totals.buffers == 1 + 36 + 36 + 6 + 36
    assert any("no parameters" in note.text for note in report.notes)


def test_open_sizes_are_asked_for_and_said(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "n.onnx",
        [node("MatMul", "x w", "out", "/a/MatMul")],
        [weight("w", 4, 5)],
        {"x": ["N", "length", 4]},
    )
    report = archscope.params(path)
    assert not report.totals.complete
    assert any("--input-shape x:SHAPE" in note.text for note in report.notes)
    assert archscope.params(path, input_shape="x:1,7,4").totals.macs == 7 * 4 * 5
    with pytest.raises(ArchscopeError, match="takes x, and no 'y'"):
        archscope.params(path, input_shape="y:1,7,4")


def test_what_is_unknown_or_damaged_is_said(tmp_path: Path) -> None:
    path = tmp_path / "n.onnx"
    strange = onnx.helper.make_node("Magic", ["x", "w"], ["out"], domain="my.own", name="m")
    report = archscope.params(saved(path, [strange], [weight("w", 4, 5)], {"x": [1, 4]}))
    assert not report.totals.complete
    assert report.totals.trainable == 20
    assert any("my.own is a domain of its own" in note.text for note in report.notes)

    path.write_bytes(b"\x08" * 100)
    with pytest.raises(ArchscopeError, match="is not an ONNX file"):
        archscope.params(str(path))
