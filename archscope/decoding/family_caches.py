"""What the blocks of archscope's own families would keep for the next position.

Each look takes the calls that are open where a module of its kind has just returned, and what that
returned, and tells what tensors of theirs a next position reads. It knows no spec and no formula:
keys and values, states and inputs are there with their shapes, and are cut to what can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct, WindowDotProduct
from archscope.blocks.attention_in_chunks import ChunkDotProduct
from archscope.blocks.block import DilatedMixer
from archscope.blocks.chunked_attention import Chunks, HashedAttention, LocalAttention
from archscope.blocks.delta_rule import GatedDeltaNet, GatedDeltaRule
from archscope.blocks.dilated import CausalConv1d, WeightNormCausalConv1d
from archscope.blocks.latent_attention import LatentAttention
from archscope.blocks.lightning_attention import FadingProduct, LightningAttention
from archscope.blocks.linear_attention import LinearDotProduct
from archscope.blocks.masked_attention import MaskedDotProduct
from archscope.blocks.relative_attention import RelativeDotProduct
from archscope.blocks.relative_positions import BiasedDotProduct
from archscope.blocks.state_space import (
    ScannedConvolution,
    SelectiveScan,
    StateSpaceMixer,
)
from archscope.blocks.state_space_dual import DualScan, DualStateSpaceMixer
from archscope.decoding.calls import Call, elements, last, within
from archscope.records import frozen


@frozen
class Kept:
    """What one module would keep of one sequence."""

    path: str
    """The module."""
    elements: int
    """Of the tensors, for one sequence."""


Look = Callable[[Sequence[Call], Any], Iterator[Kept]]


def _attention(path: str, k: Tensor, v: Tensor, count: int | None = None) -> Kept:
    return Kept(path=path, elements=elements(last(k, count, 2), last(v, count, 2)))


def scaled(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """Keys and values of a decoder's own positions, or of what it reads."""
    call, attention = calls[-1], within(calls, Attention)
    assert isinstance(call.module, ScaledDotProduct)
    if within(calls, LatentAttention) is not None or attention is None:
        return
    reads = attention.argument(1, "memory") is not None
    if reads or call.module.causal:
        yield _attention(attention.path, call.args[1], call.args[2])


