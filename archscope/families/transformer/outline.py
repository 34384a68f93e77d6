"""What a Transformer looks at along its sequence: attention, windows or dilated convolutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import archscope.families.transformer.kinds as kinds
from archscope.blocks.attention_outline import encoder_decoder
from archscope.blocks.plan import lists
from archscope.families.transformer.spec import BlockPlan, TransformerSpec, blocks
from archscope.theory.layers import Layer, Padding, conv
from archscope.theory.outline import Attention, Outline, skips_a_hole

_BY_HEADS = kinds.SelfAttention | kinds.LinearAttention
"""What is `attn` in a block; all else is `mixer`."""


def outline(spec: TransformerSpec) -> Outline:
    """Return what one token sees; of an encoder-decoder, of the target and of the source."""
    stacks = lists(blocks(spec))
    if not spec.has_two_stacks:
        return _outline(spec, stacks["blocks"], spec.seq_len)
    return encoder_decoder(
        _outline(spec, stacks["encoder"], spec.seq_len),
        _outline(spec, stacks["decoder"], spec.target_length),
        (f"{block.path}.cross" for block in stacks["decoder"]),
    )


def _outline(spec: TransformerSpec, plan: Sequence[BlockPlan], tokens: int) -> Outline:
    """Return what a token sees of its own sequence.

    A window of W keys sees what a convolution of W taps sees: itself among them, so that L causal
    windows reach L (W - 1) + 1 tokens; with one block of full attention among them, all. Norms,
    feed-forwards and experts see one token at a time.
    """
    full = tuple(_attention(plan))
    stack = () if full else tuple(_layers(spec, plan))
    return Outline(
        axes=1,
        layers=stack,
        windowed=all(isinstance(block.mixer, kinds.SelfAttention) for block in plan) and not full,
        attention=full,
        input_size=tokens,
        noun="token",
        flag="" if full or spec.attends else "--dilations",
        skips=tuple((n, n) for n in range(len(stack))) if skips_a_hole(stack) else (),
        remarks=tuple(_remarks(spec, plan, full)),
    )


def _attention(plan: Sequence[BlockPlan]) -> Iterator[Attention]:
    """Yield the blocks whose attention has no window."""
    for block in plan:
        if not _sees_less(block):
            part = "attn" if isinstance(block.mixer, _BY_HEADS) else "mixer"
            yield Attention(name=f"{block.path}.{part}", causal=block.causal)


def _sees_less(block: BlockPlan) -> bool:
    """Return whether a block sees a few positions alone."""
    if isinstance(block.mixer, kinds.SelfAttention):
        return block.window is not None or block.chunk is not None
    return isinstance(block.mixer, kinds.DilatedConv)


def _layers(spec: TransformerSpec, plan: Sequence[BlockPlan]) -> Iterator[Layer]:
    for block in plan:
        padding: Padding = "causal" if block.causal else "same"
        match block.mixer:
            case kinds.DilatedConv(kernel_size=(taps,), dilations=(dilation,)):
                name = f"{block.path}.mixer"
                yield conv(taps, dilation=dilation, padding=padding, name=name)
            case _:
                step, name = spec.window_step, f"{block.path}.attn"
                yield conv(block.window or 1, dilation=step, padding=padding, name=name)


def _remarks(
    spec: TransformerSpec, plan: Sequence[BlockPlan], full: tuple[Attention, ...]
) -> Iterator[str]:
    others = [block for block in plan if _sees_less(block)]
    if full and others:
        less = _reach(spec, others)
        yield (
            f"{full[0].name} is the first that sees all; the blocks before it, and those between "
            f"the rows, see {less}"
        )
    if (spec.pooler or spec.classes) and spec.classify == "sequence":
        token = "last" if spec.sees_only_past else "first"
        yield f"the pooled output reads the {token} token alone"


def _reach(spec: TransformerSpec, blocks_: Sequence[BlockPlan]) -> str:
    """Return what blocks see that do not attend in full."""
    if not all(isinstance(block.mixer, kinds.SelfAttention) for block in blocks_):
        return "less"
    if isinstance(spec.attention, kinds.Chunk):
        return f"chunks of {spec.attention.chunk:,} tokens"
    return f"a window of {spec.window_keys:,} tokens"
