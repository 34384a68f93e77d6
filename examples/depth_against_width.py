"""Claim: of as many parameters, a deeper Transformer computes more, in many more steps.

python examples/depth_against_width.py
archscope search transformer --iso params=124M --depth 6:96:*2

Tay et al. 2021, "Scale Efficiently" (arXiv:2109.10686), make depth go before width: DeepNarrow.
What that costs beside parameters is counted here, for the shape of GPT-2 small.
"""

import archscope

DEPTHS = [6, 12, 24, 48, 96]
found = archscope.search("transformer", iso="params=124M", depth=DEPTHS)
rows = found.section("search.variants").rows

print("depth  d_model   parameters        MACs  activations  operator calls")
for row in rows:
    print(
        f"{row.depth:5}  {row.d_model:7}  {row.params:11,}  {row.macs / 1e9:8.1f} G"
        f"  {row.activation_bytes / 2**20:7.0f} MiB  {row.launches:14,}"
    )

assert [row.depth for row in rows] == DEPTHS
assert all(abs(row.off) < 0.015 for row in rows)  # parameters are alike
for name in ("macs", "activation_bytes", "launches"):
    values = [getattr(row, name) for row in rows]
    assert values == sorted(values)
# The table of tokens takes width alone; what a narrow model saves there goes into its blocks.
wide, deep = rows[0], rows[-1]
assert 1.3 < deep.macs / wide.macs < 1.4
assert deep.launches > 14 * wide.launches
print(f"Depth 96 calls {deep.launches / wide.launches:.1f} times as many operators as depth 6")
