"""What decoding with a Transformer keeps, block by block, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import archscope.families.transformer.kinds as kinds
from archscope.errors import UsageError
from archscope.families.transformer.census import census, decoded
from archscope.families.transformer.spec import BlockPlan, TransformerSpec, blocks
from archscope.theory.cache import (
    Cache,
    LayerCache,
    in_turn,
    keys_and_values,
    without_products,
)
from archscope.theory.census import Counted


def cache(spec: TransformerSpec) -> Cache:
    """Return what is kept; raises `UsageError` where a position sees later ones."""
    if not spec.sees_only_past:
        raise UsageError(
            f"it does not decode: it is {_article(spec)}, in which every position sees later "
            "ones too; there is no cache from token to token"
        )
    rows = getattr(spec.positions, "max_positions", None)
    if isinstance(spec.positions, kinds.Learned) and rows is None:
        rows = spec.target_length
    return Cache(
        layers=in_turn([kept for block in _decoding(spec) for kept in _kept(spec, block)]),
        context=spec.target_length,
        batch=spec.batch_size,
        step=lambda batch: tuple(without_products(_step(spec, batch))),
        of_length=lambda length: _of_length(spec, length),
        most=rows,
        unit="tokens" if spec.vocab_size else "positions",
    )


def _of_length(spec: TransformerSpec, length: int) -> TransformerSpec:
    if isinstance(spec.arch, kinds.EncoderDecoder):
        return replace(spec, arch=replace(spec.arch, target_len=length))
    return replace(spec, seq_len=length)


def _article(spec: TransformerSpec) -> str:
    return "an encoder" if isinstance(spec.arch, kinds.Encoder) else "a decoder without a mask"


def _decoding(spec: TransformerSpec) -> Iterator[BlockPlan]:
    """Yield the blocks that run in a step."""
    return (block for block in blocks(spec) if block.cross or not spec.has_two_stacks)


def _step(spec: TransformerSpec, batch: int) -> tuple[Counted, ...]:
    """Return the layers that one token of each of so many sequences runs through."""
    one = replace(spec, seq_len=1, batch_size=batch)
    if not spec.has_two_stacks:
        return census(one).layers
    return tuple(decoded(one, tokens=1, memory=0))


def _kept(spec: TransformerSpec, block: BlockPlan) -> Iterator[LayerCache]:
    match block.mixer:
        case kinds.DilatedConv() as mixer:
            yield _convolution(spec, block, mixer)
        case kinds.StateSpace() as mixer:
            yield _state_space(spec, block, mixer)
        case kinds.DualStateSpace() as mixer:
            yield _dual_state_space(spec, block, mixer)
        case kinds.GatedDelta() as mixer:
            yield _gated_delta(block, mixer)
        case kinds.LightningAttention():
            yield _lightning(spec, block)
        case kinds.LinearAttention():
            yield _linear(spec, block)
        case _:
            yield _attention(spec, block)
    if block.cross:
        yield keys_and_values(
            f"{block.path}.cross",
            heads=spec.key_heads,
            asking=spec.heads,
            key=spec.head_width,
            kind="cross attention",
            source=spec.seq_len,
            reference="Vaswani et al. 2017, section 3.2.3",
        )


def _attention(spec: TransformerSpec, block: BlockPlan) -> LayerCache:
    """Return keys and values of all positions, or of those that a later query may still meet.

    Windows that leave out positions between their keys need those for the queries to come.
    """
    plain = keys_and_values(
        f"{block.path}.attn", heads=spec.key_heads, asking=spec.heads, key=spec.head_width
    )
    if block.chunk is not None:
        return replace(plain, kind="chunk", chunk=block.chunk, reference="Meta 2025, Llama 4")
    if block.window is None:
        return plain
    if spec.window_step == 1:
        source = "Beltagy et al. 2020, section 3.1"
        return replace(plain, kind="window", last=block.window, reference=source)
    reach = (block.window - 1) * spec.window_step + 1
    symbols = {**plain.symbols, "w": block.window, "r": reach}
    # All in reach are kept, and of these one in so many is met.
    return replace(
        plain,
        kind="dilated window",
        last=reach,
        symbols=symbols,
        macs="",
        state_macs="2*h*d*w",
        reference="Beltagy et al. 2020, section 3.1",
    )


def _convolution(spec: TransformerSpec, block: BlockPlan, mixer: kinds.DilatedConv) -> LayerCache:
    (taps,), (dilation,) = mixer.kernel_size, mixer.dilations
    symbols = {"t": taps, "g": dilation, "c": spec.d_model}
    return LayerCache(
        path=f"{block.path}.mixer",
        kind="convolution",
        columns="(t - 1)*g*c",
        symbols=symbols,
        reference="Paine et al. 2016, section 2",
    )


def _state_space(spec: TransformerSpec, block: BlockPlan, mixer: kinds.StateSpace) -> LayerCache:
    inner = mixer.expansion * spec.d_model
    return LayerCache(
        path=f"{block.path}.mixer",
        kind="state space",
        state="i*n",
        columns="(t - 1)*i",
        symbols={"i": inner, "n": mixer.state_size, "t": mixer.state_kernel},
        state_macs="i*n",
        reference="Gu & Dao 2023, section 3.3",
    )


def _linear(spec: TransformerSpec, block: BlockPlan) -> LayerCache:
    """Return the sums of keys times values and of keys (equations 18 and 19)."""
    return LayerCache(
        path=f"{block.path}.attn",
        kind="linear attention",
        state="k*d*d + k*d",
        symbols={"k": spec.key_heads, "d": spec.head_width, "h": spec.heads},
        heads=spec.key_heads,
        state_macs="k*d*d + h*d*(d + 1)",
        reference="Katharopoulos et al. 2020, equations 16 to 20",
    )


def _gated_delta(block: BlockPlan, mixer: kinds.GatedDelta) -> LayerCache:
    """Return a matrix of each value head, which a step reads, erases from and writes to."""
    return LayerCache(
        path=f"{block.path}.mixer",
        kind="linear attention",
        state="h*d*e",
        columns="(t - 1)*c",
        symbols={
            "h": mixer.delta_heads,
            "d": mixer.delta_key_dim,
            "e": mixer.delta_value_dim,
            "t": mixer.delta_kernel,
            "c": mixer.conv_width,
        },
        heads=mixer.delta_heads,
        state_macs="3*h*d*e",
        reference="Yang et al. 2024, Gated Delta Networks, equation 10",
    )


def _lightning(spec: TransformerSpec, block: BlockPlan) -> LayerCache:
    """Return a matrix of each head, which a step writes to and reads."""
    return LayerCache(
        path=f"{block.path}.mixer",
        kind="linear attention",
        state="h*d*d",
        symbols={"h": spec.heads, "d": spec.head_width},
        heads=spec.heads,
        state_macs="2*h*d*d",
        reference="Qin et al. 2024, Lightning Attention-2, equation 5",
    )


def _dual_state_space(
    spec: TransformerSpec, block: BlockPlan, mixer: kinds.DualStateSpace
) -> LayerCache:
    """Return a state of each head; the convolution reads what writes and reads it too."""
    width = mixer.state_head_dim
    heads = mixer.expansion * spec.d_model // width
    return LayerCache(
        path=f"{block.path}.mixer",
        kind="state space",
        state="h*p*n",
        columns="(t - 1)*(h*p + 2*g*n)",
        symbols={
            "h": heads,
            "p": width,
            "n": mixer.state_size,
            "g": mixer.state_groups,
            "t": mixer.state_kernel,
        },
        heads=heads,
        state_macs="2*h*p*n",
        reference="Dao & Gu 2024, section 7",
    )
