"""Graphics cards and the dense peaks that their vendors print: the roofs of a roofline.

Figures are FLOP/s at two per multiply-accumulate, without sparsity, with 32-bit accumulation, and
bytes/s of the card's memory. Each is printed in the source beside it. Where a vendor prints the
rate with structured sparsity alone, half of it stands here, written as a division by two: a dense
matrix product does half the work per clock. GeForce cards accumulate 16-bit products in 32 bits at
half the rate that is advertised (16-bit accumulation); that half is what torch gets.

A name matches as a whole: laptop and capped models, slices of a card, and cards of the same name
with another number of multiprocessors are unknown rather than wrong.
"""

from __future__ import annotations

import re
from typing import Literal

from archscope.records import frozen

Precision = Literal["fp32", "tf32", "fp16", "bf16"]
"""Number types that a peak is known for; fp32 without, tf32 with the tensor cores' short form."""

_A100_40 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet.pdf"
_A100_80 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
_H100 = "https://www.nvidia.com/en-us/data-center/h100/"
_H100_PCIE = "https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet"
_H200 = "https://www.nvidia.com/en-us/data-center/h200/"
_B200 = "https://images.nvidia.com/aem-dam/Solutions/documents/HGX-B200-PCF-Summary.pdf"
_L4 = "https://resources.nvidia.com/en-us-data-center-overview/l4-gpu-datasheet"
_L40S = "https://www.nvidia.com/en-us/data-center/l40s/"
_A10 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a10/pdf/a10-datasheet.pdf"
_T4 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/tesla-t4/t4-tensor-core-datasheet-951643.pdf"
_V100 = "https://images.nvidia.com/content/technologies/volta/pdf/volta-v100-datasheet-update-us-1165301-r5.pdf"
_AMPERE = (
    "https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf"
)
_ADA = "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"
_BLACKWELL = "https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf"
_MI300X = "https://www.amd.com/content/dam/amd/en/documents/instinct-tech-docs/data-sheets/amd-instinct-mi300x-data-sheet.pdf"


@frozen
class Card:
    """One model of a graphics card."""

    names: tuple[str, ...]
    """What its driver calls it, without the vendor, in small letters with blanks for hyphens."""
    multiprocessors: int
    """Streaming multiprocessors or compute units that are switched on."""
    fp32: float
    """FLOP/s of 32-bit arithmetic without tensor cores."""
    tf32: float | None
    """FLOP/s of 32-bit matrices shortened to 19 bits; None where the card cannot."""
    fp16: float
    """FLOP/s of 16-bit matrices, 32-bit accumulation."""
    bf16: float | None
    """FLOP/s of bfloat16 matrices; None where the card cannot."""
    bandwidth: float
    """Bytes per second between the card's memory and its chip."""
    source: str
    """Address of the vendor's document that prints these figures."""
    halved: bool = False
    """Whether the source prints the rates of matrices with sparsity alone, twice these."""

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


def _card(
    names: tuple[str, ...],
    multiprocessors: int,
    fp32: float,
    tf32: float | None,
    fp16: float,
    bandwidth: float,
    source: str,
    *,
    halved: bool = False,
) -> Card:
    """Return a card whose bf16 has the rate of fp16; one without tf32 has no bf16 either."""
    return Card(
        names=names,
        multiprocessors=multiprocessors,
        fp32=fp32,
        tf32=tf32,
        fp16=fp16,
        bf16=None if tf32 is None else fp16,
        bandwidth=bandwidth,
        source=source,
        halved=halved,
    )


def _geforce(
    name: str, multiprocessors: int, fp32: float, fp16: float, bandwidth: float, source: str
) -> Card:
    """Return a GeForce card, which has tf32 at the rate of fp32."""
    return _card((f"geforce {name}",), multiprocessors, fp32, fp32, fp16, bandwidth, source)


