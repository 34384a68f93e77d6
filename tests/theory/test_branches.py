"""Unions of paths."""

import pytest

from archscope.errors import UsageError
from archscope.theory.branches import union
from archscope.theory.layers import conv, dilated, pool


def test_aspp_is_no_product() -> None:
    row = union([(dilated((rate,)),) * 2 for rate in (6, 12, 18)])
    # 3 branches of 9 taps share the centre: 3 * 8 + 1 = 25 of 37^2; the product would be 7^2 = 49.
    assert (row.touched, row.positions) == (25, 1369)
    assert row.coverage == pytest.approx(0.0183, abs=5e-5)
    assert (row.axes[0].touched, row.axes[0].max_gap, row.axes[0].streams) == (7, 5, 6)
    assert row.centres == (0, 0, 0)


def test_three_axes() -> None:
    row = union([(dilated((rate,)),) * 3 for rate in (1, 2)])
    # 27 + 27 - 1 of 5^3
    assert (row.touched, row.positions) == (53, 125)


def test_a_path_can_fill_the_holes_of_another() -> None:
    row = union([(dilated((2,)),), (dilated((1,)),)])
    # {-2, 0, 2} and {-1, 0, 1}
    assert (row.axes[0].hull, row.axes[0].touched, row.axes[0].max_gap) == (5, 5, 0)


def test_misaligned_paths_reach_further_than_either() -> None:
    ahead = (conv(3, padding=(2, 0)),)
    behind = (conv(3, padding=(0, 2)),)
    row = union([(ahead,), (behind,)])
    # -2..0 and 0..2
    assert (row.axes[0].hull, row.axes[0].start) == (5, -2)
    assert row.centres == (-1, 1)


def test_different_strides_have_no_one_window() -> None:
    paths = [((conv(3),),), ((conv(3, stride=2),),)]
    with pytest.raises(UsageError, match="strides differ on axis 0: 1, 2"):
        union(paths)


def test_streams_of_a_strided_union() -> None:
    # After pooling by 2, branches of rate 2 and 4 leave odd and even outputs apart.
    row = union([((pool(2), *dilated((rate,))),) for rate in (2, 4)])
    assert row.axes[0].streams == 2
