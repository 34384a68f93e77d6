"""A step of decoding computes the last position of a forward, and multiplies what `kv` says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import archscope
from archscope.analyses.kv.analysis import cache_of
from archscope.blocks.attention import ScaledDotProduct
from archscope.counting.dispatcher import DispatcherCounter
from archscope.errors import UsageError
from archscope.library._decoding import step_bytes, step_macs
from archscope.library._named import network_of
from archscope.timing.passes import Way, ready

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {"depth": 2, "d_model": 32, "heads": 4, "vocab_size": 64, "batch_size": 3}


def test_a_step_is_the_last_position_of_a_forward() -> None:
    subject = network_of("transformer", {**SMALL, "seq_len": 9, "positions": "none"}).whole()
    kept: list[tuple[Tensor, ...]] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, given: kept.append(given[1:]))
        for module in subject.model.modules()
        if isinstance(module, ScaledDotProduct)
    ]
    with torch.no_grad():
        whole = subject.model.eval()(*subject.inputs.args)
    for hook in hooks:
        hook.remove()

    way = Way(step="decode", context=9)
    assert subject.inputs is not None
    with ready(
        subject.model, subject.inputs, device=CPU, precision="fp32", way=way, copy=False
    ) as workload:
        workload.stages[0].run()
        caches = [vars(m)["forward"] for m in workload.model.modules() if "forward" in vars(m)]
        for cache, (keys, values) in zip(caches, kept, strict=True):
            cache.cache = keys.clone(), values.clone()
        step = workload.stages[0].run()
        held = workload.bytes_held()

    torch.testing.assert_close(step, whole[:, -1:])
    assert workload.stages[0].name == "decode"
    # keys and values of 2 layers x 3 sequences x 9 positions x 32 numbers of 4 bytes
    weights = sum(each.numel() for each in subject.model.parameters())
    assert held == 4 * (weights + 2 * 2 * 3 * 9 * 32) + 8 * 3
    assert not any("forward" in vars(module) for module in subject.model.modules())


@pytest.mark.parametrize(
    "fields",
    [{}, {"kv_heads": 2, "positions": "rotary"}, {"attention": "window", "window": 5}],
)
def test_it_multiplies_what_kv_says(fields: dict[str, Any]) -> None:
    network = network_of("transformer", {**SMALL, "seq_len": 16, **fields})
    subject = network.whole()
    assert subject.inputs is not None
    way = Way(step="decode", context=16)
    with ready(
        subject.model, subject.inputs, device=CPU, precision="fp32", way=way, copy=False
    ) as workload:
        counter = DispatcherCounter(workload.model, {})
        with counter.stack, counter:
            workload.call()

    assert sum(counter.count.macs().values()) == step_macs(cache_of(network), 16)


def test_what_is_told_of_it() -> None:
    quick = {"device": "cpu", "warmup": 0, "runs": 3, "budget": 5.0}
    report = archscope.time("transformer", **SMALL, step="decode", context=32, **quick)

    (row,) = report.section("passes").rows
    assert row.stage == "decode"
    assert row.items_per_s == pytest.approx(3 / row.median_s)
    assert row.macs == report.totals.macs
    assert "decoding, context 32" in report.title
    assert "seq 32" in report.title


@pytest.mark.parametrize("fields", [{}, {"attention": "window", "window": 5}, {"kv_heads": 1}])
def test_it_reads_what_kv_says(fields: dict[str, Any]) -> None:
    asked = {**SMALL, "seq_len": 16, **fields}
    told = archscope.kv("transformer", **asked, dtype="bf16")
    cache = cache_of(network_of("transformer", asked))

    assert step_bytes(cache, 16, "bf16") == told.totals.read
    assert step_bytes(cache, 16, "fp32") == step_bytes(cache, 16, "tf32") == 2 * told.totals.read


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("cnn", {}, "it does not decode"),
        ("transformer", {"arch": "encoder"}, "it does not decode"),
        ("transformer", {"mixer": "state-space"}, "keeps state space"),
    ],
)
def test_what_has_no_step_that_can_be_run(name: str, fields: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        archscope.time(name, **fields, step="decode", device="cpu")


def test_steps_of_several_networks_are_timed_in_turns() -> None:
    """Each is counted as by itself, and the row says that it is a step of decoding."""
    quick: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 2, "budget": 5.0}
    fields = "d_model=32,heads=4,vocab_size=64,seq_len=16"
    names = [f"transformer:depth={depth},{fields}" for depth in (1, 2)]
    both = archscope.time_together(*names, step="decode", context=16, **quick).section("ratios")

    alone = [archscope.time(name, step="decode", context=16, **quick).totals for name in names]
    assert [row.macs for row in both.rows] == [each.macs for each in alone]
    assert both.totals.stage == "decode"
    for asked, said in (({}, "needs --context"), ({"context": 16}, "it does not decode")):
        with pytest.raises(UsageError, match=said):
            archscope.time_together(names[0], "cnn", step="decode", **asked, **quick)


def test_a_step_is_timed_at_one_batch_size() -> None:
    with pytest.raises(UsageError, match="at one batch size"):
        archscope.time("transformer", **{**SMALL, "batch_size": (1, 2)}, step="decode")
