"""Damages files that hold a network, and looks what becomes of whoever asks for their parameters.

    python benchmarks/hostile_files.py                  10,000 files of all forms
    python benchmarks/hostile_files.py --count 2000     so many
    python benchmarks/hostile_files.py --form pt        of one form
    python benchmarks/hostile_files.py --seed 3         others than seed 0 gives

Valid files are made first, one of each form; then bytes are flipped, cut, doubled and spliced,
numbers become 0, -1 or 2^63, names and shapes of headers become what they must not be, and pickles
get calls. Each file must be answered, or refused in one line. What counts, and must be 0:

- tracebacks: an exception that is none of archscope's own, or a message of several lines;
- executions: a program started, a file written, a module imported from the file, a socket opened;
- excess: more than 5 seconds of the processor for one file, or memory that grows by over 512 MiB.

`onnx` is left out where the package of that name is not installed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import archscope
from archscope.errors import ArchscopeError

SECONDS = 5.0
"""Of the processor, for one file."""
GROWTH = 512 << 20
"""Bytes by which the program may grow."""
LIMITS = (0, 1, -1, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
EXECUTED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "subprocess.Popen",
    "socket.connect",
    "pickle.find_class",
    "ctypes.dlopen",
    "webbrowser.open",
)
"""Python's audit events that a file must never bring about."""
MARK = "archscope-was-here"
"""The name of the file that a call in a pickle would write."""


class Watch:
    """Sees what Python does while a file is read."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in EXECUTED or (event == "open" and _writes(arguments)):
            self.seen.append(f"{event} {arguments!r:.80}")


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def safetensors(folder: Path) -> Path:
    """Write a small safetensors file."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for number in range(6):
        for name, shape in (("weight", [8, 8]), ("bias", [8]), ("running_mean", [8])):
            size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
            header[f"layers.{number}.{name}"] = {
                "dtype": "F32",
                "shape": shape,
                "data_offsets": [at, at + size],
            }
            at += size
    text = json.dumps(header).encode()
    path = folder / "valid.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))
    return path


def index(folder: Path) -> Path:
    """Write an index of one shard."""
    shard = safetensors(folder)
    names = json.loads(shard.read_bytes()[8:].partition(b"\0")[0])
    listed = {name: shard.name for name in names if name != "__metadata__"}
    path = folder / "valid.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": listed}))
    return path


def checkpoint(folder: Path) -> Path:
    """Write what `torch.save` writes of a small network."""
    import torch

    path = folder / "valid.pt"
    model = _network()
    torch.save({"state_dict": model.state_dict(), "epoch": 3}, path)
    return path


def export(folder: Path) -> Path:
    """Write what `torch.export.save` writes of a small network."""
    import torch

    path = folder / "valid.pt2"
    torch.export.save(torch.export.export(_network().eval(), (torch.zeros(1, 3, 8, 8),)), path)
    return path


def _network() -> Any:
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def gguf(folder: Path) -> Path:
    """Write a small GGUF file."""

    def text(word: str) -> bytes:
        return struct.pack("<Q", len(word)) + word.encode()

    values = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.block_count") + struct.pack("<II", 4, 2),
        text("llama.attention.head_count_kv") + struct.pack("<IIQ2i", 9, 5, 2, 1, 2),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 600) + text("word") * 600,
    ]
    tensors, at = [], 0
    for number in range(4):
        tensors.append(
            text(f"blk.{number}.attn_q.weight") + struct.pack("<I2QIQ", 2, 256, 8, 12, at)
        )
        at += 8 * 144
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(values) + b"".join(tensors)
    path = folder / "valid.gguf"
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(at))
    return path


