"""Claim: a depthwise-separable convolution costs 1/c_out + 1/k^2 of a standard one.

Howard et al. 2017 (MobileNets), section 3.1.

    python examples/depthwise_separable_cost.py
"""

from fractions import Fraction

import archscope

for channels, kernel in [(32, 3), (64, 3), (64, 5), (256, 3)]:
    macs = {}
    for kind in ("standard", "depthwise-separable"):
        report = archscope.params(
            "cnn",
            depth=1,
            conv=kind,
            in_channels=16,
            channels=(channels,),
            kernel_size=(kernel,),
            input_size=28,
        )
        macs[kind] = report.totals.macs
    ratio = Fraction(macs["depthwise-separable"], macs["standard"])
    print(f"{channels} channels, {kernel} x {kernel}: {float(ratio):.4f} of the multiplications")
    assert ratio == Fraction(1, channels) + Fraction(1, kernel**2)

# What is seen is the same: only the depthwise part looks at neighbours.
fields = [
    archscope.receptive_field("cnn", depth=4, dilations=(2,), conv=kind).totals.receptive_field
    for kind in ("standard", "depthwise-separable")
]
assert fields == [(17, 17), (17, 17)]
print("The receptive field stays the same:", fields[0])
