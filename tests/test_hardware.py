"""Peaks of cards: cited, dense, and never those of another card."""

from __future__ import annotations

import pytest

from archscope.errors import UsageError
from archscope.hardware import CARDS, find, named, others_named

# Multiprocessors x FLOPs per clock of each (two per multiply-accumulate, NVIDIA's and AMD's
# architecture papers) x boost clock in GHz: a second road to the printed dense 16-bit peaks.
CLOCKS = {
    "NVIDIA A100-SXM4-40GB": (108, 2048, 1.410),
    "NVIDIA A100-SXM4-80GB": (108, 2048, 1.410),
    "NVIDIA A100 80GB PCIe": (108, 2048, 1.410),
    "NVIDIA H100 80GB HBM3": (132, 4096, 1.830),
    "NVIDIA H100 PCIe": (114, 4096, 1.620),
    "NVIDIA H800 PCIe": (114, 4096, 1.620),
    "NVIDIA H200": (132, 4096, 1.830),
    "NVIDIA H800": (132, 4096, 1.830),
    "NVIDIA GH200 480GB": (132, 4096, 1.830),
    "NVIDIA GH200 144G HBM3e": (132, 4096, 1.830),
    "NVIDIA A30": (56, 2048, 1.440),
    "NVIDIA A40": (84, 1024, 1.740),
    "NVIDIA A10G": (80, 512, 1.710),
    "NVIDIA RTX A6000": (84, 1024, 1.800),
    "NVIDIA L40": (142, 512, 2.490),
    "NVIDIA RTX 6000 Ada Generation": (142, 1024, 2.505),
    "NVIDIA RTX PRO 6000 Blackwell Workstation Edition": (188, 1024, 2.617),
    "NVIDIA L4": (58, 1024, 2.040),
    "NVIDIA L40S": (142, 1024, 2.520),
    "NVIDIA A10": (72, 1024, 1.695),
    "Tesla T4": (40, 1024, 1.590),
    "Tesla V100-SXM2-32GB": (80, 1024, 1.530),
    "Tesla V100-PCIE-16GB": (80, 1024, 1.380),
    "Tesla V100S-PCIE-32GB": (80, 1024, 1.597),
    "NVIDIA GeForce RTX 3070": (46, 512, 1.725),
    "NVIDIA GeForce RTX 3080": (68, 512, 1.710),
    "NVIDIA GeForce RTX 3090": (82, 512, 1.695),
    "NVIDIA GeForce RTX 3090 Ti": (84, 512, 1.860),
    "NVIDIA GeForce RTX 4060": (24, 512, 2.460),
    "NVIDIA GeForce RTX 4060 Ti": (34, 512, 2.535),
    "NVIDIA GeForce RTX 4070": (46, 512, 2.475),
    "NVIDIA GeForce RTX 4070 SUPER": (56, 512, 2.475),
    "NVIDIA GeForce RTX 4070 Ti SUPER": (66, 512, 2.610),
    "NVIDIA GeForce RTX 4080 SUPER": (80, 512, 2.550),
    "NVIDIA GeForce RTX 4070 Ti": (60, 512, 2.610),
    "NVIDIA GeForce RTX 4080": (76, 512, 2.505),
    "NVIDIA GeForce RTX 4090": (128, 512, 2.520),
    "NVIDIA GeForce RTX 5060": (30, 512, 2.497),
    "NVIDIA GeForce RTX 5060 Ti": (36, 512, 2.572),
    "NVIDIA GeForce RTX 5070": (48, 512, 2.512),
    "NVIDIA GeForce RTX 5070 Ti": (70, 512, 2.452),
    "NVIDIA GeForce RTX 5080": (84, 512, 2.617),
    "NVIDIA GeForce RTX 5090": (170, 512, 2.407),
    "AMD Instinct MI210": (104, 1024, 1.700),
    "AMD Instinct MI250": (104, 1024, 1.700),  # one of two dies
    "AMD Instinct MI250X": (110, 1024, 1.700),
    "AMD Instinct MI300A": (228, 2048, 2.100),
    "AMD Instinct MI300X": (304, 2048, 2.100),
    "AMD Instinct MI325X": (304, 2048, 2.100),
    "AMD Instinct MI350X": (256, 4096, 2.200),
    "AMD Instinct MI355X": (256, 4096, 2.400),
}
HALF_THE_LANES = {
    "NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB PCIe", "NVIDIA A30",
    "Tesla T4", "Tesla V100-SXM2-32GB", "Tesla V100-PCIE-16GB", "Tesla V100S-PCIE-32GB",
}  # fmt: skip
WITHOUT_CLOCK = {"h100-nvl", "h200-nvl", "h20", "b200", "b300", "gb200", "gb300"}
"""Cards whose sources print rates, and no clock that gives them."""