def onnx(folder: Path) -> Path:
    """Write a small ONNX file."""
    from onnx import TensorProto, helper, save

    weights = [
        helper.make_tensor("a.weight", TensorProto.FLOAT, [4, 3, 3, 3], [0.5] * 108),
        helper.make_tensor("b.weight", TensorProto.FLOAT, [10, 4], [0.5] * 40),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "a.weight"], ["y"], name="/a/Conv"),
        helper.make_node("GlobalAveragePool", ["y"], ["z"], name="/pool/Pool"),
        helper.make_node("Flatten", ["z"], ["f"], name="/Flatten"),
        helper.make_node("Gemm", ["f", "b.weight"], ["out"], name="/b/Gemm", transB=1),
    ]
    sides = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", ["N", 3, 8, 8]), ("out", ["N", 10]))
    )
    given, returned = sides
    graph = helper.make_graph(nodes, "g", [given], [returned], weights)
    path = folder / "valid.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


FORMS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "safetensors": (safetensors, 30),
    "index": (index, 8),
    "pt": (checkpoint, 25),
    "gguf": (gguf, 25),
    "pt2": (export, 6),
    "onnx": (onnx, 6),
}
"""By form: what writes a valid file, and of a hundred damaged ones how many are of it."""


def damaged(form: str, data: bytes, draw: random.Random) -> bytes:
    """Return a file with some of its bytes, or of what it says, changed."""
    ways = [_flipped, _cut, _doubled, _numbers, _spliced]
    ways += {
        "safetensors": [_header] * 5,
        "index": [_json] * 5,
        "pt": [_pickled] * 8 + [_called] * 2,
        "pt2": [_program] * 8,
        "onnx": [_message] * 15,
    }.get(form, [])
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        data = draw.choice(ways)(data, draw)
    return data


