"""Files that commands read, with bytes lost, doubled, altered or put in: JSON, TOML, stores.

They are saved results of all commands, configurations, budgets, lock files, facts and stores of
sweeps; files of weights are a part of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

from running import Trial

from archscope import cli

CONFIG = """\
[params]
depth = 2
format = "json"

[rf]
dilations = "1,2,4"

[[budget]]
model = "lenet"
max.params = "100k"
assert = ["complete"]

[[budget]]
name = "small"
model = "cnn"
dilations = "1,2"
min.coverage = "100%"
grow.macs = "+1%"
"""
SMALL = ("cnn", "--depth", "2", "--channels", "4", "--input-size", "8")
TINY = ("transformer", "--depth", "1", "--d-model", "8", "--heads", "2", "--vocab-size", "11",
        "--seq-len", "4")  # fmt: skip
SAVED: dict[str, tuple[str, ...]] = {
    "params": ("params", *TINY),
    "rf": ("rf", *SMALL, "--dilations", "2"),
    "branches": ("rf", "--branches", "1,2;1,3"),
    "audit": ("audit", *SMALL),
    "compare": ("compare", "saved.json", "saved.json"),
    "kv": ("kv", *TINY),
    "plan": ("plan", "gpt2", "--gpu", "h100", "--gpus", "8"),
    "scaling": ("scaling", *TINY),
    "memory": ("memory", *SMALL),
    "train": ("train", *SMALL),
    "finetune": ("finetune", *TINY),
    "time": ("time", *SMALL, "--budget", "0.05", "--runs", "3", "--warmup", "0"),
    "bound": ("time", *SMALL, "--gpu", "h100"),
    "check": ("check",),
    "facts": ("facts", "--only", "kv"),
    "sweep": ("sweep", "cnn", "--depth", "1,2", "--channels", "4", "--input-size", "8"),
    "search": ("search", "cnn", "--depth", "1:3", "--channels", "4", "--input-size", "8"),
}
"""What is saved, by the command that makes it."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 2**1000, 1e308, -0.0, float("nan"), float("inf"), "", "x",
    "\x1b[2J", "\u202ex", "<script>", [], {}, [[]], {"a": 1}, "9" * 400, [None] * 50, "\ud800", 1.5,
    ["params"], [0] * 9, "unknown", {"": {}}, [{"word": "x", "fields": ["x"]}],
)  # fmt: skip
READERS: tuple[tuple[str, Callable[[str], tuple[str, ...]]], ...] = (
    ("saved", lambda name: ("report", name, "-o", "out.md")),
    ("saved", lambda name: ("report", name, "-o", "out.html", "--assets", "directory")),
    ("saved", lambda name: ("report", name, "-o", "out.json")),
    ("saved", lambda name: ("compare", name, "saved.json")),
    ("saved", lambda name: ("compare", "saved.json", name, "-f", "json")),
    ("saved", lambda name: ("params", *SMALL, "--teacher", name)),
    ("config", lambda name: ("check", "-c", name)),
    ("config", lambda name: ("--config", name, "params", "lenet")),
    ("config", lambda name: ("lock", "-c", name, "-o", "out.lock")),
    ("lock", lambda name: ("check", "--lock", name)),
    ("facts", lambda name: ("facts", name)),
    ("store", lambda name: ("sweep", "--show", name)),
    ("store", lambda name: ("sweep", *SMALL[:1], "--depth", "1,2", "--channels", "4",
                            "--input-size", "8", "--store", name)),
)  # fmt: skip
"""Kinds of files, and what reads each."""
ENDINGS = {"saved": "json", "config": "toml", "lock": "lock", "facts": "toml", "store": "db"}


def trials(count: int, seed: int, first: int = 0) -> Iterator[Trial]:
    """Yield so many altered files, from one on, with a command that reads each."""
    for number in range(first, first + count):
        chance = random.Random(f"files/{seed}/{number}")
        kind, command = chance.choices(
            READERS, [9 if each[0] == "saved" else 3 for each in READERS]
        )[0]
        data = saved(chance.choice(sorted(SAVED))) if kind == "saved" else original(kind)
        altered, how = _altered(data, kind, chance)
        name = f"altered.{ENDINGS[kind]}"
        yield Trial(
            command=command(name),
            about=f"{number} {how}",
            before=partial(_put, Path(name), altered),
        )


