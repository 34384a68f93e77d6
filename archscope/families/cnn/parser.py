"""Reads a sentence by its grammar; what is wrong with it is said with its column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NoReturn

from archscope.errors import did_you_mean
from archscope.families.cnn.numbers import WHOLE, items_of, whole
from archscope.families.cnn.sentence import Clause, Token, Word, refuse, tokens, with_words
from archscope.families.cnn.words import (
    ACTIVATIONS,
    EXCLUSIVE,
    FLAGS,
    LETTERS,
    MOST,
    NEEDS,
    NORMS,
    STEPS,
    TAKES,
    spoken,
)

STEPS_LIMIT = 10_000
"""Steps that a sentence may come to, repetitions written out."""
DEEPEST = 16
"""Parentheses that may stand within each other."""


@lru_cache(maxsize=64)
def parse(text: str) -> tuple[Clause, ...]:
    """Return the steps of a sentence; raises `UsageError` with the column of what is wrong.

        >>> from archscope.families.cnn.numbers import WHOLE, items_of, whole
    from archscope.families.cnn.sentence import written
        >>> written(parse("Conv2d 64, kernel=7, stride 2; bn; relu; maxpool 3 s2"))
        'conv2d 64 k7 s2 bn relu; pool 3 s2'
    """
    return _Parser(text).sentence()


class _Parser:
    """Goes through the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.next = 0
        self.copies = [1]
        """How many times what is read now stands there; the last is of the innermost repetition."""
        self.steps = 0
        self.around = False
        """Whether a path goes around what is read now."""
        self.depth = 0
        """Parentheses around what is read now."""

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.token
        self.next += token.kind != "end"
        return token

    def is_next(self, *texts: str) -> bool:
        return self.token.kind in ("sign", "word") and self.token.text in texts

    def refuse(self, problem: str, at: int | None = None) -> NoReturn:
        refuse(self.text, self.token.at if at is None else at, problem)

    def sentence(self) -> tuple[Clause, ...]:
        found = self.clauses()
        if self.token.kind != "end":
            self.refuse("expected ';' or the end, not ')'")
        return found

    def clauses(self) -> tuple[Clause, ...]:
        found: list[Clause] = []
        while True:
            clause = self.clause()
            if clause.word == "in" and found:
                self.refuse("'in' is the first step", clause.at)
            if found and found[-1].word == "head":
                self.refuse("'head' is the last step", found[-1].at)
            _join(found, clause)
            while self.is_next(";"):
                self.take()
            if self.token.kind == "end" or self.is_next(")"):
                return tuple(found)
            if self.tokens[self.next - 1].text != ";":
                self.refuse(f"expected ';' before {self.token.text!r}")

    def clause(self) -> Clause:
        token = self.take()
        if token.kind == "number":
            return self.repetition(token)
        if token.kind != "word":
            said = repr(token.text) if token.text else "the end"
            self.refuse(f"expected a step, e.g. conv 64 k3, not {said}", token.at)
        if FLAGS.get(token.text) == "res":
            return self.residual(token)
        named, axes = _axes(token.text)
        word = STEPS.get(named)
        if word is None and (token.text in NORMS or token.text in (*ACTIVATIONS, "norm", "act")):
            self.next -= 1
            word = "norm" if token.text in (*NORMS, "norm") else "act"
        if word is None:
            known = [*STEPS, "res", *NORMS, *ACTIVATIONS]
            near = did_you_mean(token.text, known)
            self.refuse(
                f"{token.text!r} begins no step; expected conv, tconv, pool, up, res( ), 4x( ), a "
                f"norm or an activation{'.' + near if near else ''}",
                token.at,
            )
        if word in ("in", "head") and (self.around or len(self.copies) > 1):
            self.refuse(f"{word!r} stands outside all parentheses", token.at)
        self.count(token)
        return self.step(Clause(word=word, axes=axes, at=token.at), implied(token.text))

    def count(self, token: Token) -> None:
        copies = 1
        for times in self.copies:
            copies *= times
        self.steps += copies
        if self.steps > STEPS_LIMIT:
            self.refuse(f"with this it is more than {STEPS_LIMIT:,} steps", token.at)

    def repetition(self, token: Token) -> Clause:
        if not WHOLE.fullmatch(token.text) or not self.is_next("x"):
            self.refuse(
                f"expected a step, e.g. conv 64 k3, or a repetition, e.g. 4x(conv 64), not "
                f"{token.text!r}",
                token.at,
            )
        times = whole(self.text, token.text, token.at, STEPS_LIMIT)
        self.take()
        self.copies.append(times)
        within = self.parentheses("x") if self.is_next("(") else (self.clause(),)
        self.copies.pop()
        return Clause(word="x", times=times, within=within, at=token.at)

    def residual(self, token: Token) -> Clause:
        if self.around:
            self.refuse("a residual path is inside another", token.at)
        self.around = True
        within = self.parentheses("res")
        self.around = False
        return Clause(word="res", within=within, at=token.at)

    def parentheses(self, word: str) -> tuple[Clause, ...]:
        if not self.is_next("("):
            self.refuse(f"expected '(' behind {word!r}, e.g. {word}(conv 64; conv 64)")
        opened = self.take()
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"more than {DEEPEST} parentheses within each other", opened.at)
        found = self.clauses()
        self.depth -= 1
        if not self.is_next(")"):
            self.refuse(f"expected ')' for the '(' in column {opened.at + 1}")
        self.take()
        return found

    def step(self, clause: Clause, words: Iterable[Word]) -> Clause:
        found = {word.name: word for word in words}
        while self.token.kind != "end" and not self.is_next(";", ")"):
            if found and clause.word in ("norm", "act"):
                break
            word = self.word(clause.word)
            same = next((group for group in EXCLUSIVE if word.name in group), {word.name})
            if clause.word == "pool" and word.name in ("", "k"):
                same = {"", "k"}
            before = next((found[name] for name in same if name in found), None)
            if before is not None:
                self.refuse(f"{str(word)!r} stands beside {str(before)!r}; say one", word.at)
            found[word.name] = word
        if clause.word in NEEDS and not found.keys() & {"", "k"}:
            self.refuse(f"{clause.word} takes {NEEDS[clause.word]}")
        return with_words(clause, found)

    def word(self, step: str) -> Word:
        token = self.take()
        name = _name(token)
        if name not in TAKES[step]:
            if _axes(token.text)[0] in STEPS:
                self.refuse(f"expected ';' before {token.text!r}", token.at)
            self.refuse(
                f"{token.text!r} is nothing that {step} takes; {_takes(step, token)}", token.at
            )
        items: tuple[str, ...] = ()
        match name:
            case "":
                items = self.items(token, "", step)
            case "norm":
                items = self.norm(token)
            case "act":
                named = token if token.text in ACTIVATIONS else self.one_of((*ACTIVATIONS, "none"))
                items = (named.text,)
            case "bias off" if token.text == "bias":
                name = f"bias {self.one_of(('off', 'on')).text}"
            case "p" if ":" in token.text:
                items = self.items(token, "p", step)
            case "res" if self.around:
                self.refuse("a residual path is inside another", token.at)
            case "k" | "s" | "d" | "p" | "g" | "op":
                items = self.behind(token, name, step)
        return Word(name=name, items=items, at=token.at)

    def norm(self, token: Token) -> tuple[str, ...]:
        named = token if token.text in NORMS else self.one_of((*NORMS, "none"))
        norm = NORMS.get(named.text, "none")
        if norm != "group" or self.token.kind != "number":
            return (norm,)
        number = self.take()
        if not WHOLE.fullmatch(number.text):
            self.refuse(f"expected one number of groups, not {number.text!r}", number.at)
        return norm, str(whole(self.text, number.text, number.at, MOST["norm"]))

    def one_of(self, words: tuple[str, ...]) -> Token:
        token = self.take()
        if token.text not in words:
            near = did_you_mean(token.text, words)
            said = repr(token.text) if token.text else "the end"
            self.refuse(
                f"expected {', '.join(words[:-1])} or {words[-1]}, not {said}"
                + ("." + near if near else ""),
                token.at,
            )
        return token

    def behind(self, token: Token, name: str, step: str) -> tuple[str, ...]:
        if self.is_next("="):
            self.take()
        number = self.take()
        words = name == "p" and number.kind == "word"
        if number.kind != "number" and not words:
            said = repr(number.text) if number.text else "the end"
            self.refuse(
                f"expected a number behind {token.text!r}, e.g. {name}3, not {said}", number.at
            )
        return self.items(number, name, step)

    def items(self, token: Token, name: str, step: str) -> tuple[str, ...]:
        copies = self.copies[-1] if len(self.copies) > 1 else 0
        return items_of(self.text, token, name, step, copies)


