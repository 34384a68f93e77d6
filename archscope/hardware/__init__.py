"""Graphics cards and the dense peaks that their vendors print: the roofs of a roofline.

Figures are FLOP/s at two per multiply-accumulate, without sparsity, with 32-bit accumulation, and
bytes/s of the card's memory. Each is printed in the source beside it. Where a vendor prints the
rate with structured sparsity alone, half of it stands here, written as a division by two: a dense
matrix product does half the work per clock. GeForce cards accumulate 16-bit products in 32 bits at
half the rate that is advertised (16-bit accumulation); that half is what torch gets.

A driver's name matches as a whole: laptop and capped models, slices of a card, and cards of the
same name with another number of multiprocessors are unknown rather than wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archscope.amounts import size
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.hardware.amd import CARDS as _AMD
from archscope.hardware.card import Card, Precision
from archscope.hardware.nvidia import CARDS as _NVIDIA

__all__ = ["CARDS", "Card", "Precision", "find", "named", "others_named"]

CARDS: tuple[Card, ...] = (*_NVIDIA, *_AMD)
"""Every card whose figures are cited here."""

_VENDORS = re.compile(r"^(nvidia|amd)\s+|^tesla\s+")


def find(name: str, multiprocessors: int | None = None) -> Card | None:
    """Return the card that a driver calls `name`, None where its figures are not known here.

    >>> find("NVIDIA H100 80GB HBM3").bf16 / 1e12
    989.5
    >>> find("NVIDIA GeForce RTX 4090 Laptop GPU") is None
    True

    `multiprocessors` is how many the driver counts: a slice of a card, or another card of the same
    name, has others. A name that several cards have is none without it.
    """
    plain = _plain(name)
    cards = [
        card
        for card in CARDS
        if plain in card.names and multiprocessors in (None, card.multiprocessors)
    ]
    return cards[0] if len(cards) == 1 else None


def _plain(name: str) -> str:
    """Return a driver's name with blanks alone between its parts, and without its vendor."""
    plain = re.sub(r"[\s_-]+", " ", name.strip().lower())
    while plain != (shorter := _VENDORS.sub("", plain)):
        plain = shorter
    return plain


def _told(word: str) -> Card | None:
    """Return the card that has all parts of `word`: the `h100-sxm`, the `a100-80gb`, the `3090`.

    Of several it is the one whose word begins those of the others, as `h100` alone means it too.
    """
    parts = _plain(word).split()
    found = [card for card in CARDS if _number(card) in parts and _has_all(card, parts)]
    return next((a for a in found if all(b.word.startswith(a.word) for b in found)), None)


def _number(card: Card) -> str:
    """Return the part of a card's word that tells the chip: `4090` of `rtx-4090-super`."""
    return next(part for part in card.word.split("-") if re.search(r"\d", part))


def _has_all(card: Card, parts: Sequence[str]) -> bool:
    """Return whether one of a card's names has all parts; `sxm` is a part of `sxm5`."""
    every = [name.split() for name in (card.word.replace("-", " "), *card.names)]
    return any(
        all(
            any(part == own or (part.isalpha() and own.startswith(part)) for own in name)
            for part in parts
        )
        for name in every
    )


def named(word: str) -> Card:
    """Return the card that a person calls `word`; raises `UsageError` with those that come near.

    >>> named("h100").names[0], named("H100 SXM").word, named("4090").word
    ('h100 80gb hbm3', 'h100', 'rtx-4090')
    """
    words = {card.word: card for card in CARDS}
    card = words.get(same_word(word.replace(" ", ""), words) or "") or find(word) or _told(word)
    if card is None and size(word) is not None:
        raise UsageError(
            f"{word!r} is a size and not a GPU; name one, e.g. rtx-4090. `archscope plan` and `kv` "
            f"take the memory of one alone: --card-memory {word}"
        )
    if card is None:
        raise UsageError(
            f"no cited figures for a GPU called {word!r} are known here."
            + did_you_mean(word.lower(), list(words))
            + f" Known are {', '.join(words)}."
        )
    return card


def others_named(card: Card) -> tuple[str, ...]:
    """Return the words of cards that could be meant by this one's too: `h100-pcie` by `h100`."""
    return tuple(each.word for each in CARDS if each.word.startswith(f"{card.word}-"))
