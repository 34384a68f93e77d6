"""What the user's process has switched on is not timed, and is on again afterwards."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import archscope
from archscope.errors import UsageError
from archscope.subject import Inputs
from archscope.timing import calibration
from archscope.timing.clocks import clock_for
from archscope.timing.passes import Way, ready
from archscope.timing.placement import inputs_on
from archscope.timing.surroundings import require_autocast

CPU = torch.device("cpu")
QUICK: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 1, "budget": 1.0}


class Seen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.seen: list[Any] = []

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.fc(x)
        self.seen += [made.dtype, torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()]
        return made


@pytest.mark.parametrize("step", ["forward", "train"])
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_a_pass_is_what_was_asked_for_whatever_surrounds_the_call(step: Any) -> None:
    surrounding = (
        torch.autocast("cpu", torch.bfloat16),
        torch.inference_mode(),
        torch.autograd.set_detect_anomaly(True),
    )
    for each in surrounding:
        model = Seen()
        with each:
            x = torch.ones(1, 4)
            before = (torch.is_autocast_enabled("cpu"), torch.is_anomaly_enabled())
            with ready(
                model, Inputs(args=(x,)), device=CPU, precision="fp32", way=Way(step=step)
            ) as workload:
                for stage in workload.stages:
                    stage.run()
                seen = workload.model.seen
            assert (torch.is_autocast_enabled("cpu"), torch.is_anomaly_enabled()) == before
        assert set(seen) == {torch.float32, False}


def test_our_own_product_runs_where_only_deterministic_algorithms_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a card cuBLAS has none, unless a variable of the environment says so."""
    plain = torch.mm

    def like_cublas(*args: Any, **kwargs: Any) -> Tensor:
        if torch.are_deterministic_algorithms_enabled():
            raise RuntimeError("Deterministic behavior was enabled ... CUBLAS_WORKSPACE_CONFIG")
        return plain(*args, **kwargs)

    monkeypatch.setattr(torch, "mm", like_cublas)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert calibration.product(CPU, clock_for(CPU), torch.float32) is not None
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        report = archscope.time(nn.Linear(2, 2), torch.ones(1, 2), **QUICK)
    finally:
        torch.use_deterministic_algorithms(False)
    said = {row.name: row.value for row in report.section("conditions").rows}
    assert said["deterministic algorithms"] is True


def test_a_cast_that_torch_would_leave_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_autocast("bf16", CPU)
    require_autocast("fp16", CPU)
    with pytest.raises(UsageError, match="--autocast bf16: torch does not cast to it on META"):
        require_autocast("bf16", torch.device("meta"))
    # other devices only warn and go on in 32 bits
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)
    with pytest.raises(UsageError, match="--dtype fp16 casts weights and inputs once"):
        archscope.time(nn.Linear(2, 2), torch.ones(1, 2), autocast="fp16", **QUICK)


def test_lengths_of_packed_sequences_stay_on_the_cpu() -> None:
    """Where torch's recurrent layers read them, whatever the device."""
    packed = pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    given = inputs_on(Inputs(args=((packed,),)), torch.device("meta"), torch.float32)

    ((moved,),) = given.args
    assert isinstance(moved, PackedSequence)
    assert (moved.data.device.type, moved.batch_sizes.device.type) == ("meta", "cpu")


class Pair(NamedTuple):
    x: Tensor
    y: Tensor


class Batch(UserDict[str, Tensor]):
    """As what a tokenizer of transformers returns."""


class Outputs(OrderedDict[str, Tensor]):
    pass


@pytest.mark.parametrize(
    "made", [Pair(torch.ones(1), torch.ones(1)), Batch(x=torch.ones(1)), Outputs(x=torch.ones(1))]
)
def test_inputs_in_containers_of_a_class_of_their_own_are_cast_too(made: Any) -> None:
    (given,) = inputs_on(Inputs(args=(made,)), torch.device("meta"), torch.bfloat16).args

    assert type(given) is type(made)
    values = given if isinstance(given, tuple) else given.values()
    assert {(each.dtype, each.device.type) for each in values} == {(torch.bfloat16, "meta")}


def test_memory_is_seen_where_tensors_are_made_elsewhere_by_default() -> None:
    with torch.device("meta"):
        report = archscope.time(
            nn.Linear(2, 2, device="cpu"), torch.ones(1, 2, device="cpu"), **QUICK
        )

    assert report.section("passes").rows[0].peak_bytes is not None
