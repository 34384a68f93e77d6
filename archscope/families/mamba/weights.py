"""The weights of a Mamba or Mamba-2 in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import shards
from archscope.families.mamba.spec import MambaSpec
from archscope.theory.stages import Layer, Part, Stages

_TABLE = "table of tokens"


def weights(spec: MambaSpec) -> Stages:
    """Return the table, the blocks, the last norm and the scores."""
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    table = shards.embedding(_TABLE, rows, spec.vocab_size, width, weight=_TABLE)
    layers = tuple(_block(spec, rows))
    block = Part(path="blocks.0", layers=layers, block=True, out=rows * width)
    tied = _TABLE if spec.tied else ""
    last = (
        shards.norm("last norm", rows, width, bias=False),
        *shards.scores("scores", rows, width, spec.vocab_size, weight=tied),
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
    yield shards.norm("norm", rows, spec.d_model, bias=False)
    if spec.version == "v2":
        yield from shards.dual_state_space(
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
    yield from shards.state_space(
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
