"""Memory of cards in GiB, from the documents that print their rates.

Vendors print GB and mean 2^30 bytes: a card of 80 GB has chips of 80 GiB, of which driver and error
correction keep a little. Left out are cards that are sold with several sizes under one name (4060
Ti, 5060 Ti, V100) and boards whose sum alone is printed (B300, GB300).
"""

from __future__ import annotations

from collections.abc import Mapping

GIB: Mapping[str, int] = {
    "a100-40gb": 40,
    "a100": 80,
    "a100-80gb-pcie": 80,
    "a30": 24,
    "a40": 48,
    "a10": 24,
    "a10g": 24,
    "a6000": 48,
    "h100": 80,
    "h100-pcie": 80,
    "h100-nvl": 94,
    "h200": 141,
    "h200-nvl": 141,
    "h800": 80,
    "h800-pcie": 80,
    "h20": 96,
    "gh200": 96,
    "gh200-144gb": 144,
    "b200": 180,
    "gb200": 186,
    "l4": 24,
    "l40": 48,
    "l40s": 48,
    "rtx-6000-ada": 48,
    "rtx-pro-6000": 96,
    "t4": 16,
    "v100s": 32,
    "rtx-3070": 8,
    "rtx-3080": 10,
    "rtx-3090": 24,
    "rtx-3090-ti": 24,
    "rtx-4060": 8,
    "rtx-4070": 12,
    "rtx-4070-super": 12,
    "rtx-4070-ti": 12,
    "rtx-4070-ti-super": 16,
    "rtx-4080": 16,
    "rtx-4080-super": 16,
    "rtx-4090": 24,
    "rtx-5060": 8,
    "rtx-5070": 12,
    "rtx-5070-ti": 16,
    "rtx-5080": 16,
    "rtx-5090": 32,
    "mi210": 64,
    "mi250": 64,  # half of the package's 128
    "mi250x": 64,
    "mi300a": 128,
    "mi300x": 192,
    "mi325x": 256,
    "mi350x": 288,
    "mi355x": 288,
}
"""By what a person calls the card."""
