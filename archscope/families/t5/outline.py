"""What a T5 looks at along its source and its target."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline, encoder_decoder
from archscope.blocks.plan import lists
from archscope.families.t5.spec import T5Spec, blocks
from archscope.theory.outline import Outline


def outline(spec: T5Spec) -> Outline:
    """Return what a target token sees of the target, and all tokens of the source."""
    plan = lists(blocks(spec))
    encoder, decoder = plan["encoder.blocks"], plan["decoder.blocks"]
    return encoder_decoder(
        attention_outline(encoder, causal=False, tokens=spec.seq_len),
        attention_outline(decoder, causal=True, tokens=spec.target_len),
        (f"{block.path}.cross" for block in decoder),
    )
