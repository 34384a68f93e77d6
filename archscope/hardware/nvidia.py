"""NVIDIA's cards."""

from __future__ import annotations

from archscope.hardware.card import Card, card

_A100_40 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet.pdf"
_A100_80 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
_A30 = "https://www.nvidia.com/content/dam/en-zz/Solutions/data-center/products/a30-gpu/pdf/a30-datasheet.pdf"
_A40 = "https://images.nvidia.com/content/Solutions/data-center/a40/nvidia-a40-datasheet.pdf"
_A10 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a10/pdf/a10-datasheet.pdf"
_A10G = (
    "https://d1.awsstatic.com/product-marketing/ec2/NVIDIA_AWS_A10G_DataSheet_FINAL_02_17_2022.pdf"
)
_H100 = "https://www.nvidia.com/en-us/data-center/h100/"
_H100_PCIE = "https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet"
_H200 = "https://www.nvidia.com/en-us/data-center/h200/"
_H800 = "https://chaoqing-i.com/upload/20231128/NVIDIA%20H800%20GPU%20Datasheet.pdf"
_H20 = "https://www.an-link.com/Se_d_gci_47_id_13.html"
_GH200 = "https://resources.nvidia.com/en-us-grace-cpu/grace-hopper-superchip"
_B200 = "https://images.nvidia.com/aem-dam/Solutions/documents/HGX-B200-PCF-Summary.pdf"
_GB200 = "https://www.nvidia.com/en-us/data-center/gb200-nvl72/"
_ULTRA = "https://resources.nvidia.com/en-us-blackwell-architecture/blackwell-ultra-datasheet"
_L4 = "https://resources.nvidia.com/en-us-data-center-overview/l4-gpu-datasheet"
_L40 = "https://www.nvidia.com/content/dam/en-zz/Solutions/design-visualization/support-guide/NVIDIA-L40-Datasheet-January-2023.pdf"
_L40S = "https://www.nvidia.com/en-us/data-center/l40s/"
_T4 = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/tesla-t4/t4-tensor-core-datasheet-951643.pdf"
_V100 = "https://images.nvidia.com/content/technologies/volta/pdf/volta-v100-datasheet-update-us-1165301-r5.pdf"
_AMPERE = (
    "https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf"
)
_ADA = "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"
_ADA_PRO = "https://images.nvidia.com/aem-dam/en-zz/Solutions/technologies/NVIDIA-ADA-GPU-PROVIZ-Architecture-Whitepaper_1.1.pdf"
_BLACKWELL = "https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf"
_BLACKWELL_PRO = "https://www.nvidia.com/content/dam/en-zz/Solutions/design-visualization/quadro-product-literature/NVIDIA-RTX-Blackwell-PRO-GPU-Architecture-v1.0.pdf"
_RTX_5060 = "https://www.nvidia.com/en-us/geforce/graphics-cards/50-series/rtx-5060-family/"
_RTX_40 = "https://www.nvidia.com/en-us/geforce/graphics-cards/40-series"
_RTX_4060 = f"{_RTX_40}/rtx-4060-4060ti/"
_RTX_4070 = f"{_RTX_40}/rtx-4070-family/"
_RTX_4080 = f"{_RTX_40}/rtx-4080-family/"


def _hopper(
    word: str,
    names: tuple[str, ...],
    bandwidth: float,
    source: str,
    *,
    second_hand: bool = False,
) -> Card:
    """Return a Hopper card at its full clock; its rates are printed with sparsity."""
    return card(
        word,
        names,
        132,
        67e12,
        989e12 / 2,
        1979e12 / 2,
        bandwidth,
        source,
        printed=2,
        second_hand=second_hand,
    )


def _geforce(
    name: str,
    multiprocessors: int,
    fp32: float,
    fp16: float,
    bandwidth: float,
    source: str,
    *,
    printed: int = 1,
) -> Card:
    """Return a GeForce card, which has tf32 at the rate of fp32."""
    word, names = name.replace(" ", "-"), (f"geforce {name}",)
    return card(word, names, multiprocessors, fp32, fp32, fp16, bandwidth, source, printed=printed)