def _flipped(data: bytes, draw: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(draw.choice((1, 2, 8, 64))):
        if found:
            found[draw.randrange(min(len(found), draw.choice((16, 200, 1 << 30))))] = (
                draw.randrange(256)
            )
    return bytes(found)


def _cut(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] if draw.random() < 0.7 else data[at:]


def _doubled(data: bytes, draw: random.Random) -> bytes:
    at, length = draw.randrange(len(data) + 1), draw.choice((1, 8, 100, 5000))
    return data[:at] + data[at : at + length] * draw.choice((2, 3, 50)) + data[at:]


def _numbers(data: bytes, draw: random.Random) -> bytes:
    width = draw.choice((4, 8))
    at = draw.randrange(max(1, min(len(data), draw.choice((16, 400, 1 << 30)))))
    number = draw.choice(LIMITS) % (1 << 8 * width)
    return data[:at] + number.to_bytes(width, "little") + data[at + width :]


def _spliced(data: bytes, draw: random.Random) -> bytes:
    at, other = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    part = data[at : min(other, at + 500)]
    to = draw.randrange(len(data) + 1)
    return data[:to] + part + data[to + draw.choice((0, len(part))) :]


ODD: tuple[Any, ...] = (
    *LIMITS,
    *(None, True, 0.5, 1e308, "", "x", "\x1b[31m\n", "../../etc/passwd", "/dev/zero", "a" * 5000),
    *("a." * 3000, [], {}, [[]], [-1], [2**70], [1] * 100, {"a": 1}, "\ud800", "s0*(", "I8"),
)


def _changed(value: Any, draw: random.Random, depth: int = 0) -> Any:
    """Return JSON with one value within it changed, added, renamed or taken away."""
    if isinstance(value, dict) and value and depth < 8 and draw.random() < 0.93:
        found = dict(value)
        key = draw.choice(list(found))
        chance = draw.random()
        if chance < 0.05:
            del found[key]
        elif chance < 0.1:
            found[str(draw.choice(ODD))[:6000]] = found.pop(key)
        else:
            found[key] = _changed(found[key], draw, depth + 1)
        return found
    if isinstance(value, list) and value and depth < 8 and draw.random() < 0.85:
        items = list(value)
        at = draw.randrange(len(items))
        items[at] = _changed(items[at], draw, depth + 1)
        return items
    return draw.choice(ODD)


def _text(value: Any, draw: random.Random) -> bytes:
    text = json.dumps(value)
    if draw.random() < 0.03:
        text = "[" * 100_000 + text
    if draw.random() < 0.05 and text.startswith("{"):  # a key twice
        text = text[:-1] + "," + text[1:]
    return text.encode("utf-8", "surrogatepass")


def _json(data: bytes, draw: random.Random) -> bytes:
    try:
        return _text(_changed(json.loads(data), draw), draw)
    except (ValueError, RecursionError):
        return data


def _header(data: bytes, draw: random.Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    try:
        text = _text(_changed(json.loads(data[8 : 8 + length]), draw), draw)
    except (ValueError, RecursionError):
        return data
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


_BROKEN = (zipfile.BadZipFile, struct.error, zlib.error)
"""What reading an archive raises that was damaged before."""


def _rewritten(data: bytes, change: Callable[[str, bytes], bytes], draw: random.Random) -> bytes:
    """Return a zip archive with its parts changed, sometimes compressed."""
    found = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if draw.random() < 0.05 else zipfile.ZIP_STORED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(found, "w", how) as new:
            for part in old.infolist():
                new.writestr(part.filename, change(part.filename, old.read(part)))
    except (*_BROKEN, ValueError, EOFError, NotImplementedError, OSError):
        return data
    return found.getvalue()


def _pickled(data: bytes, draw: random.Random) -> bytes:
    """Change the pickle of a checkpoint alone."""

    def change(name: str, part: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return part
        return draw.choice((_flipped, _cut, _doubled, _numbers, _spliced, _opcodes))(part, draw)

    return _rewritten(data, change, draw)


def _opcodes(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    more = draw.choice(
        (
            b"(" * 5000,
            b"0" * 50,
            b"\x85" * 20_000,
            b"]" * 5000,
            b"2" * 5000,
            b"\x8d" + struct.pack("<Q", 2**62),
            b"\x96" + struct.pack("<Q", 2**40),
            b"r" + struct.pack("<I", 2**32 - 1),
            b"\x8b" + struct.pack("<i", -5),
            b"cposix\nsystem\n",
            b"cbuiltins\neval\n",
            b"I" + b"9" * 10_000 + b"\n",
        )
    )
    return data[:at] + more + data[at:]


class _Call:
    """What calls a program when it is unpickled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> Any:
        command = f"touch {MARK}"
        return {
            "system": (os.system, (command,)),
            "eval": (eval, (f"__import__('os').system({command!r})",)),
            "open": (open, (MARK, "w")),
            "exec": (exec, (f"open({MARK!r}, 'w')",)),
        }[self.name]


def _called(data: bytes, draw: random.Random) -> bytes:
    """Put a pickle with a call in a checkpoint's place for its own."""
    name = draw.choice(("system", "eval", "open", "exec"))
    call = pickle.dumps({"state_dict": {"w": _Call(name)}}, protocol=draw.choice((0, 2, 4)))
    if draw.random() < 0.2:
        return call
    return _rewritten(data, lambda n, part: call if n.endswith("data.pkl") else part, draw)


def _program(data: bytes, draw: random.Random) -> bytes:
    """Change the graph of an exported program, or its lists of tensors."""
    wanted = draw.choice(("models/model.json", "weights_config.json", ".json"))

    def change(name: str, part: bytes) -> bytes:
        if not name.endswith(wanted):
            return part
        found = _json(part, draw)
        if draw.random() < 0.1:
            call = draw.choice(
                (b"torch.ops.aten.from_file.default", b"torch.hub.load", b"math.pow")
            )
            found = found.replace(b"torch.ops.aten.relu.default", call)
        return found

    return _rewritten(data, change, draw)


def _message(data: bytes, draw: random.Random) -> bytes:
    """Change a node, a size or a number of an ONNX file."""
    import onnx

    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # damaged already
        return data
    graph = model.graph
    kinds = ("Conv", "Gemm", "MatMul", "Reshape", "Slice", "Resize", "Loop", "LSTM", "Nonsense")
    for _ in range(draw.choice((1, 1, 2, 5))):
        way = draw.randrange(6)
        node = draw.choice(graph.node) if graph.node else None
        if way == 0 and node:
            node.op_type = draw.choice(kinds)
        elif way == 1 and node and node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(("x", "y", "", "out", "no"))
        elif way == 2 and node:
            name = draw.choice(("pads", "strides", "dilations", "kernel_shape", "axes", "perm"))
            values = [draw.choice((-1, 0, 1, 2, 2**31, 2**62)) for _ in range(draw.randrange(6))]
            node.attribute.append(onnx.helper.make_attribute(name, values or [0]))
        elif way == 3 and graph.initializer:
            tensor = draw.choice(graph.initializer)
            tensor.dims[:] = [draw.choice((0, 1, 3, 10, 2**40)) for _ in range(draw.randrange(5))]
        elif way == 4 and graph.input:
            dims = graph.input[0].type.tensor_type.shape.dim
            if dims:
                draw.choice(dims).dim_value = draw.choice((-1, 0, 1, 2**31, 2**62))
        elif node:
            graph.node.append(node)
    return bytes(model.SerializeToString())


def asked(path: Path) -> None:
    """Ask all that looks at a file: its lists, and its graph where it has one."""
    archscope.params(str(path)).to("table")
    if path.suffix == ".onnx":  # `params` does not run its graph
        archscope.analyse("train", str(path))


def outcome(path: Path, watch: Watch) -> tuple[str, str]:
    """Return what became of one file, in a word, and what was said."""
    said = io.StringIO()
    before = time.process_time()
    watch.seen.clear()
    watch.on = True
    try:
        with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked(path)
        found, text = "answered", ""
    except ArchscopeError as error:
        text = str(error)
        found = "refused" if "\n" not in text else "traceback"
    except BaseException as error:
        found, text = "traceback", f"{type(error).__name__}: {error}"
    finally:
        watch.on = False
    if watch.seen or Path(MARK).exists():
        return "execution", "; ".join(watch.seen[:3])
    if time.process_time() - before > SECONDS:
        return "excess", f"{time.process_time() - before:.1f} s"
    return found, text


def runs(forms: list[str], count: int) -> Iterator[str]:
    """Yield forms in turns, each as often as its share says."""
    weights = {form: FORMS[form][1] for form in forms}
    whole = sum(weights.values())
    for form, weight in weights.items():
        yield from [form] * max(1, round(count * weight / whole))


def main() -> int:
    """Damage, ask, count; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--form", choices=FORMS, action="append")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    forms = asked.form or [f for f in FORMS if f != "onnx" or find_spec("onnx")]
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        bad = _all(forms, asked.count, asked.seed, Path(name))
    return 1 if bad else 0


def _all(forms: list[str], count: int, seed: int, folder: Path) -> int:
    draw = random.Random(seed)
    valid = {form: FORMS[form][0](folder) for form in forms}
    for path in valid.values():  # what is imported once is not the files' doing
        asked(path)
    watch, tally = Watch(), Counter[tuple[str, str]]()
    start, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bad = 0
    for form in runs(forms, count):
        path = valid[form]
        target = path.with_name(f"damaged{''.join(path.suffixes)}")
        target.write_bytes(damaged(form, path.read_bytes(), draw))
        found, text = outcome(target, watch)
        tally[form, found] += 1
        if found not in ("answered", "refused"):
            bad += 1
            target.rename(Path(tempfile.gettempdir()) / f"hostile-{seed}-{bad}{path.suffix}")
            print(f"{form}: {found}: {text[:200]}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) << 10
    titles = ("form", "answered", "refused", "tracebacks", "executions", "excess")
    print("{:12} {:>9} {:>9} {:>11} {:>11} {:>7}".format(*titles))
    for form in forms:
        words = ("answered", "refused", "traceback", "execution", "excess")
        numbers = [tally[form, word] for word in words]
        print("{:12} {:9,} {:9,} {:11,} {:11,} {:7,}".format(form, *numbers))
    print(
        f"{sum(tally.values()):,} files in {time.monotonic() - start:.0f} s; "
        f"memory grew by {grown >> 20} MiB"
    )
    return bad + (grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
