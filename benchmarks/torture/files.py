"""Files that a command reads, with bytes lost, doubled, altered or put in: JSON, TOML, budgets."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from running import Trial

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
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, float("nan"), "", "x", "\x1b[2J", [], {}, [[]],
    {"a": 1}, "9" * 400, [None] * 50, "\ud800",
)  # fmt: skip


def trials(count: int, chance: random.Random) -> Iterator[Trial]:
    """Yield so many altered files with a command that reads each; `saved.json` is there before."""
    saved = Path("saved.json").read_text()
    readers: tuple[tuple[str, Callable[[str], tuple[str, ...]], str], ...] = (
        (saved, lambda name: ("report", name, "-f", "md"), "json"),
        (saved, lambda name: ("compare", name, "saved.json"), "json"),
        (saved, lambda name: ("report", name, "-o", "out.html"), "json"),
        (CONFIG, lambda name: ("check", "-c", name), "toml"),
        (
            CONFIG,
            lambda name: ("params", "--config", name, "--d-model", "8", "--heads", "2"),
            "toml",
        ),
    )
    for number in range(count):
        text, command, ending = chance.choice(readers)
        altered, how = _altered(text, ending, chance)
        name = f"altered-{number % 50}.{ending}"
        yield Trial(
            command=command(name), about=how, before=partial(Path(name).write_bytes, altered)
        )


def _altered(text: str, ending: str, chance: random.Random) -> tuple[bytes, str]:
    if ending == "json" and chance.random() < 0.7:
        found = json.loads(text)
        how = [_change(found, chance) for _ in range(chance.choice((1, 1, 2, 4)))]
        return json.dumps(found).encode("utf-8", "surrogatepass"), "; ".join(how)
    if ending == "toml" and chance.random() < 0.5:
        lines = text.splitlines()
        at = chance.randrange(len(lines))
        key = lines[at].partition("=")[0]
        value = chance.choice(
            ("0", "-1", '""', "[]", "{}", "nan", "true", "'x'", "2030-01-01", '"1%"')
        )
        lines[at] = (
            f"{key}= {value}" if "=" in lines[at] else chance.choice(("", "[[", "x", "[a.b]"))
        )
        return "\n".join(lines).encode(), f"line {at + 1}: {lines[at]!r}"
    raw = bytearray(text.encode())
    at, to = sorted(chance.randrange(len(raw)) for _ in range(2))
    way = chance.choice(("cut", "lost", "twice", "bits", "put in"))
    if way == "cut":
        del raw[at:]
    elif way == "lost":
        del raw[at : min(to, at + 40)]
    elif way == "twice":
        raw[at:at] = raw[at : min(to, at + 400)]
    elif way == "bits":
        for _ in range(8):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    else:
        raw[at:at] = chance.choice(
            (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 5000, b'"', b"\n")
        )
    return bytes(raw), f"{way} at {at}"


def _change(found: Any, chance: random.Random) -> str:
    """Change one value somewhere in JSON, and say where."""
    path = []
    while True:
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        key = chance.choice(keys)
        path.append(str(key))
        inner = found[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.15:
            break
        found = inner
    way = chance.choice(("value", "value", "gone", "renamed"))
    if way == "value":
        found[key] = chance.choice(VALUES)
        return f"{'.'.join(path)} = {found[key]!r:.40}"
    inner = found.pop(key)
    if way == "renamed" and isinstance(found, dict):
        found[f"{key}x"] = inner
    return f"{'.'.join(path)} {way}"
