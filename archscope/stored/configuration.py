"""What a `config.json` beside a file of weights says of the network, as plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archscope.records import frozen
from archscope.stored.reading import read_json
from archscope.stored.tensors import Held, Stored

NAME = "config.json"
_HEADS = ("lm_head.weight", "output.weight", "cls.predictions.decoder.weight", "embed_out.weight")
"""How a head that may be tied to the embedding is called."""
_EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "shared.weight",
    "embed_in.weight",
)
"""How the embedding of tokens is called."""


@frozen
class Configuration:
    """A configuration that stands beside a file."""

    folder: Path
    shown: str
    """How it is called."""
    words: Mapping[str, Any]

    @property
    def is_of_transformers(self) -> bool:
        """Whether it names a kind of network of the package transformers, without own code."""
        return "model_type" in self.words and "auto_map" not in self.words

    @property
    def ties(self) -> bool:
        """Whether it says that the head is the embedding."""
        inner = self.words.get("text_config")
        inner = inner if isinstance(inner, dict) else {}
        return any(each.get("tie_word_embeddings") is True for each in (self.words, inner))


def beside(path: Path, shown_folder: str) -> Configuration | None:
    """Return the configuration in the folder of a file, or in a folder; None: there is none."""
    folder = path if path.is_dir() else path.parent
    if not (folder / NAME).is_file():
        return None
    shown = f"{shown_folder}/{NAME}"
    return Configuration(folder=folder, shown=shown, words=read_json(folder / NAME, shown))


def with_ties(stored: Stored, config: Configuration) -> Stored:
    """Return what a file holds with the head counted once, where the configuration ties it."""
    if not config.ties:
        return stored
    embedding = _named(stored, _EMBEDDINGS)
    head = _named(stored, _HEADS)
    if embedding is None:
        return stored
    of = embedding.entry.name
    if head is None:
        note = f"tied: the head is {of}, and counts once ({config.shown}: tie_word_embeddings)"
        return replace(stored, notes=(note, *stored.notes))
    if head.same_as or head.entry.shape != embedding.entry.shape:
        return stored
    tied = replace(head, numbers=0, same_as=of, why="tied, as its configuration says")
    held = tuple(tied if each is head else each for each in stored.held)
    note = f"the file holds {head.entry.name} too, though it is {of}: it counts once"
    return replace(stored, held=held, notes=(note, *stored.notes))


def _named(stored: Stored, ends: tuple[str, ...]) -> Held | None:
    names = {each.entry.name: each for each in stored.held}
    for end in ends:
        for name, each in names.items():
            if name == end or name.endswith(f".{end}"):
                return each
    return None
