"""Command lines at random: all commands and options, with values that fit, nearly, or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import click
from running import Trial

MODELS = (
    "",
    "cnn",
    "transformer",
    "lenet",
    "bert-tiny",
    "resnet18",
    "wavenet",
    "tcn:dilations=1/2/4",
    "conv 4 k3; relu; pool 2",
    "2x(conv 8 d1,2 res)",
    "./net.py:Small",
    "./net.py:Broken",
    "./net.py",
    "net.py:nothing",
    "saved.json",
    "missing.json",
    "gpt3-175B",
    "nasbench201",
    "lstm",
    "t5-small",
)
"""What is typed for MODEL where it is to be one."""
ODD = (
    "",
    " ",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "7",
    "1e9",
    "99999999999999999999",
    "1.5",
    "-0.0",
    "nan",
    "inf",
    "1,2,4",
    "1/2/4",
    "1,,2",
    ",",
    "1,x,4",
    "2x3",
    "3x5,1",
    "a",
    "é漢字",
    "\x1b[31mred\x1b[0m",
    "\x00",
    "\u202eevil",
    "a\nb",
    "[bold]x[/bold]",
    ":smile:",
    "{}",
    "[]",
    "null",
    "true",
    "none",
    "None",
    "--",
    "-",
    "--help",
    "16kHz",
    "250ms",
    "80GiB",
    "100k",
    "1%",
    "%s%n",
    "../../etc/passwd",
    "/dev/null",
    "/",
    ".",
    "~",
    "*",
    "'",
    '"',
    "`id`",
    "$(id)",
    "; rm -rf x",
    "x" * 300,
    "params < 100k",
    "rf >= 1s",
    "depth=3",
    "=",
    "a=b=c",
    ":",
    "net.py:",
    "\ud800",
)
"""Values that no one means, or few."""
COMMON = {
    "--depth": ("1", "2", "3"),
    "--dilations": ("1,2", "1,2,4"),
    "--channels": ("4", "4,8"),
    "--d-model": ("8", "16"),
    "--heads": ("1", "2"),
    "--seq-len": ("4", "9"),
    "--input-size": ("9", "16"),
    "--vocab-size": ("11", "100"),
    "--kernel-size": ("3", "3,5", "2"),
    "--format": ("json", "csv", "md"),
    "--batch-size": ("1", "2"),
}
"""Small values of fields: most networks are quick with these."""
SLOW = frozenset(("time", "search"))
"""Commands that take their time by what they are: they are asked less often, of a small network."""
SMALL = ("cnn", "--depth", "1", "--channels", "4", "--input-size", "8")


def trials(count: int, chance: random.Random) -> Iterator[Trial]:
    """Yield so many command lines."""
    from archscope.cli._command import COMMANDS

    commands = {name: command.click for name, command in COMMANDS.all().items()}
    names = sorted(commands)
    for _ in range(count):
        name = chance.choice(names)
        while name in SLOW and chance.random() < 0.9:
            name = chance.choice(names)
        yield Trial(command=tuple(_line(name, commands[name], chance)))


def _line(name: str, command: click.Command, chance: random.Random) -> Iterator[str]:
    yield _misspelt(name, chance) if chance.random() < 0.02 else name
    options = [
        each
        for each in command.params
        if isinstance(each, click.Option) and not {"--open", "--time"} & set(each.opts)
    ]
    parts: list[tuple[str, ...]] = []
    if name in SLOW:
        parts.append(SMALL)
    elif chance.random() < 0.75:
        parts.append((chance.choice(MODELS if chance.random() < 0.9 else ODD),))
    for flag, values in COMMON.items():
        if chance.random() < 0.25 and any(flag in each.opts for each in options):
            parts.append((flag, chance.choice(values)))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        parts.append(tuple(_option(chance.choice(options), chance)))
    chance.shuffle(parts)
    for part in parts:
        yield from part


def _option(option: click.Option, chance: random.Random) -> Iterator[str]:
    flag = chance.choice([*option.opts, *option.secondary_opts])
    yield _misspelt(flag, chance) if chance.random() < 0.03 else flag
    if not option.is_flag and chance.random() < 0.97:
        yield _value(option.type, chance)


def _value(kind: Any, chance: random.Random) -> str:
    if chance.random() < 0.5:
        return chance.choice(ODD)
    if isinstance(kind, click.Choice):
        return str(chance.choice(list(kind.choices)))
    return chance.choice(("1", "2", "3", "4", "0.5", "x.json", "out.html", "1,2", "params", "cpu"))


def _misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word))
    return word[:at] + chance.choice(("", "x", word[at] * 2)) + word[at + 1 :]
