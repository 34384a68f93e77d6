"""The first road: what an outline says of its network, in closed form and without torch."""

from __future__ import annotations

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.attention import attention_answer
from archscope.analyses.rf.branches import branches_answer
from archscope.analyses.rf.stack import stack_answer
from archscope.analyses.rf.upsampling import upsampling_answer
from archscope.theory.outline import Outline


def closed_form(outline: Outline) -> Answer:
    """Return what one output of the network sees, away from borders."""
    if outline.attention:
        return attention_answer(outline)
    if outline.branches:
        return branches_answer(outline)
    if any(layer.upsamples for layer in outline.layers):
        return upsampling_answer(outline)
    return stack_answer(outline)
