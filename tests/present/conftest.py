"""Small reports built by hand, one per thing that a format must cope with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from measured import audit, measured

from archscope.analyses.params.headline import headline
from archscope.analyses.params.rows import (
    COMPONENTS,
    DEPTH,
    MODULES,
    OPERATORS,
    ComponentRow,
    DepthRow,
    ModuleRow,
    OperatorRow,
    Totals,
)
from archscope.analyses.params.summary import summary
from archscope.columns import column
from archscope.results import Convention, Environment, Note, Report, Section

GOLDEN = Path(__file__).parent.parent / "golden"
FVCORE = Convention(
    name="fvcore",
    flops_per_multiply_add=1,
    text="fvcore convention: 1 multiply-add = 1 FLOP, plus norms and pooling",
)
MACHINE = Environment(
    archscope="0.1.0", python="3.11", torch="2.13.0", fvcore="0.1.5", platform="any", device="meta"
)
EVIL_NAMES = (
    "enc[/x]",
    "[bold]b",
    ":smile:",
    "red\x1b[31m",
    "title\x1b]0;gone\x07",
    "two\nlines\r",
    "<script>alert(1)</script>",
    "pipe|`tick`*star*",
    "bidi\u202eevil\u2066\u200f",
    "lone\ud800",
    "next\x85line\u2028",
    "=1+1",
    "@cmd",
    "日本語モデル",
    "long" * 2_500,
)


def module(
    path: str,
    type: str,
    params: int = 0,
    macs: int | None = 0,
    flops: int | None = None,
    *,
    out: tuple[int, ...] | None = (1, 8, 16),
    frozen: int = 0,
    shared_with: str | None = None,
    form: str | None = None,
) -> ModuleRow:
    """Return a module by what it does itself; `totalled` fills in the rest."""
    flops = macs if flops is None else flops
    return ModuleRow(
        path=path,
        type=type,
        component=type.lower(),
        calls=1,
        output_shape=out,
        trainable=0,
        frozen=0,
        buffers=0,
        macs=0,
        flops=0,
        own_trainable=params,
        own_frozen=frozen,
        own_buffers=0,
        own_macs=macs,
        own_flops=flops,
        shared_with=shared_with,
        params_form=form,
        macs_form=None,
    )


def totalled(rows: Iterable[ModuleRow]) -> tuple[ModuleRow, ...]:
    """Fill the plain columns: what is below a module, unknown where any of it is unknown."""
    rows = tuple(rows)
    fields = ("trainable", "frozen", "buffers", "macs", "flops")
    filled = []
    for row in rows:
        inside = f"{row.path}." if row.path else ""
        below = [r for r in rows if r.path == row.path or r.path.startswith(inside)]
        sums = {field: _sum([getattr(r, f"own_{field}") for r in below]) for field in fields}
        values = {name: getattr(row, name) for name in ModuleRow.__dataclass_fields__}
        filled.append(ModuleRow(**{**values, **sums}))
    return tuple(filled)


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def known_sum(rows: Iterable[ModuleRow], field: str) -> int:
    return sum(getattr(row, field) or 0 for row in rows)


def report(
    title: str,
    rows: Iterable[ModuleRow],
    *,
    notes: tuple[Note, ...] = (),
    complete: bool = True,
    active: int | None = None,
    others: tuple[Section, ...] = (),
    config: dict[str, object] | None = None,
) -> Report:
    rows = totalled(rows)
    trainable, frozen = known_sum(rows, "own_trainable"), known_sum(rows, "own_frozen")
    totals = Totals(
        trainable=trainable,
        frozen=frozen,
        active=trainable + frozen if active is None else active,
        buffers=0,
        weight_bytes=4 * (trainable + frozen),
        macs=known_sum(rows, "own_macs"),
        flops=known_sum(rows, "own_flops"),
        complete=complete,
    )
    depths = next((each.rows for each in others if each.name == "depth"), ())
    said = tuple(summary(totals, depths, totals.weight_bytes))
    modules = MODULES.filled(
        rows,
        totals=totals,
        notes=notes,
        summary=said,
        headline=tuple(headline(totals, depths, totals.weight_bytes, 1)),
    )
    others = tuple(dataclasses.replace(each, summary=said) for each in others)
    return Report(
        command="params",
        title=title,
        config=config or {},
        environment=MACHINE,
        sections=(modules, *others),
        convention=FVCORE,
    )


def gpt2(depth: int = 24) -> Report:
    """GPT-2 small's shape at 24 blocks: 209,494,272 parameters and 252,124,594,176 MACs."""
    d, t, v = 768, 1024, 50257

    def linear(path: str, wide: int, out: int) -> ModuleRow:
        form = f"{wide}*{out} + {out}"
        return module(path, "Linear", wide * out + out, t * wide * out, out=(1, t, out), form=form)

    def norm(path: str) -> ModuleRow:
        return module(path, "LayerNorm", 2 * d, 0, 5 * t * d, out=(1, t, d), form=f"2*{d}")

    rows = [
        module("", "Transformer", out=(1, t, v)),
        module("tok_emb", "Embedding", v * d, out=(1, t, d), form=f"{v}*{d}"),
        module("pos_emb", "Embedding", t * d, out=(t, d), form=f"{t}*{d}"),
        module("blocks", "ModuleList", out=None),
    ]
    for i in range(depth):
        block = f"blocks.{i}"
        rows += [
            module(block, "DecoderBlock", out=(1, t, d)),
            norm(f"{block}.ln_1"),
            module(f"{block}.attn", "Attention", out=(1, t, d)),
            linear(f"{block}.attn.qkv", d, 3 * d),
            module(f"{block}.attn.sdpa", "ScaledDotProduct", 0, 2 * t * t * d, out=(1, 12, t, 64)),
            linear(f"{block}.attn.proj", d, d),
            norm(f"{block}.ln_2"),
            module(f"{block}.mlp", "FeedForward", out=(1, t, d)),
            linear(f"{block}.mlp.fc1", d, 4 * d),
            linear(f"{block}.mlp.fc2", 4 * d, d),
        ]
    rows += [
        norm("ln_f"),
        module("lm_head", "Linear", 0, t * d * v, out=(1, t, v), shared_with="tok_emb"),
    ]
    title = (
        f"decoder · pre-LN · depth {depth} · d_model 768 · 12 heads · d_ff 3072 · vocab 50,257"
        " · seq 1024 · batch 1"
    )
    sections = (_operators(), _components(rows), _depths(depth))
    return report(title, rows, others=sections, config={"depth": depth, "dilations": (1, 2)})