def test_every_card_whose_clock_is_printed_has_a_second_road() -> None:
    assert {card.word for card in CARDS} - {find(name).word for name in CLOCKS} == WITHOUT_CLOCK  # type: ignore[union-attr]


@pytest.mark.parametrize("name", CLOCKS)
def test_a_printed_peak_is_what_the_clock_gives(name: str) -> None:
    multiprocessors, per_clock, clock = CLOCKS[name]
    card = find(name)

    assert card is not None
    assert card.multiprocessors == multiprocessors
    # A factor of two (sparsity, short accumulation) would be far outside; rounding is within 1.3 %.
    assert card.fp16 == pytest.approx(multiprocessors * per_clock * clock * 1e9, rel=0.013)
    # 32 bits, two FLOPs a clock: 128 lanes in each, 64 on Volta, Turing and the GA100.
    lanes = 128 if name in HALF_THE_LANES else 256
    rel = 0.09 if "H" in name.split()[1] else 0.02  # Hopper's clock is higher without matrices
    assert card.fp32 == pytest.approx(multiprocessors * lanes * clock * 1e9, rel=rel)


# Bits of the bus x Gbit/s of each pin / 8: a second road to the printed bandwidth in GB/s.
BUSES = {
    "a40": (384, 14.5), "a10": (384, 12.5), "a10g": (384, 12.5), "a6000": (384, 16),
    "l4": (192, 12.5), "l40": (384, 18), "l40s": (384, 18), "rtx-6000-ada": (384, 20),
    "rtx-pro-6000": (512, 28),
    "rtx-3070": (256, 14), "rtx-3080": (320, 19), "rtx-3090": (384, 19.5), "rtx-3090-ti": (384, 21),
    "rtx-4060": (128, 17), "rtx-4060-ti": (128, 18), "rtx-4070": (192, 21),
    "rtx-4070-super": (192, 21), "rtx-4070-ti": (192, 21), "rtx-4070-ti-super": (256, 21),
    "rtx-4080": (256, 22.4), "rtx-4080-super": (256, 23), "rtx-4090": (384, 21),
    "rtx-5060": (128, 28), "rtx-5060-ti": (128, 28), "rtx-5070": (192, 28),
    "rtx-5070-ti": (256, 28), "rtx-5080": (256, 30), "rtx-5090": (512, 28),
}  # fmt: skip
# Stacks of HBM are 1024 bits wide each; twice the clock of the memory.
STACKS = {
    "a100-40gb": (5, 2.430), "a100": (5, 3.186), "a100-80gb-pcie": (5, 3.024), "a30": (3, 2.430),
    "v100": (4, 1.754), "v100-pcie": (4, 1.754), "v100s": (4, 2.214), "mi210": (4, 3.2),
    "mi250": (4, 3.2), "mi250x": (4, 3.2), "mi300a": (8, 5.2), "mi300x": (8, 5.2),
    "mi325x": (8, 6.0), "mi350x": (8, 8.0), "mi355x": (8, 8.0),
}  # fmt: skip


@pytest.mark.parametrize("word", [*BUSES, *STACKS])
def test_a_printed_bandwidth_is_what_bus_and_pins_give(word: str) -> None:
    bits, rate = BUSES[word] if word in BUSES else (1024 * STACKS[word][0], STACKS[word][1])

    assert named(word).bandwidth == pytest.approx(bits * rate / 8 * 1e9, rel=0.025)


@pytest.mark.parametrize(
    ("word", "tops"),
    [("rtx-5070", 988), ("rtx-5070-ti", 1406), ("rtx-5080", 1801), ("rtx-5090", 3352)],
)
def test_a_sixteenth_of_4_bits_is_what_papers_print_for_16(word: str, tops: int) -> None:
    """The page of the 5060s prints the rate of 4 bits alone; of these the paper prints both."""
    assert named(word).fp16 == pytest.approx(tops * 1e12 / 16, rel=0.001)
    assert named("rtx-5060").printed == named("rtx-5060-ti").printed == 16


