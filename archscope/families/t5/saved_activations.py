"""What a training step keeps of a T5 or Switch network, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: t positions of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_products
from archscope.blocks.plan import Numbered, lists
from archscope.blocks.saved_activations import Positions, sequence
from archscope.families.t5.spec import SPARSE, T5Spec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "rmsnorm"


def saved_activations(spec: T5Spec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the table, both stacks and the head keep for the backward."""
    tape = Tape(_symbols(spec), way)
    stacks = lists(blocks(spec))
    memory = _stack(tape, spec, "encoder", stacks["encoder.blocks"], "s")
    x = _stack(tape, spec, "decoder", stacks["decoder.blocks"], "t", memory)
    with tape.part("lm_head"):
        tape.keep("lm_head", tape.like(x, "scaled features"))
    return tape.saved()


def _symbols(spec: T5Spec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "t": spec.target_len,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.head_dim,
        "f": spec.d_ff,
        "E": spec.experts,
    }


def _stack(
    tape: Tape,
    spec: T5Spec,
    path: str,
    plan: Sequence[Numbered],
    positions: str,
    *memory: Value,
) -> Value:
    with tape.part(path):
        tape.new("tok_emb", "tokens", f"b*{positions}", type="int64", holds="input")
        x = tape.dropout("tok_emb", sequence(tape, "tok_emb", positions))
    is_block = spec.depth == 1  # a stack of one block is a block itself: there are two
    again = False if is_block else None
    with tape.counted(path, x, *memory, among=is_block):
        return _run(tape, spec, path, plan, positions, x, *memory, again=again)


def _run(
    tape: Tape,
    spec: T5Spec,
    path: str,
    plan: Sequence[Numbered],
    positions: str,
    x: Value,
    *memory: Value,
    again: bool | None,
) -> Value:
    """Return what the blocks and the last norm of a stack make of embedded tokens."""
    with tape.part(path):
        distances = f"2*{positions} - 1"
        tape.new(f"{path}.bias", "buckets", distances, type="int64", minor=True)
        if memory:
            tape.new(f"{path}.bias", "mask of later keys", distances, type="byte", minor=True)
        # A column more than there are distances, of which keys are a view.
        form = f"h*{positions}*2*{positions}"
        bias = tape.value(f"{path}.bias", form, division="tensor", axis="h")
    for block in plan:
        run = partial(_block, tape, spec, block, positions)
        kind = (block.kind, block.repeatable, path)
        x = tape.block(block.path, kind, run, x, bias, *memory, again=again)
    with tape.part(f"{path}.norm"):
        return tape.norm(f"{path}.norm", NORM, x, f"b*{positions}")


def _block(
    tape: Tape,
    spec: T5Spec,
    block: Numbered,
    positions: str,
    x: Value,
    bias: Value,
    *memory: Value,
) -> Value:
    rows = f"b*{positions}"
    y = tape.norm("ln_1", NORM, x, rows)
    x = tape.add(x, _attention(tape, "attn", y, y, positions, positions, bias))
    if memory:
        y = tape.norm("ln_cross", NORM, x, rows)
        x = tape.add(x, _attention(tape, "cross", y, memory[0], positions, "s", None))
    y = tape.norm("ln_2", NORM, x, rows)
    if block.kind == SPARSE:
        return tape.add(x, _switch(tape, spec, y, positions))
    kind = spec.activation
    return tape.add(
        x, blocks_saved.feed_forward(tape, "mlp", y, activation=kind, positions=positions)
    )


def _attention(
    tape: Tape, at: str, x: Value, source: Value, asks: str, asked: str, bias: Value | None
) -> Value:
    where = Positions(queries=asks, keys=asked)
    core = partial(
        saved_products.scaled, where=where, mask=bias, keys="h", side_by_side=bias is not None
    )
    return saved_attention.attention(tape, at, x, source, core, where=where, fused=False, keys="h")


def _switch(tape: Tape, spec: T5Spec, x: Value, positions: str) -> Value:
    """Return what the best expert of each token answers (Fedus et al. 2022, equation 2)."""
    rows = f"b*{positions}"
    tape.keep("mlp.router", x)
    tape.new("mlp", "scores of experts", f"{rows}*E")
    tape.new("mlp", "chosen experts", rows, type="int64")
    answer = blocks_saved.experts(tape, "mlp.experts", activation=spec.activation, rows=rows)
    tape.multiply("mlp", answer, tape.value("weights of experts", rows))
    return tape.dropout("mlp", sequence(tape, "mlp", positions))
