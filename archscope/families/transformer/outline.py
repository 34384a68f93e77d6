"""What a Transformer looks at along its sequence: attention, windows or dilated convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.attention_outline import source_remark
from archscope.families.transformer.spec import TransformerSpec
from archscope.theory.layers import Layer, Padding, conv
from archscope.theory.outline import Attention, Outline, skips_a_hole


def outline(spec: TransformerSpec) -> Outline:
    """Return what one token sees; of an encoder-decoder, what a target token sees of the target.

    A window of W keys sees what a convolution of W taps sees: itself among them, so that L causal
    windows reach L (W - 1) + 1 tokens; with one block of full attention among them, all. Norms,
    feed-forwards and experts see one token at a time.
    """
    both = spec.arch == "encoder-decoder"
    blocks = spec.decoder_blocks if both else spec.depth
    names = tuple(f"{'decoder' if both else 'blocks'}.{number}" for number in range(blocks))
    full = tuple(_attention(spec, names))
    stack = () if full else tuple(_layers(spec, names))
    return Outline(
        axes=1,
        layers=stack,
        windowed=spec.mixer == "attention",
        attention=full,
        input_size=spec.target_length if both else spec.seq_len,
        noun="token",
        flag="--dilations" if spec.mixer == "dilated-conv" else "",
        skips=tuple((n, n) for n in range(len(stack))) if skips_a_hole(stack) else (),
        remarks=tuple(_remarks(spec, full)),
    )


def _attention(spec: TransformerSpec, names: tuple[str, ...]) -> Iterator[Attention]:
    """Yield the blocks whose attention has no window."""
    for number, name in enumerate(names):
        if spec.mixer == "attention" and spec.window_of(number) is None:
            yield Attention(name=f"{name}.attn", causal=spec.sees_only_past)


def _layers(spec: TransformerSpec, names: tuple[str, ...]) -> Iterator[Layer]:
    padding: Padding = "causal" if spec.sees_only_past else "same"
    for number, name in enumerate(names):
        if spec.mixer == "dilated-conv":
            dilation = spec.dilation(number)
            yield conv(spec.taps, dilation=dilation, padding=padding, name=f"{name}.mixer")
        else:
            taps = spec.window_keys or 1
            yield conv(taps, dilation=spec.window_step, padding=padding, name=f"{name}.attn")


def _remarks(spec: TransformerSpec, full: tuple[Attention, ...]) -> Iterator[str]:
    if full and spec.window_keys is not None:
        yield (
            f"{full[0].name} is the first that sees all; the blocks before it, and those between "
            f"the rows, see a window of {spec.window_keys:,} tokens"
        )
    if spec.arch == "encoder-decoder":
        yield source_remark(spec.seq_len)
    if spec.pooler or spec.classes:
        token = "last" if spec.sees_only_past else "first"
        yield f"the pooled output reads the {token} token alone"
