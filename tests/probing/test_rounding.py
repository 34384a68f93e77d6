"""What cancels leaves rounding, which a proof does not take for an answer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.receptive import receptive
from archscope.probing.verify import verify
from archscope.subject import Inputs

pytestmark = pytest.mark.usefixtures("one_thread")


class ByTransforms(nn.Module):
    """A causal convolution of four taps by FFT, which looks ahead by `leak`."""

    def __init__(self, leak: int = 0) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(2, 4))
        self.leak = leak

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        spectrum = torch.fft.rfft(x, 2 * n) * torch.fft.rfft(self.kernel, 2 * n)
        return torch.fft.irfft(spectrum, 2 * n)[..., self.leak : n + self.leak]


class BySums(nn.Module):
    """Means of five by two sums so far."""

    def forward(self, x: Tensor) -> Tensor:
        sums = F.pad(x.cumsum(-1), (5, 0))
        return (sums[..., 5:] - sums[..., :-5]) / 5


@pytest.mark.parametrize("model", [ByTransforms(), ByTransforms(leak=1), BySums()])
def test_what_is_seen_past_what_cancels_is_proven(model: nn.Module) -> None:
    inputs = Inputs(args=(torch.zeros(1, 2, 24),))

    proof = verify(model, inputs, receptive(model, inputs, axes=(2,)))

    # NaN is left of what cancels, so that it shows less.
    assert proof.reason.startswith("NaN outside the set reaches the output")
    edges = [edge for shown in proof.shown for edge in shown.edges]
    assert edges
    assert all(edge.graph == edge.changes == edge.gradients for edge in edges)


def test_a_set_that_is_too_small_is_still_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from archscope.dependence.rules import transforms
    from archscope.dependence.sets.links import Links, Taps

    whole = transforms.circular

    def less(taps: object) -> Links | None:
        links = whole(taps)  # type: ignore[arg-type]
        assert isinstance(links, Taps)
        return Taps(links.reads, links.index[:, :-1])

    monkeypatch.setattr(transforms, "circular", less)
    model, inputs = ByTransforms(), Inputs(args=(torch.zeros(1, 2, 24),))

    assert "outside the set" in verify(model, inputs, receptive(model, inputs, axes=(2,))).reason
