"""What a pass takes of memory: weights made in their type, and the peak asked for before."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope import time
from archscope.analyses.time import memory_needed
from archscope.analyses.time.fit import built
from archscope.errors import ArchscopeError
from archscope.library._named import network_of
from archscope.subject import Inputs, Network, Subject
from archscope.timing.allocator import handed_out, most
from archscope.training.forward_peak import forward_peak

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {"depth": 2, "d_model": 64, "heads": 2, "vocab_size": 512, "seq_len": 8}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_are_made_in_their_type(dtype: torch.dtype) -> None:
    network = network_of("transformer", SMALL)
    made: list[Subject] = []

    _, handed = handed_out([lambda: made.append(built(network, CPU, dtype))])

    parameters = list(made[-1].model.parameters())
    assert {each.dtype for each in parameters} == {dtype}
    size = dtype.itemsize * sum(each.numel() for each in parameters)
    # The head is made before it is tied; made in 32 bits and cast, 16 would need twice its size.
    assert size <= most(handed) < 1.5 * size
    assert torch.get_default_dtype() is torch.float32


def test_a_network_that_is_made_in_32_bits_alone_is_cast() -> None:
    def whole() -> Subject:
        if torch.get_default_dtype() is not torch.float32:
            raise RuntimeError('"trunc_normal" not implemented for BFloat16')
        return Subject(name="own", model=nn.Linear(2, 2), inputs=None, origin="memory")

    network = Network(name="own", origin="memory", subject=whole, whole=whole)

    assert built(network, CPU, torch.bfloat16).model.weight.dtype is torch.float32


class Wide(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 1000), nn.Linear(1000, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())


def test_the_peak_of_a_forward_is_that_of_a_run() -> None:
    model, x = Wide(), torch.randn(16, 8)
    subject = Subject(name="wide", model=model, inputs=Inputs(args=(x,)), origin="memory")

    # x, and at the product before last 16 x 1000 before and after relu, in 4 or 2 bytes
    assert forward_peak(subject, torch.float32) == 4 * (16 * 8 + 2 * 16 * 1000)
    assert forward_peak(subject, torch.bfloat16) == 2 * (16 * 8 + 2 * 16 * 1000)
    ran = time(model, x, device="cpu", warmup=0, runs=1).section("passes").rows[0].peak_bytes
    weights = 4 * sum(each.numel() for each in model.parameters())
    assert ran == weights + forward_peak(subject, torch.float32)


@pytest.mark.parametrize(("step", "asked", "fits"), [("forward", 512, 256), ("train", 128, 64)])
def test_a_peak_that_does_not_fit_is_said_before_it_is_built(
    step: Any, asked: int, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Weights are 4 x 133,376 bytes. Forward: logits and what they are made of, 8 x (512 + 64) x 4
    # bytes of each sequence: 426 fit into the rest of 8 MiB. Training: four times the weights, and
    # between 49 and 98 kB of each, of which logits and their gradient are 33.
    monkeypatch.setattr(memory_needed, "machine_bytes", lambda: 8 * 2**20)
    with pytest.raises(ArchscopeError) as failed:
        time("transformer", **SMALL, batch_size=asked, device="cpu", step=step)

    said = str(failed.value)
    assert said.endswith(f"GiB at its peak; this machine has 0.0 GiB. Batch {fits} fits.")