@pytest.mark.parametrize(
    ("name", "precision", "tflops"),
    [
        ("NVIDIA A100-SXM4-40GB", "bf16", 312.0),
        ("NVIDIA A100-PCIE-40GB", "tf32", 156.0),
        ("NVIDIA H100 80GB HBM3", "bf16", 989.5),  # 1979 with sparsity / 2
        ("NVIDIA H100 PCIe", "bf16", 756.5),  # 1513 / 2
        ("NVIDIA H100 NVL", "bf16", 835.5),  # 1671 / 2
        ("NVIDIA H200", "tf32", 494.5),  # 989 / 2
        ("NVIDIA B200", "bf16", 2250.0),  # 36 PFLOP/s with sparsity for eight / 8 / 2
        ("NVIDIA GeForce RTX 4090", "fp16", 165.2),  # not 330.3, with 16-bit accumulation
        ("NVIDIA GeForce RTX 3090", "tf32", 35.6),
        ("Tesla V100-SXM2-16GB", "fp16", 125.0),
        ("NVIDIA L40S", "fp32", 91.6),
        ("NVIDIA GB200", "bf16", 2500.0),  # 360 PFLOP/s with sparsity for 72 / 72 / 2
        ("NVIDIA B300 SXM6 AC", "tf32", 1125.0),  # 18 PFLOP/s with sparsity for eight / 8 / 2
        ("NVIDIA H20", "bf16", 148.0),
    ],
)
def test_dense_peaks(name: str, precision: str, tflops: float) -> None:
    card = find(name)

    assert card is not None
    assert card.peak(precision) == pytest.approx(tflops * 1e12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 3080 with Max-Q Design",
        "NVIDIA GeForce RTX 3080 Ti",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
        "NVIDIA A100-SXM-64GB",
        "NVIDIA H20-3e",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "AMD Instinct MI250X / MI250",  # either: the number of compute units tells
        "Tesla V100-SXM3-32GB",
        "NVIDIA",
        "",
        "my A100-SXM4-40GB",
    ],
)
def test_another_card_is_unknown_rather_than_wrong(name: str) -> None:
    assert find(name) is None


def test_a_slice_of_a_card_and_another_of_the_same_name_are_unknown() -> None:
    assert find("NVIDIA GeForce RTX 3080", 68) is not None
    assert find("NVIDIA GeForce RTX 3080", 70) is None  # the one with 12 GB
    assert find("NVIDIA H100 80GB HBM3", 16) is None
    assert find("AMD Instinct MI250X / MI250", 110) is named("mi250x")
    assert find("AMD Instinct MI250X / MI250", 104) is named("mi250")


def test_a_person_says_a_word_and_hears_what_else_it_could_mean() -> None:
    assert named("H100") is find("NVIDIA H100 80GB HBM3")
    assert others_named(named("h100")) == ("h100-pcie", "h100-nvl")
    assert named("RTX 4090") is named("NVIDIA GeForce RTX 4090") is named("rtx4090")
    with pytest.raises(UsageError, match=r"called 'h10' are known here\. Did you mean 'h100'"):
        named("h10")


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("H100 SXM", "h100"),
        ("a100-80gb", "a100"),  # as a100 alone: the one with 40 GB and the PCIe card say so
        ("a100 pcie 80gb", "a100-80gb-pcie"),
        ("4090", "rtx-4090"),
        ("4070 Ti", "rtx-4070-ti"),
        ("Tesla V100-SXM2-32GB", "v100"),
    ],
)
def test_a_card_is_named_by_some_of_its_parts(said: str, word: str) -> None:
    assert named(said).word == word


def test_a_device_that_is_half_of_a_package_says_so() -> None:
    assert named("mi250x").called == "mi250x (one of 2 devices of a package)"
    assert [card.word for card in CARDS if card.devices != 1] == ["mi250", "mi250x"]
    assert named("h100").called == "h100"


@pytest.mark.parametrize("said", ["40gb", "rtx", "sxm", "H100 94GB", "RTX 4090 Laptop GPU"])
def test_parts_that_tell_no_card_are_refused(said: str) -> None:
    with pytest.raises(UsageError, match=r"no cited figures|is a size and not a GPU"):
        named(said)


def test_the_vendor_may_be_left_out_and_hyphens_are_blanks() -> None:
    assert find("A100-SXM4-80GB") is find("NVIDIA A100-SXM4-80GB")
    assert find("NVIDIA Tesla T4") is find("Tesla T4")


def test_every_figure_is_cited_and_every_name_is_one_cards() -> None:
    told = [(name, card.multiprocessors) for card in CARDS for name in card.names]

    assert len(told) == len({*told})
    assert len({card.word for card in CARDS}) == len(CARDS)
    for card in CARDS:
        assert card.source.startswith("https://")
        assert card.fp32 <= (card.tf32 or card.fp32) <= card.fp16
        assert find(card.names[0]) is named(card.word) is card


def test_a_type_that_a_card_cannot_compute_has_no_peak_and_no_ridge() -> None:
    t4 = find("Tesla T4")

    assert t4 is not None
    assert t4.peak("bf16") is None
    assert t4.ridge("bf16") is None
    assert t4.ridge("fp16") == pytest.approx(65e12 / 300e9)
