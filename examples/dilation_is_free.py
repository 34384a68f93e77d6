"""Claim: dilation widens what a network sees and costs neither parameters nor multiplications.

python examples/dilation_is_free.py
"""

import archscope

COUNTED, SEEN = {}, {}
for dilations in [(1, 1, 1), (1, 2, 4), (1, 3, 9)]:
    report = archscope.params("cnn", dilations=dilations, channels=(64,), input_size=56)
    field = archscope.receptive_field("cnn", dilations=dilations, channels=(64,), input_size=56)
    COUNTED[dilations] = (report.totals.trainable, report.totals.macs)
    SEEN[dilations] = field.totals.receptive_field  # one number for each axis
    print(
        f"dilations {dilations}: {report.totals.trainable:,} parameters, "
        f"{report.totals.macs:,} multiply-accumulates, sees {SEEN[dilations]}"
    )

# 3 layers of 3 x 3 with biases: 3*9*64 + 64 and twice 64*9*64 + 64.
assert set(COUNTED.values()) == {(75_648, (3 * 9 * 64 + 2 * 64 * 9 * 64) * 56 * 56)}
# 1 + 2 * (sum of the dilations)
assert list(SEEN.values()) == [(7, 7), (15, 15), (27, 27)]
print("Same cost, wider view. What it may cost instead: examples/what_gridding_is.py")
