"""One model of a graphics card: what its vendor says that it can do at best."""

from __future__ import annotations

from typing import Literal

from archscope.hardware.sizes import GIB
from archscope.records import frozen

Precision = Literal["fp32", "tf32", "fp16", "bf16"]
"""Number types that a peak is known for; fp32 without, tf32 with the tensor cores' short form."""


@frozen
class Card:
    """One model of a graphics card; of a package that torch sees as two devices, one of these."""

    word: str
    """What a person calls it, with hyphens for blanks: `h100`, `h100-pcie`."""
    names: tuple[str, ...]
    """What its driver calls it, without the vendor, in small letters with blanks for hyphens."""
    multiprocessors: int
    """Streaming multiprocessors or compute units that are switched on."""
    fp32: float
    """FLOP/s of 32-bit arithmetic without a short form; of AMD's matrix cores where they have it
    whole."""
    tf32: float | None
    """FLOP/s of 32-bit matrices shortened to 19 bits; None where the card cannot."""
    fp16: float
    """FLOP/s of 16-bit matrices, 32-bit accumulation."""
    bf16: float | None
    """FLOP/s of bfloat16 matrices; None where the card cannot."""
    bandwidth: float
    """Bytes per second between the card's memory and its chip."""
    source: str
    """Address of the document that prints these figures."""
    printed: int = 1
    """How many times the dense rate of 16 bits the source prints: 2 with sparsity, 8 of 8-bit
    products with sparsity and short accumulation, 16 of 4-bit ones."""
    second_hand: bool = False
    """Whether the source is a dealer's copy, because the vendor publishes none."""
    devices: int = 1
    """How many of these torch sees of one package."""
    memory: int | None = None
    """Bytes of the card's memory, of which its driver keeps some; None where cards of this name
    have different ones, or none is printed for one card."""

    @property
    def called(self) -> str:
        """Its word, and whether it is a whole package."""
        whole = self.devices == 1
        return self.word if whole else f"{self.word} (one of {self.devices} devices of a package)"

    def peak(self, precision: Precision) -> float | None:
        """Return the dense peak in FLOP/s, None where the card cannot compute so."""
        found: float | None = getattr(self, precision)
        return found

    def ridge(self, precision: Precision) -> float | None:
        """Return the FLOPs per byte above which arithmetic, not memory, is the roof.

        Williams, Waterman and Patterson (2009), "Roofline".
        """
        peak = self.peak(precision)
        return None if peak is None else peak / self.bandwidth


def card(
    word: str,
    names: tuple[str, ...],
    multiprocessors: int,
    fp32: float,
    tf32: float | None,
    fp16: float,
    bandwidth: float,
    source: str,
    *,
    bf16: bool | None = None,
    printed: int = 1,
    second_hand: bool = False,
    devices: int = 1,
) -> Card:
    """Return a card; its bf16 has the rate of fp16, and stands where tf32 does if not said."""
    has_bf16 = tf32 is not None if bf16 is None else bf16
    return Card(
        word=word,
        names=names,
        multiprocessors=multiprocessors,
        fp32=fp32,
        tf32=tf32,
        fp16=fp16,
        bf16=fp16 if has_bf16 else None,
        bandwidth=bandwidth,
        source=source,
        printed=printed,
        second_hand=second_hand,
        devices=devices,
        memory=None if word not in GIB else GIB[word] * 2**30,
    )
