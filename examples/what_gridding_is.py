"""Gridding: dilated layers can leave most of their receptive field unseen, like a comb.

python examples/what_gridding_is.py
"""

import archscope


def picture(dilations: list[int]) -> str:
    """Draw one axis of the receptive field: a sign per position, `.` where nothing is seen."""
    rows = archscope.receptive_field(dilations).section("positions").rows
    return "".join("#" if row.paths else "." for row in rows)


for dilations in ([1, 2, 4], [2, 2, 2], [1, 2, 9]):
    totals = archscope.receptive_field(dilations).totals
    share = totals.reached / totals.positions
    print(f"{dilations}: {picture(dilations)}  {totals.reached} of {totals.positions}, {share:.1%}")

assert picture([1, 2, 4]) == "#" * 15
assert picture([2, 2, 2]) == "#.#.#.#.#.#.#"
assert picture([1, 2, 9]) == "#######..#######..#######"

# 71% is missed, and no neighbours share anything: four networks (two along each axis) in one.
gridded = archscope.receptive_field([2, 2, 2])
assert (gridded.totals.reached, gridded.totals.positions) == (7**2, 13**2)
assert gridded.totals.streams == (2, 2)

# The cure costs nothing: same field, same parameters.
verdict = gridded.notes[0]
print(verdict.details[-1])
assert archscope.receptive_field([1, 2, 3]).totals.reached == 13**2

# Hybrid Dilated Convolution's own rule, M2 <= 3, lets this one pass (Wang et al. 2018).
assert gridded.section("maps").rows[0].hdc_m2 == 2
