"""The layers of a Mamba or Mamba-2 in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import convolution, embedding, linear, norm, state_space
from archscope.families.mamba.spec import MambaSpec
from archscope.theory.census import STATE_SPACE, Census, Counted, repeated
from archscope.theory.mixing_counts import dual_scan


def census(spec: MambaSpec) -> Census:
    """Return what is counted of the table, the blocks and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: MambaSpec) -> Iterator[Counted]:
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    yield embedding(rows, spec.vocab_size, width)
    yield from repeated(_block(spec, rows), times=spec.depth, copies=spec.depth)
    yield norm(rows, width, bias=False)
    yield linear(rows, width, spec.vocab_size, bias=False, tied=spec.tied)


def _block(spec: MambaSpec, rows: int) -> Iterator[Counted]:
    yield norm(rows, spec.d_model, bias=False)
    if spec.version == "v2":
        yield from _dual(spec, rows)
        return
    yield from state_space(
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


def _dual(spec: MambaSpec, rows: int) -> Iterator[Counted]:
    """Yield the block of Mamba-2, which makes all that the scan takes at once."""
    inner, heads, mixed = spec.inner, spec.inner // spec.head_width, spec.inner + 2 * spec.state
    yield linear(rows, spec.d_model, inner + mixed + heads, bias=spec.bias)
    taps = (spec.kernel_size,)
    yield convolution(rows, mixed, mixed, taps, groups=mixed, bias=spec.conv_bias)
    form = dual_scan(
        batch=spec.batch_size,
        length=spec.seq_len,
        heads=heads,
        width=spec.head_width,
        state=spec.state,
        chunk=spec.chunk,
    )
    yield Counted(kind=STATE_SPACE, form=form, outputs=rows * inner)
    yield norm(rows, inner, bias=False)
    yield linear(rows, inner, spec.d_model, bias=spec.bias)
