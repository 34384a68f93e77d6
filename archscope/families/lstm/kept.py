"""What a training step keeps of an LSTM: why it has no closed form. No torch."""

from __future__ import annotations

from archscope.blocks.kept import RECURRENT
from archscope.families.lstm.spec import LstmSpec
from archscope.theory.keeping import Tape
from archscope.theory.kept import Kept, Way


def kept(spec: LstmSpec, way: Way = Way()) -> Kept:  # noqa: B008
    """Return that it is unknown: what kernels of all steps at once keep, no source tells."""
    tape = Tape({}, way)
    with tape.part("lstm"):
        tape.unknown(RECURRENT)
    return tape.kept()
