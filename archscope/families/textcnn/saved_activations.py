"""What a training step keeps of a TextCNN, in symbols. No torch.

Symbols: b texts, s words of each, d width of the words, m filters of a width, t positions of one.
"""

from __future__ import annotations

from archscope.families.textcnn.spec import TextCnnSpec, tables
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: TextCnnSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the embeddings, the filters and the classifier keep for the backward."""
    symbols = {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "d": spec.d_model,
        "m": spec.maps,
        "w": len(spec.windows),
    }
    tape = Tape(symbols, way)
    with tape.part(""):
        words = tape.value("words", "b*s", type="int64", holds="input")
        channels = []
        for number, is_tuned in enumerate(tables(spec)):
            if is_tuned:
                tape.keep(f"embeddings.{number}", words)
            channels.append(tape.value(f"embeddings.{number}", "b*s*d", needs=is_tuned))
        for number, taps in enumerate(spec.windows):
            tape.keep(f"convs.{number}", *channels)
            tape.symbols = {**symbols, "t": spec.seq_len - taps + 1}
            filtered = tape.activation("", "relu", tape.value("filtered", "b*m*t"))
            tape.keep("pool", filtered, tape.value("largest", "b*m"))
        tape.symbols = symbols
        joined = tape.value("largest of all", "b*m*w")
        tape.new("dropout", "mask of dropout", "b*m*w", type="byte")
        tape.keep("fc", tape.like(joined, "dropout"))
    return tape.saved(reruns=False)
