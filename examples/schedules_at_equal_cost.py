"""Claim: twelve layers cost the same and see from 25 to 531,441 samples, by their dilations alone.

python examples/schedules_at_equal_cost.py
archscope search cnn --causal --depth 12 --kernel-size 3 --channels 32 \
  --dilations "furthest;doubling;doubling:2;doubling:3;hdc;ones" --maximise rf

The further they reach the less they meet: against some map within, the outputs fall into streams.
"""

import archscope

SCHEDULES = ["furthest", "doubling", "doubling:2", "doubling:3", "hdc", "ones"]
found = archscope.search(
    "cnn",
    causal=True,
    depth=12,
    kernel_size=3,
    channels=32,
    dilations=SCHEDULES,
    maximise="rf",
    measure="streams_within",
    verify=False,
)
rows = found.section("search.variants").rows

print("dilations   sees        parameters  MACs        within")
for row in rows:
    (sees,) = row.receptive_field
    print(f"{row.dilations:10}  {sees:7,}  {row.params:13,}  {row.macs:,}  {row.also}")

assert len({(row.params, row.macs) for row in rows}) == 1  # equal cost
# 3^12; 1 + 2 (2^12 - 1); two times 1 + ... + 32; three times 1 + ... + 8; four times 1 + 2 + 5
reach = [3**12, 1 + 2 * 4095, 1 + 4 * 63, 1 + 6 * 15, 1 + 8 * 8, 1 + 2 * 12]
assert [row.receptive_field for row in rows] == [(each,) for each in reach]
assert all(row.coverage == 1 for row in rows)
