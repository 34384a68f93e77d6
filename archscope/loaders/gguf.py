"""Names a network by a GGUF file: `./model.gguf`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.loaders import Loader, _weights_file
from archscope.subject import Network, Request

if TYPE_CHECKING:
    from archscope.stored.tensors import Entry, Held, Stored

FORM = "gguf"
ENDING = ".gguf"
_BUFFERS = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
_EXPERTS = "_exps."
"""In the names of tensors that hold a matrix for each expert."""


def accepts(text: str) -> bool:
    """Return whether `text` ends as a GGUF file."""
    return text.lower().endswith(ENDING)


def load(text: str, request: Request) -> Network:
    """Return the network; of the file its header is read."""
    return _weights_file.network(_weights_file.existing(text, (ENDING,)), FORM, read, request)


def read(path: Path, shown: str) -> Stored:
    """Return what a file, and the parts that go with it, hold; raises `UsageError`."""
    from archscope.stored import gguf
    from archscope.stored.tensors import Stored

    found = gguf.read(path, shown)
    facts = dict(_facts(found.facts))
    share = _share(facts)
    held = tuple(_active(_role(entry), share) for entry in found.entries)
    return Stored(form=FORM, held=held, facts=facts, notes=tuple(_notes(held, facts)))


def _facts(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what is said of the network, without its vocabulary; names without its kind."""
    kind = str(values.get("general.architecture", ""))
    for name, value in values.items():
        if name.startswith(("tokenizer.", "split.")):
            continue
        yield name.removeprefix(f"{kind}.") if kind else name, value


def _role(entry: Entry) -> Held:
    """Return what a tensor is for: types of blocks stand for weights in fewer bits."""
    from archscope.stored import roles
    from archscope.stored.tensors import Held

    if entry.name in _BUFFERS or entry.name.endswith(_BUFFERS):
        return Held(
            entry=entry,
            role="buffer",
            numbers=entry.elements,
            bytes=entry.bytes,
            why="rotary frequencies",
        )
    if not entry.dtype[0].isupper():
        return roles.held_of([entry])[0]
    bits = 8 * entry.bytes / entry.elements if entry.elements else 0
    return Held(
        entry=entry,
        role="packed",
        numbers=entry.elements,
        bytes=entry.bytes,
        why=f"{entry.dtype}, {bits:g} bits",
    )


def _share(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return of how many experts a token uses how many; None: the file does not say."""
    used, count = facts.get("expert_used_count"), facts.get("expert_count")
    if type(used) is int and type(count) is int and 0 < used <= count:
        return used, count
    return None


def _active(held: Held, share: tuple[int, int] | None) -> Held:
    if share is None or _EXPERTS not in held.entry.name:
        return held
    return replace(held, active=held.numbers * share[0] // share[1])


def _notes(held: tuple[Held, ...], facts: Mapping[str, Any]) -> Iterator[str]:
    from archscope.stored import roles

    names = {each.entry.name for each in held}
    if "token_embd.weight" in names and "output.weight" not in names:
        yield "tied: there is no output.weight, the head is token_embd.weight, and counts once"
    kv = facts.get("attention.head_count_kv")
    if isinstance(kv, list) and len(set(kv)) > 1:
        idle = kv.count(0)
        without = f"; {idle} of {len(kv)} layers have none, as recurrent ones" if idle else ""
        yield f"heads of keys and values differ by layer: {', '.join(map(str, kv))}{without}"
    heads, width = facts.get("attention.head_count"), facts.get("embedding_length")
    key = facts.get("attention.key_length")
    if type(heads) is int and type(width) is int and type(key) is int and heads * key != width:
        yield f"a head has {key} numbers, which is not {width} / {heads}"
    yield from roles.notes_of(held)


LOADER = Loader(
    name="gguf",
    summary="a GGUF file of llama.cpp, e.g. ./model.gguf: weights with their exact bit widths",
    accepts=accepts,
    load=load,
)
"""The loader of such files."""
