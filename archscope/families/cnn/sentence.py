"""A stack of layers as a sentence: `conv 64 k7 s2; pool 3 s2; 4x(conv 64 d1,2,4,8 res); up 2`.

Steps stand in the order in which they run, with `;` between. Each is a word, then what it takes:

    conv C      a convolution with C output channels; without C, as many as it gets
    tconv C     a transposed one (deconv); its stride is how many times larger the map becomes
    pool K      the maximum of K positions, with avg their mean; its stride is K unless given
    up F        each position F times; with linear (bilinear), on straight lines in between
    bn, relu    a norm or an activation by itself; behind a convolution it is that convolution's
    res(a; b)   a path around all that stands within
    4x(a; b)    all that stands within, 4 times over
    in CxHxW    what the stack reads, as its first step: in 3x224x224, in 1x16000
    head N      a linear layer on the mean over all positions, as its last (classifier)

Behind a layer stand, in any order, letters with numbers, for each axis with x between (k3x5):

    k3  kernel size      p1   padding on both sides; p6+0, before and after; p causal:same, by axis
    s2  stride           g8   groups; dw (depthwise), one for each channel
    d4  dilation         op1  output padding of a transposed convolution

and words: same, valid, causal (padding); reflect, replicate, circular (what it holds); sep
(depthwise-separable); bias off; res (a path around the layer); avg, ceil; nearest, linear; norms
bn, ln, gn (gn8: of 8 groups), instance or norm none; activations relu, gelu, silu, elu, leaky-relu,
tanh, sigmoid, hardswish or act none. What is left unsaid is as in the cnn family: k3, same, relu;
fields such as --norm, --activation, --causal and --input-size say it for all steps.

Within 4x( ) a list goes item by item, d1,2,4,8; one that is shorter begins again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import NoReturn

from archscope.errors import UsageError, did_you_mean
from archscope.families.cnn.words import ACTIVATIONS, NORMS, SHORT, STEPS, TAKES
from archscope.records import frozen

_SHOWN = 20
"""Letters before and behind a column that a message shows."""


@frozen
class Word:
    """One thing that a step takes: a letter with numbers, or a word."""

    name: str
    """Its one spelling, e.g. `k`; `norm` and `act` for those; empty: the step's own number."""
    items: tuple[str, ...] = ()
    """Its numbers, one for each repetition, as `3x5` and `6+0`; a norm or an activation."""
    at: int = field(default=0, compare=False)
    """Where it stands, from 0."""

    def __str__(self) -> str:
        match self.name:
            case "norm":
                norm, *groups = self.items
                return SHORT[norm] + "".join(groups) if norm != "none" else "norm none"
            case "act":
                return self.items[0] if self.items[0] != "none" else "act none"
        between = " " if self.items and not self.items[0][0].isdecimal() else ""
        return f"{self.name}{between}{','.join(self.items)}"


@frozen
class Clause:
    """One step with what it takes, or several in parentheses."""

    word: str
    """The one spelling of the step; `res` or `x`: what is within has a path around, or repeats."""
    words: tuple[Word, ...] = ()
    """What it takes, in the order of `TAKES`."""
    axes: int = 0
    """Spatial dimensions that its word names, e.g. conv1d; 0: none."""
    times: int = 1
    """How many times what is within stands there."""
    within: tuple[Clause, ...] = ()
    """The steps in parentheses."""
    at: int = field(default=0, compare=False)
    """Where it stands, from 0."""

    def get(self, name: str) -> Word | None:
        """Return what it takes of a name, if anything."""
        return next((word for word in self.words if word.name == name), None)

    def __str__(self) -> str:
        if self.within:
            head = "res" if self.word == "res" else f"{self.times}x"
            return f"{head}({written(self.within)})"
        alone = self.word in ("norm", "act")
        word = f"{self.word}{self.axes}d" if self.axes else self.word
        return " ".join([*([] if alone else [word]), *map(str, self.words)])


def written(clauses: tuple[Clause, ...]) -> str:
    """Return steps as they are typed, in one spelling."""
    return "; ".join(map(str, clauses))


def with_words(clause: Clause, words: dict[str, Word]) -> Clause:
    """Return a step with what it takes in order."""
    ordered = tuple(words[name] for name in TAKES[clause.word] if name in words)
    return replace(clause, words=ordered)


@frozen
class Token:
    """A word, a number, a sign, or the end of the text."""

    kind: str
    """`word`, `number`, `sign` or `end`."""
    text: str
    """As typed, words in small letters."""
    at: int
    """Where it begins, from 0."""


_TOKEN = re.compile(
    r"(?P<number>\d+(?:\s*,\s*\d+|[x×:+]\d+|:(?:same|valid|causal)\b)*)"
    r"|(?P<word>[a-z]{4,}[123]d\b"
    r"|[a-z]+(?:-[a-z]+)*(?::(?:same|valid|causal|\d+(?:\+\d+)?))*)"
    r"|(?P<sign>[;()=×\n])"
    r"|(?P<space>[ \t\r,]+)",
    re.IGNORECASE | re.ASCII,
)


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text; raises `UsageError` at what is none."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            refuse(text, at, f"{text[at]!r} is not part of a sentence; expected a word or a number")
        kind = str(found.lastgroup)
        if kind != "space":
            sign = ";" if found[0] == "\n" else found[0].lower()
            yield Token(kind=kind, text=sign.replace("×", "x"), at=at)
        at = found.end()
    yield Token(kind="end", text="", at=len(text))


def refuse(text: str, at: int, problem: str) -> NoReturn:
    """Raise `UsageError` in one line, with the column and what stands around it."""
    start, end = max(at - _SHOWN, 0), min(at + _SHOWN, len(text))
    before = "…" * (start > 0) + text[start:at]
    behind = text[at:end] + "…" * (end < len(text))
    there = f"{before!r} then {behind!r}" if before and behind else repr(before or behind)
    end_of_it = "" if problem.endswith("?") else "."
    raise UsageError(f"column {at + 1}: {problem}{end_of_it} There: {there}")


def is_sentence(text: str) -> bool:
    """Return whether a text is meant for a sentence: it begins as one, or has several steps.

    >>> is_sentence("conv 64 k3"), is_sentence("4x(conv 64)"), is_sentence("conv.py:Net")
    (True, True, False)
    """
    begin = re.match(
        r"\s*(?:(\d+)\s*[x×]\s*[(a-z]|([a-z][a-z-]*)(?:[123]d)?(?=[\s;(\d]))", text, re.I
    )
    if begin is None:
        return False
    if begin[1]:
        return True
    word, rest = begin[2].lower(), text[begin.end() :].strip()
    if not rest or rest[0] in "=<>!":
        return False
    if word in STEPS or (rest[0] == "(" and word == "res"):
        return True
    alone = word in (*NORMS, *ACTIVATIONS, "norm", "act")
    return ";" in text or (not alone and " " in text.strip() and bool(did_you_mean(word, [*STEPS])))
