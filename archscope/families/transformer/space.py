"""What is chosen of a Transformer where nobody says it: depth, width, and heads for that width."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import archscope.families.transformer.kinds as kinds
from archscope.specs.space import Fields, Possible, Space, Trends

DEPTHS = (2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96)
WIDTHS = (*range(64, 1025, 64), *range(1152, 2049, 128), *range(2304, 4097, 256))
HEADS = "d_model/64"


def heads(fields: Fields, width: int) -> int:
    """Return how many heads divide the model into widths nearest to one; of two, the wider.

    >>> heads({"d_model": 768}, 64), heads({"d_model": 328}, 64)
    (12, 4)
    """
    model = int(fields.get("d_model") or 768)
    numbers = (number for number in range(1, model + 1) if model % number == 0)
    return min(numbers, key=lambda number: (abs(model // number - width), number))


def axes(given: Possible) -> Possible:
    """Return what is to be chosen beside what is said."""
    found: dict[str, tuple[Any, ...]] = {"depth": DEPTHS, "d_model": WIDTHS}
    if not {"heads", "head_dim", "kv_heads"} & {*given}:
        found["heads"] = (HEADS,)
    return {name: values for name, values in found.items() if name not in given}


def trends(possible: Possible) -> Trends:
    """Return what rises and falls together where blocks attend, or are all of one kind."""
    return dict(_trends(possible))


def _trends(possible: Possible) -> Iterator[tuple[tuple[str, str], int]]:
    counts, work = ("params", "trainable", "active", "weights"), ("macs", "flops")
    both = (*counts, *work)
    for name in ("d_model", "heads", "d_ff", "vocab_size", "batch_size", "bias", "tied"):
        yield (name, "rf.*"), 0
    grown = ["depth", "d_ff", "vocab_size"]
    # Heads cut the width of the model, and nothing hangs on how many there are.
    plain = all(possible[name] == (None,) for name in ("kv_heads", "head_dim"))
    cut = plain and possible["qk_norm"] == (False,) and not _has_sinks(possible)
    attends = all(_attend(mixer) for mixer in possible["mixer"])
    if attends and cut:
        grown.append("d_model")
        yield from ((("heads", measure), 0) for measure in both)
    yield from (((name, measure), 1) for name in grown for measure in both)
    yield from ((("seq_len", measure), 1) for measure in work)


def _has_sinks(possible: Possible) -> bool:
    """Return whether some variant has a weight for each head."""
    return "sinks" in possible or any(
        getattr(kind, "sinks", False) for kind in possible["attention"]
    )


def _attend(mixer: tuple[kinds.Mixer, ...]) -> bool:
    return all(isinstance(one, kinds.SelfAttention) for one in mixer)


SPACE = Space(
    axes=axes,
    words={"heads": {f"d_model/{width}": partial(heads, width=width) for width in (32, 64, 128)}},
    trends=trends,
    width="d_model",
    widths=tuple(range(64, 4097, 8)),
    follows={
        "d_ff": lambda spec: spec.hidden_width,
        "kv_heads": lambda spec: spec.key_heads,
        "head_dim": lambda spec: spec.head_width,
    },
)
"""The choices, and what is known of them."""
