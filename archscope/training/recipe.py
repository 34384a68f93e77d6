"""How a network is to be trained: what is frozen, adapted, recomputed, in which number types."""

from __future__ import annotations

import re
from typing import Literal

from archscope.errors import UsageError
from archscope.records import frozen

Attention = Literal["flash", "math"]
"""`flash`: the scores are never kept. `math`: softmax(q k') is a tensor like any other."""
Dropout = Literal["card", "cpu"]
"""Whose kernel: a card keeps a mask of one byte, the CPU one of the activation's number type."""


@frozen
class Adapters:
    """Low-rank adapters beside layers (Hu et al. 2021, LoRA, arXiv 2106.09685)."""

    rank: int = 8
    """Width of the narrow middle."""
    targets: tuple[str, ...] = ()
    """Names of the layers that get one: the last part or parts of their paths, or patterns; empty:
    every linear layer but the last."""
    dropout: float = 0.0
    """Share of an adapter's input that is dropped; 0 keeps no second copy of it."""
    saved: tuple[str, ...] = ()
    """Names or patterns of modules that are trained whole beside them, e.g. a new classifier."""


@frozen
class Recompute:
    """What keeps its inputs alone and runs again in the backward (Chen et al. 2016)."""

    every: int = 1
    """Each so many-th block of a list: 1 is all; 0: none."""
    core: bool = False
    """Whether scores of attention and what follows from them up to its answer are made again, and
    nothing else: selective recomputation (Korthikanti et al. 2022, section 5)."""


@frozen
class Recipe:
    """How a network is to be trained."""

    freeze: tuple[str, ...] = ()
    """Patterns of names of parameters, or of modules with all they hold, that are not trained."""
    adapters: Adapters | None = None
    """What is trained in place of the weights; these are frozen then."""
    recompute: Recompute | None = None
    """Which blocks are run again."""
    attention: Attention = "flash"
    """How attention is computed."""
    dropout: Dropout = "card"
    """Whose dropout."""


_ADAPTER_WORDS = ("r", "targets", "dropout", "save")


def read_adapters(text: str) -> Adapters | None:
    """Return what `r=16,targets=q_proj/v_proj,dropout=0.1,save=classifier` says; empty: none.

    Raises `UsageError` for what says none.
    """
    if not text or text == "none":
        return None
    said: dict[str, str] = {}
    for part in text.split(","):
        word, equals, value = part.partition("=")
        if not equals or word.strip() not in _ADAPTER_WORDS or not value:
            raise UsageError(
                f"lora: {part!r} is not understood; write e.g. r=16,targets=q_proj/v_proj,"
                "save=classifier"
            )
        said[word.strip()] = value.strip()
    rank = said.get("r", "8")
    if not re.fullmatch(r"[1-9]\d{0,5}", rank):
        raise UsageError(f"lora: r={rank} is not a rank; write a whole number, e.g. r=16")
    dropout = said.get("dropout", "0")
    if not re.fullmatch(r"0?\.\d+|0", dropout):
        raise UsageError(f"lora: dropout={dropout} is not between 0 and 1; write e.g. dropout=0.1")
    return Adapters(
        rank=int(rank),
        dropout=float(dropout),
        targets=tuple(filter(None, said.get("targets", "").split("/"))),
        saved=tuple(filter(None, said.get("save", "").split("/"))),
    )


def read_recompute(text: str) -> Recompute | None:
    """Return what `none`, `selective`, `full` or `every:K` says.

    Raises `UsageError` for another word.
    """
    if text in ("", "none"):
        return None
    if text == "full":
        return Recompute()
    if text == "selective":
        return Recompute(every=0, core=True)
    found = re.fullmatch(r"every:([1-9]\d{0,5})", text)
    if found is None:
        raise UsageError(
            f"recompute: {text!r} is not understood; write none, selective, full or every:2"
        )
    return Recompute(every=int(found[1]))
