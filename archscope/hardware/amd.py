"""AMD's cards. A package of two dies is two devices to torch: half of what is printed each."""

from __future__ import annotations

from archscope.hardware.card import Card, card

_PAGES = "https://www.amd.com/en/products/accelerators/instinct"
_SHEETS = "https://www.amd.com/content/dam/amd/en/documents/instinct-tech-docs"
_MI210 = f"{_PAGES}/mi200/mi210.html"
_MI250 = f"{_PAGES}/mi200/mi250.html"
_MI250X = f"{_PAGES}/mi200/mi250x.html"
_MI300A = f"{_SHEETS}/data-sheets/amd-instinct-mi300a-data-sheet.pdf"
_MI300X = f"{_SHEETS}/data-sheets/amd-instinct-mi300x-data-sheet.pdf"
_MI325X = f"{_SHEETS}/product-briefs/instinct-mi325x-datasheet.pdf"
_MI350X = f"{_PAGES}/mi350/mi350x.html"
_MI355X = f"{_PAGES}/mi350/mi355x.html"
_EITHER = "instinct mi250x / mi250"
"""What the driver calls both: their compute units tell."""

CARDS: tuple[Card, ...] = (
    # Word, names, compute units, FLOP/s of fp32, tf32, fp16 and bf16, bytes/s, source.
    card("mi210", ("instinct mi210",), 104, 45.3e12, None, 181e12, 1.6384e12, _MI210, bf16=True),
    card(
        "mi250",
        ("instinct mi250", _EITHER),
        208 // 2,
        90.5e12 / 2,
        None,
        362.1e12 / 2,
        3.2768e12 / 2,
        _MI250,
        bf16=True,
        devices=2,
    ),
    card(
        "mi250x",
        ("instinct mi250x", _EITHER),
        220 // 2,
        95.7e12 / 2,
        None,
        383e12 / 2,
        3.2768e12 / 2,
        _MI250X,
        bf16=True,
        devices=2,
    ),
    card("mi300a", ("instinct mi300a",), 228, 122.6e12, 490.3e12, 980.6e12, 5.3e12, _MI300A),
    card(
        "mi300x",
        ("instinct mi300x", "instinct mi300x oam"),
        304,
        163.4e12,
        653.7e12,
        1307.4e12,
        5.3e12,
        _MI300X,
    ),
    card("mi325x", ("instinct mi325x",), 304, 163.4e12, 653.7e12, 1307.4e12, 6e12, _MI325X),
    # No short form of 32 bits any more: CDNA 4 computes it by other means.
    card("mi350x", ("instinct mi350x",), 256, 144.2e12, None, 2306.9e12, 8e12, _MI350X, bf16=True),
    card("mi355x", ("instinct mi355x",), 256, 157.3e12, None, 2516.6e12, 8e12, _MI355X, bf16=True),
)
