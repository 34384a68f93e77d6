"""The rule of Hybrid Dilated Convolution, as the paper prints it; a metric, never our verdict."""

from collections.abc import Sequence


def hdc_distance(dilations: Sequence[int]) -> int | None:
    """Return M_2 of Wang et al. 2018 (equation 2), None for fewer than two layers.

    M_n = r_n; M_i = max(M_(i+1) - 2 r_i, 2 r_i - M_(i+1), r_i). The paper asks for M_2 <= kernel.
    That is exact for kernel 3, ascending rates that begin with 1, and stride 1; beyond that the
    rule passes gridded stacks (2,2,2) and fails full ones (1,3,1). `coverage.is_full` decides.

    >>> hdc_distance((1, 2, 5)), hdc_distance((1, 2, 9)), hdc_distance((2, 2, 2))
    (2, 5, 2)
    """
    if len(dilations) < 2:
        return None
    distance = dilations[-1]
    for rate in reversed(dilations[1:-1]):
        distance = max(distance - 2 * rate, 2 * rate - distance, rate)
    return distance