def windowed(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The keys and values that the next query may reach, and those between them."""
    call, attention = calls[-1], within(calls, Attention)
    module = call.module
    assert isinstance(module, WindowDotProduct)
    if module.causal and attention is not None:
        yield _attention(attention.path, call.args[1], call.args[2], module.past + 1)


def masked(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The same, where the mask alone leaves keys out."""
    call, attention = calls[-1], within(calls, Attention)
    module = call.module
    assert isinstance(module, MaskedDotProduct)
    if module.future == 0 and attention is not None:
        count = None if module.past is None else module.past + 1
        yield _attention(attention.path, call.args[1], call.args[2], count)


def in_chunks(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The keys and values of the last position's chunk."""
    call, attention = calls[-1], within(calls, Attention)
    assert isinstance(call.module, ChunkDotProduct)
    if attention is not None:
        *_, k = call.args[1].split(call.module.chunk, 2)
        *_, v = call.args[2].split(call.module.chunk, 2)
        yield _attention(attention.path, k, v)


def biased(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """T5's: its decoder's blocks attend to the source too."""
    call, around, block = calls[-1], calls[-2], calls[-3]
    if getattr(block.module, "cross", None) is not None:
        yield _attention(around.path, call.args[1], call.args[2])


def linear(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The sum of all keys times values, and that of the keys."""
    call, attention = calls[-1], within(calls, Attention)
    assert isinstance(call.module, LinearDotProduct)
    if not call.module.causal or attention is None:
        return
    k, v = call.args[1], call.args[2]
    met = k.transpose(-1, -2) @ v  # (B, K, d, e)
    yield Kept(path=attention.path, elements=elements(met, k.sum(-2)))


def latent(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """What keys and values are made of: the output of the projection down."""
    around = calls[-2].module if len(calls) > 1 else None
    if isinstance(around, LatentAttention) and calls[-1].module is around.kv_down:
        yield Kept(path=calls[-2].path, elements=elements(output))


def scanned(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """A state of each feature: what one position writes times what it brings."""
    call, mixer = calls[-1], within(calls, StateSpaceMixer)
    if mixer is None or getattr(mixer.module, "ssm_back", None) is not None:
        return
    x, write = call.args[0], call.args[2]  # (B, S, E), (B, S, N)
    yield Kept(path=mixer.path, elements=elements(x[:, -1, :, None] * write[:, -1, None]))


def scanned_dually(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The same of each head."""
    call, mixer = calls[-1], within(calls, DualStateSpaceMixer)
    assert mixer is not None
    x, write = call.args[0], call.args[2]  # (B, S, H, P), (B, S, G, N)
    x = x[:, -1].unflatten(1, (write.shape[2], -1))  # (B, G, R, P)
    state = x[..., None] * write[:, -1, :, None, None]  # (B, G, R, P, N)
    yield Kept(path=mixer.path, elements=elements(state))


def erased(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """A gated delta net's: what a key finds of a value, of each head of values."""
    call, mixer = calls[-1], within(calls, GatedDeltaNet)
    assert mixer is not None
    k, v = call.args[1], call.args[2]  # (B, K, S, d), (B, H, S, e)
    v = v.unflatten(1, (k.shape[1], -1))[..., -1, :]  # (B, K, H / K, e)
    yield Kept(path=mixer.path, elements=elements(v[..., None] * k[:, :, None, -1, None]))


def faded(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """Lightning attention's: the sum of all keys times values, older ones fainter."""
    call, mixer = calls[-1], within(calls, LightningAttention)
    assert mixer is not None
    k, v = call.args[1], call.args[2]  # 2 x (B, H, S, d)
    yield Kept(path=mixer.path, elements=elements(k.transpose(-1, -2) @ v))


def convolved(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """What the taps of a causal convolution will read again: the end of its padded input."""
    if len(calls) < 2:
        return
    around, call = calls[-2:]
    module, past = around.module, call.args[0].shape[2] - output.shape[2]
    match module:
        case ScannedConvolution():
            owner = within(calls, StateSpaceMixer)
            if owner is None or getattr(owner.module, "ssm_back", None) is not None:
                return
            path = owner.path
        case DilatedMixer() if module.pads[1]:
            return
        case DualStateSpaceMixer() | GatedDeltaNet() | CausalConv1d() | DilatedMixer():
            path = around.path
        case _:
            return
    yield Kept(path=path, elements=elements(last(call.args[0], past, 2)))


def weight_normalised(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The same, where the convolution is a function."""
    call = calls[-1]
    assert isinstance(call.module, WeightNormCausalConv1d)
    padded = F.pad(call.args[0], (call.module.past, 0))
    yield Kept(path=call.path, elements=elements(last(padded, call.module.past, 2)))


def local(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The keys and values of the last position's chunk and of the one before."""
    call, around = calls[-1], calls[-2]
    if not isinstance(around.module, LocalAttention):
        return
    assert isinstance(call.module, Chunks)
    length = calls[0].args[0].shape[1]  # without padding to whole chunks
    own = (length - 1) - (length - 1) % call.module.size  # where the last one's chunk begins
    count = length - max(0, own - call.module.size)
    k, v = (part.narrow(2, 0, length) for part in call.args[1:3])
    yield _attention(around.path, k, v, count)


def hashed(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """Queries, which are the keys, and values: any may share a bucket with a later one."""
    around = calls[-2].module if len(calls) > 1 else None
    if isinstance(around, HashedAttention) and calls[-1].module in (around.qk, around.v):
        length = calls[0].args[0].shape[1]
        yield Kept(path=calls[-2].path, elements=elements(output.narrow(1, 0, length)))


def projected(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """What a linear layer makes that is kept."""
    yield from latent(calls, output)
    yield from hashed(calls, output)


def remembered(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """Transformer-XL's: the last of what a block read, as many as its memory has.

    Without a mask positions see later ones, as XLNet's: nothing of that is kept.
    """
    call, around = calls[-1], calls[-2]
    if call.argument(4, "hidden") is None:
        return
    x, memory = around.args[0], around.argument(1, "memory")
    count = None if memory is None else memory.shape[2]
    yield Kept(path=around.path, elements=elements(last(x, count, 1)))


def recurrent(calls: Sequence[Call], output: Any) -> Iterator[Kept]:
    """The states that a recurrent layer returns."""
    states = output[1] if isinstance(output[1], tuple) else (output[1],)
    held = sum(state.numel() // state.shape[-2] for state in states)  # (layers, B, H)
    yield Kept(path=calls[-1].path, elements=held)


def looks() -> dict[type[nn.Module], Look]:
    """Return what is looked at, by the kind of module."""
    return {
        ScaledDotProduct: scaled,
        WindowDotProduct: windowed,
        MaskedDotProduct: masked,
        ChunkDotProduct: in_chunks,
        BiasedDotProduct: biased,
        RelativeDotProduct: remembered,
        LinearDotProduct: linear,
        SelectiveScan: scanned,
        DualScan: scanned_dually,
        GatedDeltaRule: erased,
        FadingProduct: faded,
        nn.Conv1d: convolved,
        WeightNormCausalConv1d: weight_normalised,
        Chunks: local,
        nn.Linear: projected,
        nn.LSTM: recurrent,
        nn.GRU: recurrent,
        nn.RNN: recurrent,
    }
