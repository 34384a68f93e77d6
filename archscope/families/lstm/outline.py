"""What an LSTM language model looks at: all that came before."""

from __future__ import annotations

from archscope.families.lstm.spec import LstmSpec
from archscope.theory.outline import Attention, Outline


def outline(spec: LstmSpec) -> Outline:
    """Return what the network looks at: all before, as attention to the past does."""
    return Outline(
        axes=1,
        attention=(Attention(name="lstm", causal=True),),
        input_size=spec.seq_len,
        noun="token",
        remarks=(
            "it is a recurrence, shown as attention to the past: what is seen of an earlier token "
            "has come through all tokens between",
        ),
    )
