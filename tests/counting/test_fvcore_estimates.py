"""What fvcore estimates of a trace is what is estimated of the operators that ran."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from archscope.counting.forward import count_forward
from archscope.families import FAMILIES
from archscope.library import params
from archscope.library._named import network_of
from archscope.subject import Inputs, Subject
from tests.light import LIGHT


@pytest.mark.parametrize("family", FAMILIES.names())
def test_the_same_for_every_family(family: str) -> None:
    count = count_forward(network_of(family, LIGHT.get(family, {})).subject())

    assert count.fvcore is not None
    assert count.dispatcher.fvcore_estimates == count.fvcore.fvcore_estimates


class Doing(nn.Module):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return {
            "nearest": lambda: functional.interpolate(x, scale_factor=2),
            "bilinear": lambda: functional.interpolate(x, scale_factor=2, mode="bilinear"),
            "grid": lambda: functional.grid_sample(x, x.new_zeros(2, 5, 5, 2), align_corners=False),
            "pool": lambda: functional.adaptive_avg_pool2d(x, 3),
            "global pool": lambda: functional.adaptive_avg_pool2d(x, 1),
            "instance": lambda: functional.instance_norm(x),
            "norm": lambda: functional.layer_norm(x, (8, 8)),
            "rms": lambda: functional.rms_norm(x, (8,)),
            "rms, weight": lambda: functional.rms_norm(x, (8,), x.new_ones(8)),
            "rms, weight=": lambda: functional.rms_norm(x, (8,), weight=x.new_ones(8)),
            "instance, weight": lambda: functional.instance_norm(x, None, None, x.new_ones(4)),
            "instance, torch's": lambda: torch.instance_norm(
                x, x.new_ones(4), None, None, None, True, 0.1, 1e-5, False
            ),
            "norm, weight": lambda: functional.layer_norm(x, (8,), x.new_ones(8)),
            "batch, weight": lambda: functional.batch_norm(
                x, None, None, x.new_ones(4), None, True
            ),
            "group, weight": lambda: functional.group_norm(x, 2, x.new_ones(4)),
        }[self.what]()


# x has 2 * 4 * 8 * 8 = 512 elements
@pytest.mark.parametrize(
    ("module", "flops"),
    [
        (Doing("nearest"), 4 * 512),
        (Doing("bilinear"), 4 * 4 * 512),
        (Doing("grid"), 4 * 2 * 4 * 25),
        (Doing("pool"), 512),
        (Doing("global pool"), 512),
        (Doing("instance"), 4 * 512),
        (Doing("norm"), 4 * 512),
        (Doing("rms"), 4 * 512),
        (Doing("rms, weight"), 5 * 512),
        (Doing("rms, weight="), 5 * 512),
        (Doing("instance, weight"), 5 * 512),
        (Doing("instance, torch's"), 5 * 512),
        (Doing("norm, weight"), 5 * 512),
        (Doing("batch, weight"), 5 * 512),
        (Doing("group, weight"), 5 * 512),
        (nn.BatchNorm2d(4), 2 * 512),
        (nn.BatchNorm2d(4, affine=False), 512),
        (nn.BatchNorm2d(4, track_running_stats=False), 5 * 512),
        (nn.GroupNorm(2, 4), 5 * 512),
        (nn.GroupNorm(2, 4, affine=False), 4 * 512),
        (nn.LayerNorm(8), 5 * 512),
        (nn.RMSNorm(8), 5 * 512),
        (nn.InstanceNorm2d(4, affine=True), 5 * 512),
    ],
)
def test_the_same_for_every_operator(module: nn.Module, flops: int) -> None:
    x = torch.rand(2, 4, 8, 8)
    inputs = Inputs(args=(x,))
    count = count_forward(Subject(name="x", model=module, inputs=inputs, origin="memory"))

    assert count.fvcore is not None
    assert count.fvcore.fvcore_estimates == count.dispatcher.fvcore_estimates == {"": flops}


def test_scripted_norms_are_estimated_too() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated
        scripted = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)))

    report = params(nn.Sequential(scripted), torch.rand(2, 4, 8), strict=True)

    # 8 rows of 8 x 8 products, and 5 for each of 64 elements
    assert report.totals.flops == 512 + 5 * 64


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scripting is deprecated

    @torch.jit.script
    def normed(x: torch.Tensor) -> torch.Tensor:
        return torch.layer_norm(x, [8])


class ScriptedNorm(nn.Module):
    """Norms in a scripted function, of which torch's tracer sees nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return normed(self.fc(x))


def test_what_the_tracer_misses_is_noticed_by_the_estimates() -> None:
    report = params(ScriptedNorm(), torch.rand(4, 8), strict=True)

    # 4 rows of 8 x 8 products, and 4 for each of 32 elements
    assert report.totals.flops == 256 + 4 * 32
    assert any("part of it is scripted" in note.text for note in report.notes)
