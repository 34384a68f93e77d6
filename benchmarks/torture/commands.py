"""Command lines at random: all commands, options and families, with values that fit or do not.

Three roads: options and fields drawn from the command tree; examples of the help with a word or two
changed; a few words without any plan. Networks are tiny wherever the line leaves a choice.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import tree
import values
from running import Trial
from siblings import census
from values import ODD

from archscope import specs
from archscope.families import FAMILIES

WEIGHTS = {"report": 6, "facts": 6, "audit": 6, "search": 8, "sweep": 20, "time": 3, "env": 8,
           "list": 20, "check": 30, "lock": 20, "compare": 60, "finetune": 20,
           "memory": 60}  # fmt: skip
"""How often a command is asked: those that take their time by what they are, less."""
USUAL = 100
NAMED = (
    "lenet", "bert-tiny", "resnet18", "wavenet", "tcn:dilations=1/2/4", "conv 4 k3; relu; pool 2",
    "2x(conv 8 d1,2 res)", "./net.py:Small", "./net.py:Broken", "./net.py:Odd", "./net.py:small",
    "./net.py", "net.py:nothing", "net.py:Small", "saved.json", "saved-rf.json", "missing.json",
    "nasbench201", "lstm", "timm:resnet18", "hf:nothing", "state.safetensors", "weights.pt",
    "torch.nn:Identity", "os:system", "net.py:Small:width=2", ".", "transformer:depth=1,d_model=8",
    "cnn:depth=999999999", "in 4x9; conv 4; conv 4 d2", "conv 4 s2 p-1", "net.py:Loud",
)  # fmt: skip
"""What is typed for MODEL where it is no family with a few fields."""
LARGE = ("gpt3-175B", "llama-3-70b", "deepseek-v3", "gpt2", "resnet50", "t5-small", "mixtral-8x7b")
CLOSED = frozenset(("plan", "kv", "scaling"))
"""Commands that answer of a large network as quickly as of a small one."""
ALWAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "time": (("--budget", "0.05"), ("--runs", "2"), ("--warmup", "0")),
    "facts": (("--only", "kv"),),
}
"""What keeps a command short; it is said nearly always."""
RARE = {"--compile": 0.05, "--workers": 0.05, "--executor": 0.3, "--time": 0.1, "--built": 0.05,
        "--audit": 0.3, "--train": 0.3, "--verify": 0.1, "--memory-limit": 0.1}  # fmt: skip
"""Share of the draws of an option that are kept: it starts processes, or compiles."""
OWN = frozenset(("--input-shape", "--input", "--inputs", "--method", "--model-arg"))
"""What says how a network of one's own is made and run."""
GENERAL = ("transformer", "cnn")
LITTLE = census.LITTLE


def trials(count: int, seed: int, first: int = 0) -> Iterator[Trial]:
    """Yield so many command lines from one on; each is the same however it is come by."""
    for number in range(first, first + count):
        chance = random.Random(f"commands/{seed}/{number}")
        draw = chance.random()
        line = _drawn(chance) if draw < 0.85 else _example(chance)
        if draw > 0.98:
            line = [chance.choice(ODD) for _ in range(chance.randint(0, 3))]
        if chance.random() < 0.05 and line:
            line = _altered(line, chance)
        environment = _environment(chance) if chance.random() < 0.04 else {}
        yield Trial(command=tuple(line), about=f"{number}", environment=environment)


def _drawn(chance: random.Random) -> list[str]:
    places = tree.commands()
    names = sorted(places)
    name = chance.choices(names, [WEIGHTS.get(each, USUAL) for each in names])[0]
    place = places[name]
    parts: list[tuple[str, ...]] = []
    free = {0: 0, 1: chance.choice((0, 1, 1, 1, 1))}.get(
        place.takes, chance.choice((0, 1, 1, 2, 3))
    )
    if name in ("check", "facts", "list"):
        parts += [(chance.choice(("cnn", "small", "lenet", "kv", "zero-*", *ODD)),)] * bool(free)
    elif free or any("--input-shape" in option.opts for option in place.options):
        parts += _network(name, chance)
        parts += [(_model(name, chance),) for _ in range(free - 1)]
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        option = chance.choice(place.options)
        if option.opts[0] in OWN and chance.random() < 0.7:  # they fit few networks
            continue
        if chance.random() < RARE.get(option.opts[0], 1.0):
            parts += [_option(option, chance)] * (2 if chance.random() < 0.03 else 1)
    if chance.random() < 0.95:
        parts += [part for part in ALWAYS.get(name, ()) if chance.random() < 0.98]
    chance.shuffle(parts)
    return [name, *(word for part in parts for word in part)]