CARDS: tuple[Card, ...] = (
    # Word, names, multiprocessors, FLOP/s of fp32, tf32, fp16 and bf16, bytes/s, source.
    card(
        "a100-40gb",
        ("a100 sxm4 40gb", "a100 pcie 40gb"),
        108,
        19.5e12,
        156e12,
        312e12,
        1.555e12,
        _A100_40,
    ),
    card(
        "a100",
        ("a100 sxm4 80gb", "a100 sxm 80gb"),
        108,
        19.5e12,
        156e12,
        312e12,
        2.039e12,
        _A100_80,
    ),
    card("a100-80gb-pcie", ("a100 80gb pcie",), 108, 19.5e12, 156e12, 312e12, 1.935e12, _A100_80),
    card("a30", ("a30",), 56, 10.3e12, 82e12, 165e12, 933e9, _A30),
    card("a40", ("a40",), 84, 37.4e12, 74.8e12, 149.7e12, 696e9, _A40),
    card("a10", ("a10",), 72, 31.2e12, 62.5e12, 125e12, 600e9, _A10),
    # Another card than the A10: more multiprocessors, tensor cores at half the rate.
    card("a10g", ("a10g",), 80, 35e12, 35e12, 70e12, 600e9, _A10G),
    card("a6000", ("rtx a6000",), 84, 38.7e12, 77.4e12, 154.8e12, 768e9, _ADA_PRO),
    _hopper("h100", ("h100 80gb hbm3", "h100 sxm5 80gb"), 3.35e12, _H100),
    card(
        "h100-pcie",
        ("h100 pcie",),
        114,
        51e12,
        756e12 / 2,
        1513e12 / 2,
        2.0e12,
        _H100_PCIE,
        printed=2,
    ),
    card("h100-nvl", ("h100 nvl",), 132, 60e12, 835e12 / 2, 1671e12 / 2, 3.9e12, _H100, printed=2),
    _hopper("h200", ("h200", "h200 sxm"), 4.8e12, _H200),
    card("h200-nvl", ("h200 nvl",), 132, 60e12, 835e12 / 2, 1671e12 / 2, 4.8e12, _H200, printed=2),
    # The link between cards is what was cut, and arithmetic in 64 bits.
    _hopper("h800", ("h800",), 3.35e12, _H800, second_hand=True),
    card(
        "h800-pcie",
        ("h800 pcie",),
        114,
        51e12,
        756e12 / 2,
        1513e12 / 2,
        2.0e12,
        _H800,
        printed=2,
        second_hand=True,
    ),
    card("h20", ("h20",), 78, 44e12, 74e12, 148e12, 4.0e12, _H20, second_hand=True),
    # Named by the memory of the processor beside it; the card's own is 96 GB.
    _hopper("gh200", ("gh200 480gb", "gh200 120gb"), 4.0e12, _GH200),
    _hopper("gh200-144gb", ("gh200 144g hbm3e",), 4.9e12, _GH200),
    # Printed for a board of eight: 600 TFLOP/s of fp32, 18 and 36 PFLOP/s with sparsity, 62 TB/s.
    card(
        "b200",
        ("b200",),
        148,
        600e12 / 8,
        18e15 / 8 / 2,
        36e15 / 8 / 2,
        62e12 / 8,
        _B200,
        printed=2,
    ),
    card(
        "b300",
        ("b300 sxm6 ac",),
        148,
        600e12 / 8,
        18e15 / 8 / 2,
        36e15 / 8 / 2,
        8e12,
        _ULTRA,
        printed=2,
    ),
    # Printed for 72 of them: 5760 TFLOP/s of fp32, 180 and 360 PFLOP/s with sparsity, 576 TB/s.
    card(
        "gb200",
        ("gb200",),
        152,
        5760e12 / 72,
        180e15 / 72 / 2,
        360e15 / 72 / 2,
        576e12 / 72,
        _GB200,
        printed=2,
    ),
    card(
        "gb300",
        ("gb300",),
        152,
        5760e12 / 72,
        180e15 / 72 / 2,
        360e15 / 72 / 2,
        576e12 / 72,
        _ULTRA,
        printed=2,
    ),
    card("l4", ("l4",), 58, 30.3e12, 120e12 / 2, 242e12 / 2, 300e9, _L4, printed=2),
    # The L40S has its tensor cores at twice the rate of the L40's.
    card("l40", ("l40",), 142, 90.5e12, 90.5e12, 181.05e12, 864e9, _L40),
    card("l40s", ("l40s",), 142, 91.6e12, 183e12, 362.05e12, 864e9, _L40S),
    card(
        "rtx-6000-ada",
        ("rtx 6000 ada generation",),
        142,
        91.1e12,
        182.1e12,
        364.2e12,
        960e9,
        _ADA_PRO,
    ),
    card(
        "rtx-pro-6000",
        ("rtx pro 6000 blackwell workstation edition",),
        188,
        126e12,
        251.9e12,
        503.8e12,
        1792e9,
        _BLACKWELL_PRO,
    ),
    card("t4", ("t4",), 40, 8.1e12, None, 65e12, 300e9, _T4),
    card("v100", ("v100 sxm2 16gb", "v100 sxm2 32gb"), 80, 15.7e12, None, 125e12, 900e9, _V100),
    card("v100-pcie", ("v100 pcie 16gb", "v100 pcie 32gb"), 80, 14e12, None, 112e12, 900e9, _V100),
    card("v100s", ("v100s pcie 32gb",), 80, 16.4e12, None, 130e12, 1134e9, _V100),
    _geforce("rtx 3070", 46, 20.3e12, 40.6e12, 448e9, _AMPERE),
    _geforce("rtx 3080", 68, 29.8e12, 59.5e12, 760e9, _AMPERE),
    _geforce("rtx 3090", 82, 35.6e12, 71e12, 936e9, _AMPERE),
    _geforce("rtx 3090 ti", 84, 40e12, 80e12, 1008e9, _ADA),
    # Pages that print cores, clock and the rate of 8-bit products with sparsity and short
    # accumulation, eight times the dense rate of 16 bits with 32-bit accumulation.
    _geforce("rtx 4060", 24, 15.1e12, 242e12 / 8, 272e9, _RTX_4060, printed=8),
    _geforce("rtx 4060 ti", 34, 22.1e12, 353e12 / 8, 288e9, _RTX_4060, printed=8),
    # Cards of this name with slower memory have 480 GB/s.
    _geforce("rtx 4070", 46, 29.1e12, 466e12 / 8, 504.2e9, _RTX_4070, printed=8),
    _geforce("rtx 4070 super", 56, 35.5e12, 568e12 / 8, 504.2e9, _RTX_4070, printed=8),
    _geforce("rtx 4070 ti", 60, 40.1e12, 80.2e12, 504.2e9, _ADA),
    _geforce("rtx 4070 ti super", 66, 44.1e12, 706e12 / 8, 672.3e9, _RTX_4070, printed=8),
    _geforce("rtx 4080", 76, 48.7e12, 97.5e12, 716.8e9, _ADA),
    _geforce("rtx 4080 super", 80, 52.2e12, 836e12 / 8, 736.3e9, _RTX_4080, printed=8),
    _geforce("rtx 4090", 128, 82.6e12, 165.2e12, 1008e9, _ADA),
    # A page that prints the rate of 4-bit products with sparsity, sixteen times the dense rate.
    _geforce("rtx 5060", 30, 19.2e12, 614e12 / 16, 448e9, _RTX_5060, printed=16),
    _geforce("rtx 5060 ti", 36, 23.7e12, 759e12 / 16, 448e9, _RTX_5060, printed=16),
    _geforce("rtx 5070", 48, 30.9e12, 61.7e12, 672e9, _BLACKWELL),
    _geforce("rtx 5070 ti", 70, 43.9e12, 87.9e12, 896e9, _BLACKWELL),
    _geforce("rtx 5080", 84, 56.3e12, 112.6e12, 960e9, _BLACKWELL),
    _geforce("rtx 5090", 170, 104.8e12, 209.5e12, 1792e9, _BLACKWELL),
)
