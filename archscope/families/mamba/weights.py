"""The weights of a Mamba or Mamba-2 in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counted, divided
from archscope.families.mamba.spec import MambaSpec
from archscope.theory.census import STATE_SPACE, Counted
from archscope.theory.mixing_counts import dual_scan
from archscope.theory.stages import Division, Layer, Part, Stages

_TABLE = "table of tokens"


def weights(spec: MambaSpec) -> Stages:
    """Return the table, the blocks, the last norm and the scores."""
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    table = divided.embedding(_TABLE, rows, spec.vocab_size, width, weight=_TABLE)
    layers = tuple(_block(spec, rows))
    block = Part(path="blocks.0", layers=layers, block=True, out=rows * width)
    tied = _TABLE if spec.tied else ""
    last = (
        divided.norm("last norm", rows, width, bias=False),
        *divided.scores("scores", rows, width, spec.vocab_size, weight=tied),
    )
    return Stages(
        parts=(
            Part(path="embeddings", layers=(table,), out=rows * width),
            *[block] * spec.depth,
            Part(path="head", layers=last),
        ),
        samples=spec.batch_size,
        tokens=rows,
    )


def _block(spec: MambaSpec, rows: int) -> Iterator[Layer]:
    yield divided.norm("norm", rows, spec.d_model, bias=False)
    if spec.version == "v2":
        yield from _dual(spec, rows)
        return
    yield from divided.state_space(
        rows,
        spec.d_model,
        state=spec.state,
        taps=spec.kernel_size,
        expand=spec.expansion,
        causal=True,
        bias=spec.bias,
        conv_bias=spec.conv_bias,
        rank=spec.step_rank,
        normed=spec.inner_norm,
    )


def _dual(spec: MambaSpec, rows: int) -> Iterator[Layer]:
    """Yield the block of Mamba-2, dealt out by heads; each card makes the state that all read.

    Dao & Gu 2024, section 8.1; the norm before the last projection is each card's own.
    """
    inner, heads, shared = spec.inner, spec.inner // spec.head_width, 2 * spec.state
    mixed, bias = inner + shared, spec.bias
    made = counted.linear(rows, spec.d_model, inner + mixed + heads, bias=bias)
    whole = shared * (spec.d_model + bias)
    by_head = Division(by="columns", units=heads, whole=whole, reads="mixer")
    yield Layer(name="in", counted=made, division=by_head, tensors=1 + bias)
    taps = (spec.kernel_size,)
    conv = counted.convolution(rows, mixed, mixed, taps, groups=mixed, bias=spec.conv_bias)
    kept = shared * (spec.kernel_size + spec.conv_bias)
    by_channel = Division(by="channels", units=heads, whole=kept)
    yield Layer(name="convolution", counted=conv, division=by_channel, tensors=1 + spec.conv_bias)
    form = dual_scan(
        batch=spec.batch_size,
        length=spec.seq_len,
        heads=heads,
        width=spec.head_width,
        state=spec.state,
        chunk=spec.chunk,
    )
    scan = Counted(kind=STATE_SPACE, form=form, outputs=rows * inner)
    yield Layer(name="scan", counted=scan, division=Division(by="channels", units=heads), tensors=3)
    norm = counted.norm(rows, inner, bias=False)
    yield Layer(name="inner norm", counted=norm, division=Division(by="channels", units=heads))
    yield divided.rows("out", rows, inner, spec.d_model, bias=bias, units=heads)
