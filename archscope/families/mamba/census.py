"""The layers of a Mamba or Mamba-2 in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import dual_state_space, embedding, linear, norm, state_space
from archscope.families.mamba.spec import MambaSpec
from archscope.theory.census import Census, Counted, repeated


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
        yield from dual_state_space(
            spec.batch_size,
            spec.seq_len,
            spec.d_model,
            state=spec.state,
            taps=spec.kernel_size,
            expand=spec.expansion,
            head_dim=spec.head_width,
            groups=1,
            chunk=spec.chunk,
            bias=spec.bias,
            conv_bias=spec.conv_bias,
        )
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
        normed="weightless" if spec.inner_norm else "none",
    )