def _network(name: str, chance: random.Random) -> list[tuple[str, ...]]:
    """Return the words that say which network: a family and fields, flags alone, or a name."""
    draw = chance.random()
    if draw < 0.4:
        return [(_model(name, chance),)]
    family = chance.choice(GENERAL if draw < 0.7 else FAMILIES.names())
    said = {key: values.typed(value) for key, value in LITTLE.get(family, {}).items()}
    found = [(specs.flag_of(key), value) for key, value in said.items()]
    flags = specs.flags(FAMILIES.get(family).spec)
    for field in chance.sample(flags, k=min(len(flags), chance.choice((0, 0, 1, 1, 2, 3)))):
        found = [part for part in found if part[0] != field.flag or chance.random() < 0.05]
        found.append(_field(field, chance))  # type: ignore[arg-type]
    words: list[tuple[str, ...]] = [*found]
    return words if draw < 0.55 and family == "transformer" else [(family,), *words]


def _field(field: specs.Field, chance: random.Random) -> tuple[str, ...]:
    value = values.of_field(field, chance)
    if value is None:
        return (chance.choice((field.flag, f"--no-{field.flag[2:]}")),)
    return _given(field.flag, value, chance)


def _model(name: str, chance: random.Random) -> str:
    if name in CLOSED and chance.random() < 0.4:
        return chance.choice(LARGE)
    draw = chance.random()
    if draw < 0.03:
        return chance.choice(ODD)
    if draw < 0.06:
        return misspelt(chance.choice(NAMED), chance)
    if draw < 0.5:
        family = chance.choice(sorted(LITTLE))
        said = {key: values.typed(value) for key, value in LITTLE[family].items()}
        return f"{family}:" + ",".join(f"{k}={v.replace(',', '/')}" for k, v in said.items())
    return chance.choice(NAMED)


def _option(option: Any, chance: random.Random) -> tuple[str, ...]:
    flag = chance.choice([*option.opts, *option.secondary_opts])
    flag = misspelt(flag, chance) if chance.random() < 0.02 else flag
    if option.is_flag or chance.random() < 0.02:
        return (flag,)
    return _given(flag, values.of_option(option, chance), chance)


def _given(flag: str, value: str, chance: random.Random) -> tuple[str, ...]:
    return (f"{flag}={value}",) if chance.random() < 0.1 else (flag, value)


def _example(chance: random.Random) -> list[str]:
    """Return an example of the help with something changed, of a smaller network."""
    line = list(chance.choice(tree.examples()))
    while line[:1] and line[0] in WEIGHTS and chance.random() < 0.8:
        line = list(chance.choice(tree.examples()))
    name = line[0] if line else ""
    line += [word for part in ALWAYS.get(name, ()) for word in part]
    if name not in CLOSED:
        line = [_smaller(word, before) for word, before in zip(line, ["", *line], strict=False)]
    for _ in range(chance.choice((1, 1, 2))):
        line = _altered(line, chance)
    return line


def _smaller(word: str, before: str) -> str:
    from archscope import presets

    if word.split(":")[0] in presets.names():
        return "lenet"
    return "1" if before in ("--depth", "--erf", "--batch-size") and word.isdecimal() else word


def _altered(line: list[str], chance: random.Random) -> list[str]:
    """Return a line with a word lost, doubled, misspelt, moved or put in place of another."""
    at = chance.randrange(len(line)) if line else 0
    way = chance.choice(("lost", "twice", "misspelt", "odd", "odd", "moved", "put in"))
    if way == "lost":
        return [*line[:at], *line[at + 1 :]]
    if way == "twice":
        return [*line[: at + 1], *line[at:]]
    if way == "misspelt":
        return [*line[:at], misspelt(line[at], chance), *line[at + 1 :]] if line else line
    if way == "odd":
        return [*line[:at], chance.choice(ODD), *line[at + 1 :]]
    if way == "moved" and line:
        word = line.pop(at)
        line.insert(chance.randint(0, len(line)), word)
        return line
    return [*line[:at], chance.choice(ODD), *line[at:]]


def misspelt(word: str, chance: random.Random) -> str:
    """Return a word with a letter lost, doubled or wrong."""
    if not word:
        return "x"
    at = chance.randrange(len(word))
    return word[:at] + chance.choice(("", "x", word[at] * 2, word[at].swapcase())) + word[at + 1 :]


def _environment(chance: random.Random) -> dict[str, str]:
    """Return what a shell may have set: defaults of options, a terminal, a width."""
    name = chance.choice(sorted(tree.commands()))
    option = chance.choice(tree.commands()[name].options)
    variable = f"ARCHSCOPE_{name}_{option.name}".upper()
    value = values.of_option(option, chance).replace("\0", "").replace("\ud800", "")
    other = {"COLUMNS": chance.choice(("0", "1", "20", "80", "x", "99999")), "NO_COLOR": "1",
             "FORCE_COLOR": "1", "TERM": "dumb", "GITHUB_ACTIONS": "", "LANG": "C"}  # fmt: skip
    extra = chance.choice(sorted(other))
    return {variable: value, extra: other[extra]} if chance.random() < 0.5 else {variable: value}