def _put(path: Path, data: bytes) -> None:
    for beside in ("-wal", "-shm", "-journal"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    path.write_bytes(data)


@cache
def original(kind: str) -> bytes:
    """Return a good file of a kind, made in the working folder."""
    if kind == "config":
        return CONFIG.encode()
    if kind == "facts":
        return Path("facts.toml").read_bytes()
    if kind == "store":
        return Path("store.db").read_bytes()
    return _printed(("lock", "-o", "-"))


@cache
def saved(name: str) -> bytes:
    """Return what a command saves, run in the working folder."""
    return _printed((*SAVED[name], "-f", "json"))


def _printed(command: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        cli.main(list(command))
    return out.getvalue().encode()


def _altered(data: bytes, kind: str, chance: random.Random) -> tuple[bytes, str]:
    if kind in ("saved", "lock") and chance.random() < 0.8:
        found = json.loads(data)
        how = [_change(found, chance) for _ in range(chance.choice((1, 1, 1, 2, 4)))]
        return json.dumps(found).encode("utf-8", "surrogatepass"), "; ".join(how)
    if kind in ("config", "facts") and chance.random() < 0.6:
        return _line(data.decode(), chance)
    return _bytes(data, chance)


def _line(text: str, chance: random.Random) -> tuple[bytes, str]:
    """Change a line of TOML: its value, its key, or all of it."""
    lines = text.splitlines()
    at = chance.randrange(len(lines))
    key = lines[at].partition("=")[0]
    values = ("0", "-1", '""', "[]", "{}", "nan", "inf", "-inf", "true", "'x'", "2030-01-01",
              '"1%"',               "1e400", "9" * 400, "[[]]", "{a=1}",
              '"\\u202e"', '"params"', "[1, 'x']", "1_000", "0x1F")  # fmt: skip
    keys = ("max.params", "min.rf", "grow.macs", "assert", "model", "depth", "nothing", "max",
            "inputs", "sample_rate", "name", "formula", "inputs.flops.model", "tolerance", "unit",
            "'a b'", '"\\u001b"', "max.latency", "measure", "settings.tokens")  # fmt: skip
    way = chance.choice(("value", "value", "key", "whole", "added"))
    if way == "value" and "=" in lines[at]:
        lines[at] = f"{key}= {chance.choice(values)}"
    elif way == "key" and "=" in lines[at]:
        lines[at] = f"{chance.choice(keys)} ={lines[at].partition('=')[2]}"
    elif way == "added":
        lines.insert(at, f"{chance.choice(keys)} = {chance.choice(values)}")
    else:
        lines[at] = chance.choice(
            ("", "[[", "x", "[a.b]", "[[budget]]", "[budget]", "[params]", "[[]]")
        )
    return "\n".join(lines).encode(), f"line {at + 1}: {lines[at]!r}"


def _bytes(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    raw = bytearray(data)
    at, to = sorted(chance.randrange(len(raw)) for _ in range(2))
    way = chance.choice(("cut", "lost", "twice", "bits", "put in"))
    if way == "cut":
        del raw[at:]
    elif way == "lost":
        del raw[at : min(to, at + 40)]
    elif way == "twice":
        raw[at:at] = raw[at : min(to, at + 400)]
    elif way == "bits":
        for _ in range(chance.choice((1, 8, 64))):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    else:
        odd = (
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"[" * 5000,
            b'{"a":' * 5000,
            b'"',
            b"\n",
            b"\x1b",
        )
        raw[at:at] = chance.choice(odd)
    return bytes(raw), f"{way} at {at}"


def _change(found: Any, chance: random.Random) -> str:
    """Change one value somewhere in JSON, and say where."""
    path = []
    while True:
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        if not keys:
            return "nothing"
        key = chance.choice(keys)
        path.append(str(key))
        inner = found[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.1:
            break
        found = inner
    way = chance.choice(("value", "near", "near", "near", "near", "gone", "renamed"))
    if way == "near" and isinstance(inner, str):
        found[key] = chance.choice((f"{inner}x", inner[1:], inner.upper(), f"{inner}\u202e"))
    elif way == "near" and isinstance(inner, int | float):
        found[key] = chance.choice((-inner, inner + 1, inner * 10**6, float(inner) + 0.5))
    elif way == "near" and isinstance(inner, list):
        found[key] = chance.choice((inner * 2, inner[::-1], inner[1:]))
    elif way in ("value", "near"):
        found[key] = deepcopy(chance.choice(VALUES))
    else:
        inner = found.pop(key)
        if way == "renamed" and isinstance(found, dict):
            found[f"{key}x"] = inner
        return f"{'.'.join(path)} {way}"
    return f"{'.'.join(path)} = {found[key]!r:.40}"