def _operators() -> Section:
    rows = (
        OperatorRow(
            operator="aten::addmm", kind="multiply-accumulate", calls=96, elements=9, macs=900
        ),
        OperatorRow(
            operator="aten::gelu", kind="elementwise or reduction", calls=24, elements=77, macs=0
        ),
    )
    return OPERATORS.filled(rows)


def _components(rows: list[ModuleRow]) -> Section:
    found = []
    for name in sorted({row.component for row in rows}):
        same = [row for row in rows if row.component == name]
        found.append(
            ComponentRow(
                component=name,
                trainable=known_sum(same, "own_trainable"),
                frozen=known_sum(same, "own_frozen"),
                macs=known_sum(same, "own_macs"),
                flops=known_sum(same, "own_flops"),
            )
        )
    return COMPONENTS.filled(found)


def _depths(depth: int) -> Section:
    rows = (
        DepthRow(measure="blocks", value=depth, definition="blocks in a row"),
        DepthRow(measure="weighted layers", value=4 * depth + 1, definition="as in ResNet-50"),
        DepthRow(measure="nonlinear transformations", value=None, definition="longest path"),
    )
    return DEPTH.filled(rows)


def evil() -> Report:
    rows = [module("", "Net\x1b[2J")]
    rows += [module(name, "T<b>|\x1b[0m", 10 + i, 5) for i, name in enumerate(EVIL_NAMES)]
    notes = (Note(level="warning", text="see \x1b[31m<b>|`x`\n"),)
    return report("net \x1b]0;x\x07 <script>|\n" + "n" * 10_000, rows, notes=notes)


def partial() -> Report:
    rows = [
        module("", "Net"),
        module("conv", "Conv2d", 90, 900),
        module("odd", "Odd", 0, None),
        module("head", "Linear", 10, 100),
    ]
    note = Note(
        level="warning",
        text="1 operator is not counted: odd::op ×24; FLOPs are a lower bound",
        operator="odd::op",
        calls=24,
    )
    return report("partial", rows, notes=(note,), complete=False)


def frozen() -> Report:
    rows = [
        module("", "Net", 5, 7),
        module("backbone", "Linear", 0, 300, frozen=3_000),
        module("head", "Linear", 100, 100),
    ]
    return report("frozen backbone", rows, notes=(Note(level="info", text="counted on meta"),))


