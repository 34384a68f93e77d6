"""Claim: where the parameters are is not where the work is, and each type of layer has its place.

A convolution uses each of its weights at every position, a classifier's last layer uses it once.

    python examples/types_of_layers.py
"""

import archscope

TYPES = {}
for name in ("resnet50", "mobilenet_v2", "vit_b_16"):
    report = archscope.params(name)
    totals, rows = report.totals, report.section("params.types").rows
    TYPES[name] = {row.type: row for row in rows}
    print(f"{name}: {totals.trainable:,} parameters, {totals.macs:,} multiply-accumulates")
    for row in rows:
        if row.macs:
            each = row.macs_per_parameter
            print(
                f"  {row.type:18} {row.layers:3} layers, "
                f"{row.trainable / totals.trainable:6.1%} of parameters, "
                f"{row.macs / totals.macs:6.1%} of MACs"
                f"{f', {each:,.0f} MACs for each parameter' if each else ''}"
            )
    assert sum(row.trainable for row in rows) == totals.trainable
    assert sum(row.macs for row in rows) == totals.macs

# ResNet-50's one linear layer holds 8% of its weights, 2048*1000 + 1000, and uses each once.
assert TYPES["resnet50"]["linear"].trainable == 2_049_000
assert TYPES["resnet50"]["linear"].macs == 2_048_000
# A linear layer of a Vision Transformer works at each of 197 positions, as a convolution would.
assert 190 < TYPES["vit_b_16"]["linear"].macs_per_parameter < 197
# The 17 filters by which MobileNetV2 looks at neighbours are 2% of its 3,504,872 parameters.
assert TYPES["mobilenet_v2"]["depthwise conv 2d"].trainable == 64_224
