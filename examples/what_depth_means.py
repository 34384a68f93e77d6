"""Claim: the word depth has three meanings, and twice the depth is not twice the network.

"GPT-2 has 12 layers" counts blocks, "ResNet-50" layers with weights, and theory nonlinearities.

    python examples/what_depth_means.py
"""

import archscope

print("depth     blocks   weighted layers   nonlinear   parameters   MACs per parameter")
params = {}
for depth in (12, 24, 48):
    report = archscope.params("transformer", depth=depth)
    blocks, weighted, nonlinear = (row.value for row in report.section("params.depth").rows)
    params[depth] = report.totals.trainable
    ratio = report.totals.macs / report.totals.trainable
    print(f"{depth:5} {blocks:10} {weighted:17} {nonlinear:11} {params[depth]:12,} {ratio:20,.0f}")
    # A block has four linear layers in a row, qkv, projection and two of the feed-forward, and a
    # softmax and a GELU; the head is one more layer with weights.
    assert (blocks, weighted, nonlinear) == (depth, 4 * depth + 1, 2 * depth)

# Embeddings and the last norm stay as they are: 39,383,808 and 1,536.
assert {params[depth] - depth * 7_087_872 for depth in params} == {39_385_344}
assert params[24] / params[12] < 1.69

# What the names of networks count:
for name, layers in (("resnet18", 18), ("resnet50", 50), ("vgg16", 16)):
    depths = {row.measure: row.value for row in archscope.params(name).section("depth").rows}
    print(f"{name}: {depths}")
    assert depths["weighted layers"] == layers
