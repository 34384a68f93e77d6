"""Short names that tell several reports apart: what their titles do not share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from archscope.results import Report

SEPARATOR = " · "
LONGEST = 30
"""Characters of a short name."""


def short_names(reports: Sequence[Report], said: Sequence[str] = ()) -> tuple[str, ...]:
    """Return a name for each report, all different; one report alone needs none.

    It is how a title begins or, where others begin so too, the fewest words in which they differ.
    Those of one title go by how they were named, `said`, where that differs, else by a number.

    >>> short_names([depth_12, depth_24])  # doctest: +SKIP
    ('depth 12', 'depth 24')
    """
    if len(reports) == 1:
        return ("",)
    titles = [_words(report.title) for report in reports]
    alike: dict[str, list[int]] = {}
    for number, title in enumerate(titles):
        alike.setdefault(title[0], []).append(number)
    names = [title[0] for title in titles]
    for places in alike.values():
        named = [said[place] for place in places] if said else []
        told = _apart([titles[place] for place in places], named)
        for place, name in zip(places, told, strict=True):
            names[place] = name
    return tuple(_numbered([shortened(name, LONGEST) for name in names]))


def _words(title: str) -> list[str]:
    """Return what a title lists: a comma between brackets is of an argument, and ends nothing."""
    words, depth = [""], 0
    for part in re.split(r"( · |, |[()\[\]{}])", title):
        if part in (SEPARATOR, ", ") and depth <= 0:
            words.append("")
            continue
        depth += (part in tuple("([{")) - (part in tuple(")]}"))
        words[-1] += part
    return words


def _apart(titles: Sequence[Sequence[str]], said: Sequence[str]) -> Sequence[str]:
    """Return names for titles that begin alike."""
    first = [title[0] for title in titles]
    shared = set(titles[0]).intersection(*titles[1:])
    words = [[word for word in title if word not in shared] for title in titles]
    lengths = range(1, 1 + max(map(len, words)))
    tried = [[SEPARATOR.join(each[:count]) for each in words] for count in lengths]
    for names in (first, *tried, said):
        short = {shortened(name, LONGEST) for name in names if name}
        if len(short) == len(titles):
            return names
    whole = [SEPARATOR.join(each) for each in words]
    return [name or begin for name, begin in zip(whole, first, strict=True)]


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """Yield names; the second of a name, and those that follow, with their number behind it."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def shortened(text: str, longest: int) -> str:
    """Return a text with its middle left out where it is too long."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[: longest - 1 - half]}…{text[-half:]}"