def shared() -> Report:
    """Every block uses the first one's weights (ALBERT); the head adds its own bias."""
    rows = [module("", "Albert"), module("emb", "Embedding", 640), module("layers", "ModuleList")]
    for i in range(6):
        rows.append(module(f"layers.{i}", "Layer"))
        for name, size in (("attn", 256), ("mlp", 512)):
            path = f"layers.{i}.{name}"
            first = f"layers.0.{name}"
            rows.append(
                module(path, "Linear", size, 4 * size)
                if i == 0
                else module(path, "Linear", 0, 4 * size, shared_with=first)
            )
    rows.append(module("head", "Linear", 40, 640, shared_with="emb"))
    return report("shared", rows)


def experts() -> Report:
    rows = [module("", "Moe"), module("layers", "ModuleList")]
    for i in range(4):
        rows += [
            module(f"layers.{i}", "Block"),
            module(f"layers.{i}.moe", "Experts", 0, 11),
            module(f"layers.{i}.moe.router", "Linear", 8 * 16, 128),
            module(f"layers.{i}.moe.experts", "ModuleList"),
        ]
        for j in range(8):
            path = f"layers.{i}.moe.experts.{j}"
            rows += [
                module(path, "Expert"),
                module(f"{path}.w1", "Linear", 10**17, 100),
                module(f"{path}.w2", "Linear", 10**17, 100),
            ]
    return report("experts", rows, active=16 * 10**17 + 512)


def cycle() -> Report:
    """Dilations 1, 2, 4 taken in turn: blocks 0, 3, 6, ... are alike, neighbours are not."""
    rows = [module("", "Tcn")]
    for i in range(12):
        rows += [
            module(f"net.{i}", "Block"),
            module(f"net.{i}.conv", "Conv1d", 48, 480, out=(1, 16, 64 - 2 ** (i % 3))),
            module(f"net.{i}.relu", "ReLU"),
        ]
    return report("cycle", rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """A row that `params` knows nothing of: nothing in it adds up."""

    layer: str = column("Layer", kind="path")
    kernel: tuple[int, ...] = column("Kernel", kind="shape")
    jump: int = column("Jump", kind="count")
    coverage: float | None = column("Coverage", kind="ratio")
    memory: int = column("Memory", kind="bytes", drop=1)
    exact: bool = column("Exact", drop=2)


def window() -> Report:
    rows = (
        WindowRow(layer="net.conv1", kernel=(3, 3), jump=1, coverage=1.0, memory=1023, exact=True),
        WindowRow(
            layer="net.conv2", kernel=(3, 3), jump=1, coverage=0.9999, memory=2**20, exact=True
        ),
        WindowRow(layer="net.conv3", kernel=(), jump=2, coverage=None, memory=2**40, exact=False),
    )
    return Report(
        command="rf",
        title="windows",
        config={},
        environment=MACHINE,
        sections=(Section(analysis="windows", name="layers", row_type=WindowRow, rows=rows),),
    )


def failed() -> Report:
    """The forward raised in `head`: what came before it is known."""
    rows = [
        module("", "Net", 0, None),
        module("body", "Sequential"),
        module("body.0", "Linear", 20, 100),
        module("body.1", "ReLU"),
        module("head", "Linear", 10, None, out=None),
    ]
    found = report("failed", rows, complete=False)
    section = found.sections[0]
    totals = replace(section.totals, macs=None, flops=None)
    return replace(found, sections=(replace(section, totals=totals),))


def unrun() -> Report:
    """Only parameters were asked for."""
    rows = [module("", "Net", 0, None, out=None), module("head", "Linear", 10, None, out=None)]
    found = report("unrun", rows)
    section = found.sections[0]
    totals = replace(section.totals, macs=None, flops=None)
    return replace(found, convention=None, sections=(replace(section, totals=totals),))


def nothing() -> Report:
    return report("nothing", [])


SAMPLES: dict[str, Callable[[], Report]] = {
    "gpt2": gpt2,
    "evil": evil,
    "partial": partial,
    "frozen": frozen,
    "shared": shared,
    "experts": experts,
    "cycle": cycle,
    "window": window,
    "failed": failed,
    "unrun": unrun,
    "nothing": nothing,
    "audit": audit,
    "measured": measured,
}


@cache
def made(name: str) -> Report:
    """Return a sample, which nobody can change, made once."""
    return SAMPLES[name]()


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Report]:
    """Return a sample by its name."""
    return made


@pytest.fixture
def build() -> Callable[..., Report]:
    """Return what makes a report of rows."""
    return report


@pytest.fixture
def row() -> Callable[..., ModuleRow]:
    """Return what makes a row of what a module does itself."""
    return module


@pytest.fixture(params=sorted(SAMPLES))
def each(request: pytest.FixtureRequest) -> Report:
    """Every sample in turn."""
    return made(request.param)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name, or write it anew under `--overwrite`."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--overwrite"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
