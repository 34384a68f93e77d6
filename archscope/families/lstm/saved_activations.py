"""What a training step keeps of an LSTM: why it has no closed form. No torch."""

from __future__ import annotations

from archscope.blocks.saved_activations import RECURRENT
from archscope.families.lstm.spec import LstmSpec
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: LstmSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return that it is unknown: what kernels of all steps at once keep, no source tells."""
    tape = Tape({}, way)
    with tape.part("lstm"):
        tape.unknown(RECURRENT)
    return tape.saved()
