"""Claim: doubling the dilation in each layer makes the receptive field grow exponentially.

python examples/doubling_dilations.py
"""

import archscope

print("layers   dilation 1   doubling   tripling   all without a hole")
for layers in range(1, 11):
    fields = {}
    for base in (1, 2, 3):
        totals = archscope.receptive_field([base**n for n in range(layers)]).totals
        assert totals.is_full
        fields[base] = totals.receptive_field[0]  # the other axis is alike
    print(f"{layers:6}   {fields[1]:10,}   {fields[2]:8,}   {fields[3]:8,}")
    assert fields[1] == 1 + 2 * layers  # linear
    assert fields[2] == 2 ** (layers + 1) - 1  # Yu & Koltun 2016
    assert fields[3] == 3**layers  # as much as 3 taps per layer can reach at all

# WaveNet (van den Oord et al. 2016): kernel 2, causal, where doubling is the most that can be.
wavenet = archscope.receptive_field([2**n for n in range(10)], kernel_size=[2], causal=True)
assert (wavenet.totals.receptive_field, wavenet.totals.most_paths) == ((1024,), 1)
print(f"WaveNet's ten layers: {wavenet.totals.receptive_field[0]:,} samples, each by one path")
