"""What a T5 looks at along its target."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline, source_remark
from archscope.blocks.plan import lists
from archscope.families.t5.spec import T5Spec, blocks
from archscope.theory.outline import Outline


def outline(spec: T5Spec) -> Outline:
    """Return what a target token sees of the target."""
    remarks = (source_remark(spec.seq_len),)
    decoder = lists(blocks(spec))["decoder.blocks"]
    return attention_outline(decoder, causal=True, tokens=spec.target_len, remarks=remarks)
