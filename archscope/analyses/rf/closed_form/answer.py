"""The closed form of an outline, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archscope.analyses.rf.answer import Answer
    from archscope.theory.outline import Outline


def closed_form(outline: Outline) -> Answer:
    """Return what one output of the network sees, away from borders."""
    answer = _of_one_input(outline)
    if outline.source is None:
        return answer
    from archscope.analyses.rf.closed_form.source import with_source

    return with_source(answer, outline, closed_form(outline.source.outline))


def _of_one_input(outline: Outline) -> Answer:
    # Each kind of outline has its own file, and a command waits for no other to be imported.
    if outline.attention:
        from archscope.analyses.rf.closed_form.attention import attention_answer

        return attention_answer(outline)
    if outline.branches:
        from archscope.analyses.rf.closed_form.branches import branches_answer

        return branches_answer(outline)
    if any(layer.upsamples for layer in outline.layers):
        from archscope.analyses.rf.closed_form.upsampling import upsampling_answer

        return upsampling_answer(outline)
    if outline.skips:
        from archscope.analyses.rf.closed_form.residual import residual_answer

        return residual_answer(outline)
    from archscope.analyses.rf.closed_form.stack import stack_answer

    return stack_answer(outline)