CARDS: tuple[Card, ...] = (
    # Names, multiprocessors, FLOP/s of fp32, tf32, fp16 and bf16, bytes/s, source.
    _card(("a100 sxm4 40gb", "a100 pcie 40gb"), 108, 19.5e12, 156e12, 312e12, 1.555e12, _A100_40),
    _card(("a100 sxm4 80gb", "a100 sxm 80gb"), 108, 19.5e12, 156e12, 312e12, 2.039e12, _A100_80),
    _card(("a100 80gb pcie",), 108, 19.5e12, 156e12, 312e12, 1.935e12, _A100_80),
    _card(
        ("h100 80gb hbm3", "h100 sxm5 80gb"),
        132,
        67e12,
        989e12 / 2,
        1979e12 / 2,
        3.35e12,
        _H100,
        halved=True,
    ),
    _card(("h100 pcie",), 114, 51e12, 756e12 / 2, 1513e12 / 2, 2.0e12, _H100_PCIE, halved=True),
    _card(("h100 nvl",), 132, 60e12, 835e12 / 2, 1671e12 / 2, 3.9e12, _H100, halved=True),
    _card(("h200", "h200 sxm"), 132, 67e12, 989e12 / 2, 1979e12 / 2, 4.8e12, _H200, halved=True),
    _card(("h200 nvl",), 132, 60e12, 835e12 / 2, 1671e12 / 2, 4.8e12, _H200, halved=True),
    # Printed for a board of eight: 600 TFLOP/s of fp32, 18 and 36 PFLOP/s with sparsity, 62 TB/s.
    _card(("b200",), 148, 600e12 / 8, 18e15 / 8 / 2, 36e15 / 8 / 2, 62e12 / 8, _B200, halved=True),
    _card(("l4",), 58, 30.3e12, 120e12 / 2, 242e12 / 2, 300e9, _L4, halved=True),
    _card(("l40s",), 142, 91.6e12, 183e12, 362.05e12, 864e9, _L40S),
    _card(("a10",), 72, 31.2e12, 62.5e12, 125e12, 600e9, _A10),
    _card(("t4",), 40, 8.1e12, None, 65e12, 300e9, _T4),
    _card(("v100 sxm2 16gb", "v100 sxm2 32gb"), 80, 15.7e12, None, 125e12, 900e9, _V100),
    _card(("v100 pcie 16gb", "v100 pcie 32gb"), 80, 14e12, None, 112e12, 900e9, _V100),
    _card(("v100s pcie 32gb",), 80, 16.4e12, None, 130e12, 1134e9, _V100),
    _geforce("rtx 3070", 46, 20.3e12, 40.6e12, 448e9, _AMPERE),
    _geforce("rtx 3080", 68, 29.8e12, 59.5e12, 760e9, _AMPERE),
    _geforce("rtx 3090", 82, 35.6e12, 71e12, 936e9, _AMPERE),
    _geforce("rtx 4070 ti", 60, 40.1e12, 80.2e12, 504.2e9, _ADA),
    _geforce("rtx 4080", 76, 48.7e12, 97.5e12, 716.8e9, _ADA),
    _geforce("rtx 4090", 128, 82.6e12, 165.2e12, 1008e9, _ADA),
    _geforce("rtx 5070", 48, 30.9e12, 61.7e12, 672e9, _BLACKWELL),
    _geforce("rtx 5070 ti", 70, 43.9e12, 87.9e12, 896e9, _BLACKWELL),
    _geforce("rtx 5080", 84, 56.3e12, 112.6e12, 960e9, _BLACKWELL),
    _geforce("rtx 5090", 170, 104.8e12, 209.5e12, 1792e9, _BLACKWELL),
    _card(
        ("instinct mi300x", "instinct mi300x oam"),
        304,
        163.4e12,
        653.7e12,
        1307.4e12,
        5.3e12,
        _MI300X,
    ),
)
"""Every card with figures that its vendor prints."""

_VENDORS = re.compile(r"^(nvidia|amd)\s+|^tesla\s+")


def find(name: str, multiprocessors: int | None = None) -> Card | None:
    """Return the card that a driver calls `name`, None where its figures are not known here.

    >>> find("NVIDIA H100 80GB HBM3").bf16 / 1e12
    989.5
    >>> find("NVIDIA GeForce RTX 4090 Laptop GPU") is None
    True

    `multiprocessors` is how many the driver counts: a slice of a card, or another card of the same
    name, has others.
    """
    plain = re.sub(r"[\s_-]+", " ", name.strip().lower())
    while plain != (shorter := _VENDORS.sub("", plain)):
        plain = shorter
    card = next((card for card in CARDS if plain in card.names), None)
    if card is not None and multiprocessors not in (None, card.multiprocessors):
        return None
    return card