def _axes(word: str) -> tuple[str, int]:
    """Return a step's word without the dimensions that it names, and these: conv2d, 2-D."""
    named = re.fullmatch(r"(.*pool|.*conv|convtranspose)([123])d", word)
    return (named[1], int(named[2])) if named else (word, 0)


def implied(word: str) -> tuple[Word, ...]:
    """Return what the word of a step says beside it: avgpool is a pool with avg."""
    return (Word(name="avg"),) if word.startswith("avg") else ()


def _name(token: Token) -> str | None:
    """Return what a token says of a step; None: nothing."""
    text = token.text
    if token.kind == "number":
        return ""
    if token.kind != "word":
        return None
    if text in NORMS or text == "norm":
        return "norm"
    if text in (*ACTIVATIONS, "act", "activation"):
        return "act"
    if text == "bias":
        return "bias off"
    return "p" if ":" in text else LETTERS.get(text) or FLAGS.get(text)


def _takes(step: str, token: Token) -> str:
    near = did_you_mean(token.text, [*LETTERS, *FLAGS, *NORMS, *ACTIVATIONS, "bias"])
    return f"expected {spoken(TAKES[step])}{'.' + near if near else ''}"


def _join(found: list[Clause], clause: Clause) -> None:
    """Add a step; a norm or an activation behind a convolution becomes that convolution's."""
    last = found[-1] if found else None
    if last is None or clause.word not in ("norm", "act") or last.word not in ("conv", "tconv"):
        found.append(clause)
        return
    taken = [name for name in ("norm", "act", "res") if last.get(name)]
    if set(taken) & {"act", "res", clause.word}:
        found.append(clause)
        return
    words = {word.name: word for word in (*last.words, *clause.words)}
    found[-1] = with_words(last, words)
