"""What a training step keeps of a Reformer, in symbols. No torch.

Symbols of `blocks.saved_activations`: s positions after padding. a hashes, L positions in sorted
order, C positions in a chunk, W keys that each of them meets, u tokens of the feed-forward's chunks
that are copied.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.saved_activations import copied, heads, joined, sequence, strided
from archscope.families.reformer.spec import HASHED, ReformerSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"
BY_HEAD: dict[str, Any] = {"division": "tensor", "axis": "h"}


def saved_activations(spec: ReformerSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what tables, blocks, norm and scores keep for the backward.

    Reversible blocks are held to what autograd keeps of them: nothing is made again from answers.
    """
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        x = _embedded(tape, spec)
    first, second = x, x
    for block in blocks(spec):
        run = partial(_block, tape, spec, block.kind == HASHED)
        first, second = tape.block_of_several(block.path, block.kind, run, first, second)
    with tape.part("ln_f"):
        both = sequence(tape, "both halves", width="2*d")
        tape.keep("head", tape.norm("ln_f", NORM, both, "b*s"))
    return tape.saved()


def _symbols(spec: ReformerSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.padded_length,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.head_dim,
        "f": spec.d_ff,
        "a": spec.hashes,
    }


def _embedded(tape: Tape, spec: ReformerSpec) -> Value:
    padded = spec.padded_length > spec.seq_len
    tape.new("tok_emb", "tokens", "b*s", type="int64", holds="activation" if padded else "input")
    for axis in ("row", "column"):
        tape.new(f"pos_emb.{axis}", f"{axis} of each position", "s", type="int64", minor=True)
    return tape.dropout("tok_emb", sequence(tape, "tok_emb"))


def _block(
    tape: Tape, spec: ReformerSpec, is_hashed: bool, first: Value, second: Value
) -> tuple[Value, ...]:
    if is_hashed:
        is_sorted = spec.padded_length > spec.lsh_chunk
        _set_chunks(tape, spec.lsh_chunk, spec.hashes if is_sorted else 1)
    else:
        _set_chunks(tape, spec.local_chunk, 1)
    attend = _hashed if is_hashed else _local
    y = tape.norm("ln_1", NORM, second, "b*s")
    answer = attend(tape, spec, "attn", y)
    made = tape.linear("attn.proj", joined(tape, answer, "s"), "b*s*d")
    first = tape.add(first, tape.dropout("attn", made))
    y = tape.norm("ln_2", NORM, first, "b*s")
    return first, tape.add(second, _feed_forward(tape, spec, y))


def _projected(tape: Tape, at: str, x: Value) -> Value:
    return strided(tape.linear(at, x, "b*s*h*e", **BY_HEAD))


def _local(tape: Tape, spec: ReformerSpec, at: str, x: Value) -> Value:
    q, _, v = (_projected(tape, f"{at}.{name}", x) for name in "qkv")
    return _in_chunks(tape, f"{at}.chunks", q, v, masks={"mask of later keys": "L*W"})


def _hashed(tape: Tape, spec: ReformerSpec, at: str, x: Value) -> Value:
    """Return attention to what a hash sorts side by side (Kitaev et al. 2020, section 2)."""
    q, v = (_projected(tape, f"{at}.{name}", x) for name in ("qk", "v"))
    is_sorted = tape.size("s") > spec.lsh_chunk
    if is_sorted:
        tape.new(at, "order of tokens", "b*h*L", type="int64", **BY_HEAD)
        tape.keep(at, q, v)  # a gather keeps what it takes from
        q, v = (heads(tape, what, "L") for what in ("sorted queries", "sorted values"))
    tape.keep(at, q)
    tape.new(at, "reciprocals of lengths", "b*h*L", **BY_HEAD)
    every = "b*h*L*W" if is_sorted else "L*W"
    masks = {"mask of later keys and their own": every, "mask of later keys": every}
    answer = _in_chunks(tape, f"{at}.chunks", q, v, masks=masks)
    if not is_sorted:
        return answer
    if spec.hashes > 1:
        tape.new(f"{at}.chunks", "scores", "b*h*L*W", **BY_HEAD)
        tape.new(f"{at}.chunks", "logarithms of sums", "b*h*L", **BY_HEAD)
    tape.new(at, "order back", "b*h*L", type="int64", **BY_HEAD)
    tape.keep(at, answer)
    if spec.hashes > 1:
        tape.new(at, "weights of hashes", "b*h*L", **BY_HEAD)
        tape.keep(at, heads(tape, "answers of hashes", "L"))
    return heads(tape, at, "s")


def _set_chunks(tape: Tape, size: int, hashes: int) -> None:
    """Set the symbols of a sequence in chunks, which meet their own keys and those before."""
    length = hashes * tape.size("s")
    chunk = min(size, length)
    met = chunk if chunk == length else 2 * chunk
    tape.symbols = {**tape.symbols, "L": length, "C": chunk, "W": met}


def _in_chunks(tape: Tape, at: str, q: Value, v: Value, *, masks: dict[str, str]) -> Value:
    """Return attention of each chunk to itself and the one before, of which copies are made."""
    whole = tape.size("L") == tape.size("C")
    several = tape.size("h") > 1 and tape.size("L") > 1 and (tape.size("b") > 1 or not whole)
    tape.keep(at, heads(tape, "queries of chunks", "L") if q.view and several else q)
    if whole:
        keys, values = heads(tape, "keys", "L"), copied(tape, v, heads(tape, "values", "L"), "h")
    else:
        keys, values = (heads(tape, what, "2*L") for what in ("keys of chunks", "values of chunks"))
    tape.keep(at, keys)
    for what, form in masks.items():
        tape.new(at, what, form, type="byte", minor=form == "L*W")
    tape.keep(at, saved_products.softmax(tape, at, "b*h*L*W"), values)
    return heads(tape, at, "L")


def _feed_forward(tape: Tape, spec: ReformerSpec, x: Value) -> Value:
    """Return a feed-forward of a few tokens at once, which are copied of several sequences.

    A single token of each is not: such rows lie at equal distances.
    """
    length, chunk = tape.size("s"), spec.ff_chunk or tape.size("s")
    is_cut = 1 < chunk < length and tape.size("b") > 1
    copied_tokens = length - (length % chunk == 1) if is_cut else 0
    tape.symbols = {**tape.symbols, "u": copied_tokens}
    if copied_tokens:
        chunks = sequence(tape, "chunks of tokens", "u")
        tape.keep("mlp.fc1", chunks)
        x = chunks if copied_tokens == length else x
    return blocks_saved.feed_forward(tape, "mlp", x, activation="relu")
