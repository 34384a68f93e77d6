"""Claim: without padding, a kernel of k taps at dilation d turns n positions into n - d(k - 1).

python examples/output_length.py
"""

import torch
from torch import nn

import archscope

n = 100
for k in (2, 3, 5):
    for d in (1, 2, 7):
        report = archscope.receptive_field(
            [d], kernel_size=[k], padding="valid", spatial_dims=1, input_size=n
        )
        (layer,) = report.section("layers").rows
        real = nn.Conv1d(1, 1, k, dilation=d)(torch.zeros(1, 1, n)).shape[-1]
        (outputs,) = layer.output_size  # a number for each axis
        print(f"n {n}, k {k}, d {d}: {outputs} outputs")
        assert outputs == real == n - d * (k - 1)

# Layer after layer the lengths go down by as much as the receptive field goes up.
report = archscope.receptive_field([1, 2, 4], padding="valid", spatial_dims=1, input_size=n)
for layer in report.section("layers").rows:
    assert layer.output_size[0] == n - layer.receptive_field[0] + 1
print("outputs = inputs - receptive field + 1")
