"""Files that hold one network together: by their index, or all of a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from archscope.records import frozen
from archscope.stored.reading import BadFileError, read_json
from archscope.stored.tensors import Entry

T = TypeVar("T")
ReadOne = Callable[[Path, str], list[Entry]]
"""Returns the tensors that one file lists."""
INDEX = ".index.json"
_SHARD = re.compile(r"(.*)-\d+-of-\d+(\.\w+)")


@frozen
class Together:
    """The tensors of several files."""

    entries: tuple[Entry, ...]
    files: int
    notes: tuple[str, ...] = ()
    where: Callable[[str], Path]
    """The file of a name that `Entry.file` gives."""


def of_index(path: Path, shown: str, read: ReadOne) -> Together:
    """Return what the files of an index hold; raises `BadFileError` where one is not there."""
    listed = read_json(path, shown).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise BadFileError(f"{shown} is not an index of weights: it has no weight_map")
    strange = [name for name in listed.values() if type(name) is not str]
    if strange:
        raise BadFileError(f"{shown} has a file name that is not text: {str(strange[0])[:80]}")
    names = dict.fromkeys(listed.values())
    for name in names:
        if not name or name in (".", "..") or re.search(r"[/\\\0]", name):
            raise BadFileError(f"{shown} names a file outside its folder: {str(name)[:80]!r}")
    found = of_files([path.with_name(name) for name in names], shown, read)
    there = {entry.name for entry in found.entries}
    lost = [name for name in listed if name not in there]
    if lost:
        raise BadFileError(
            f"{shown} lists {lost[0][:80]!r} and {len(lost) - 1:,} more that no file holds"
            if len(lost) > 1
            else f"{shown} lists {lost[0][:80]!r}, which no file holds"
        )
    more = len(there) - len(listed)
    notes = (f"{more:,} tensors of the files are not in their index",) if more else ()
    return replace(found, notes=notes)


def of_files(paths: Iterable[Path], shown: str, read: ReadOne) -> Together:
    """Return what several files hold; raises `BadFileError` where two hold the same name."""
    paths = list(paths)
    first: dict[str, str] = {}
    entries: list[Entry] = []
    for path in paths:
        for entry in read(path, _beside(shown, path.name)):
            other = first.setdefault(entry.name, path.name)
            if other != path.name:
                raise BadFileError(
                    f"{shown}: {entry.name[:80]!r} stands in {other} and in {path.name}; name the "
                    "file that is meant"
                )
            entries.append(replace(entry, file=path.name))
    by_name = {path.name: path for path in paths}
    return Together(entries=tuple(entries), files=len(paths), where=by_name.__getitem__)


def _beside(shown: str, name: str) -> str:
    folder = shown.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def in_folder(folder: Path, ending: str) -> list[Path]:
    """Return the index of a folder, or its files of one kind; empty: it has none.

    Of several sets of shards, and files beside them, those called `model` go first.
    """
    names = sorted(each.name for each in folder.iterdir() if not each.is_dir())
    for index in (f"model{ending}{INDEX}", *(n for n in names if n.endswith(ending + INDEX))):
        if index in names:
            return [folder / index]
    files = [name for name in names if name.endswith(ending)]
    for one in (f"model{ending}", f"pytorch_model{ending}"):
        if one in files:
            return [folder / one]
    sets: dict[str, list[str]] = {}
    for name in files:
        shard = _SHARD.fullmatch(name)
        sets.setdefault(shard[1] if shard else "", []).append(name)
    chosen = sets.get("model") or sets.get("pytorch_model") or files
    return [folder / name for name in chosen]
