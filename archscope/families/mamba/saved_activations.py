"""What a training step keeps of a Mamba network, in symbols. No torch."""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_mixers
from archscope.blocks.saved_activations import sequence
from archscope.families.mamba.spec import MambaSpec, blocks
from archscope.theory import mixing_counts
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "rmsnorm"


def saved_activations(spec: MambaSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what embeddings, blocks, norm and head keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        tape.new("tok_emb", "tokens", "b*s", type="int64", holds="input")
        x = tape.dropout("tok_emb", sequence(tape, "tok_emb"))
    for block in blocks(spec):
        x = tape.block(block.path, "", partial(_block, tape, spec), x)
    with tape.part("norm"):
        tape.keep("lm_head", tape.norm("norm", NORM, x, "b*s"))
    return tape.saved()


def _symbols(spec: MambaSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "d": spec.d_model,
        "i": spec.expansion * spec.d_model,
        "z": spec.state,
        "a": spec.step_rank or mixing_counts.rank_of_steps(spec.d_model),
        "p": spec.kernel_size - 1,
    }


def _block(tape: Tape, spec: MambaSpec, x: Value) -> Value:
    y = tape.norm("norm", NORM, x, "b*s")
    if spec.version == "v2":
        made = saved_mixers.dual_state_space(
            tape,
            "mixer",
            y,
            inner=spec.expansion * spec.d_model,
            head_dim=spec.head_width,
            state=spec.state,
            chunk=spec.chunk,
            taps=spec.kernel_size,
        )
        return tape.add(x, made)
    made = saved_mixers.state_space(
        tape, "mixer", y, causal=True, normed=NORM if spec.inner_norm else ""
    )
    return tape.add(x, made)
