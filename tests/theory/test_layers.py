"""What a layer accepts, and what it says otherwise."""

import pytest

from archscope.errors import SpecError, UsageError
from archscope.theory.layers import Layer, conv, dilated, output_size, pool, sizes, transposed


@pytest.mark.parametrize("field", ["kernel", "stride", "dilation"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_numbers_below_one(field: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"^{field}: {value} is not an integer of at least 1.$"):
        Layer(**{field: value})  # type: ignore[arg-type]


def test_the_layer_is_named() -> None:
    with pytest.raises(SpecError, match=r"dilation: 0 .* in layer conv2"):
        dilated((1, 0, 2))


def test_negative_padding() -> None:
    with pytest.raises(SpecError, match="padding: -1"):
        conv(3, padding=-1)


def test_counts_must_agree() -> None:
    with pytest.raises(UsageError, match="got 2 kernels for 3 dilations; give 1 or 3"):
        dilated((1, 2, 4), kernels=(3, 5))


def test_a_map_that_is_too_small() -> None:
    with pytest.raises(UsageError, match=r"conv1: 4 positions are too few.* spans 5"):
        sizes(dilated((2,), padding="valid"), 4)


def test_output_length_without_padding() -> None:
    # n - d (k - 1)
    assert output_size(conv(3, dilation=4, padding="valid"), 100) == 100 - 4 * 2


def test_ceil_mode_keeps_a_cut_window() -> None:
    assert output_size(pool(2), 7) == 3
    assert output_size(pool(2, ceil_mode=True), 7) == 4


def test_output_padding() -> None:
    # (5 - 1) * 2 + 3 - 2 * 1 + 1 = 10
    assert output_size(transposed(3, stride=2, padding=1, output_padding=1), 5) == 10
