"""What verbs of the library say of arguments that they cannot take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archscope
from archscope.errors import UsageError

X = torch.zeros(2, 4)


@pytest.mark.parametrize(
    "verb",
    [
        archscope.params,
        *(archscope.memory, archscope.train, archscope.finetune, archscope.kv, archscope.plan),
        *(archscope.scaling, archscope.time, archscope.report, archscope.audit),
        lambda *given: archscope.check(*given, max={"params": "1M"}),
        lambda *given: archscope.compare(*given[:1], "cnn", args=given[1:]),
        lambda *given: archscope.time_together(*given[:1], "cnn", args=given[1:]),
        lambda *given: archscope.analyse("params", *given),
    ],
)
def test_inputs_beside_a_name_are_refused_and_not_left_out(verb: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="only a module takes inputs"):
        verb("cnn", X)


@pytest.mark.parametrize("verb", [archscope.sweep, archscope.search])
def test_variants_of_a_module_in_memory_are_refused(verb: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=r"by its name here, not as a Linear"):
        verb(nn.Linear(4, 4), depth=[1, 2])


def test_numbers_and_number_types_may_be_those_of_numpy_and_torch() -> None:
    types: Any = {"dtype": torch.bfloat16, "micro_batch": np.int64(1)}
    report = archscope.memory(nn.Linear(4, 4), X, **types)

    assert report.totals.inputs == 4 * 2  # one row of four numbers
    of_torch: Any = torch.float32
    assert archscope.kv("gpt2", kv_dtype=of_torch).totals.per_position == 2 * 12 * 768 * 4


@pytest.mark.parametrize(
    ("verb", "asked", "said"),
    [
        (archscope.memory, {"freeze": nn.Linear(4, 4)}, "of type Linear"),
        (archscope.memory, {"autocast": True}, "not one of 'off', 'bf16'"),
        (archscope.plan, {"tokens": float("nan")}, "'nan' is not a number of tokens"),
        (archscope.plan, {"tokens": float("inf")}, "'inf' is not a number of tokens"),
    ],
)
def test_what_is_none_of_its_kind_is_told_in_a_line(
    verb: Callable[..., Any], asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        verb("gpt2", **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"step": "backward"}, "'backward' is not one of forward, train, decode"),
        ({"attention_kernel": "flsh"}, "Did you mean 'flash'"),
        ({"runs": 2.5}, "runs 2.5; they must be at least"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"device": 0}, "'0' is not a device"),
    ],
)
def test_a_time_of_what_is_none_is_told_in_a_line(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        archscope.time(nn.Linear(4, 4), X, **asked)


def test_a_time_takes_number_types_of_torchs() -> None:
    of_torch: Any = torch.bfloat16

    assert archscope.time(nn.Linear(4, 4), X, gpu="h100", dtype=of_torch).totals.precision == "bf16"


def test_words_are_taken_in_other_letters() -> None:
    told = archscope.kv("gpt2", kv_dtype="FP8", runtime="vLLM")

    assert told.totals == archscope.kv("gpt2", kv_dtype="fp8", runtime="vllm").totals
    with pytest.raises(UsageError, match="Did you mean 'fp8'"):
        archscope.kv("gpt2", kv_dtype="fp9")


def test_a_setting_that_is_misspelt_is_no_argument_of_the_network() -> None:
    for model, args in (("gpt2", ()), (nn.Linear(4, 4), (X,))):
        with pytest.raises(UsageError, match=r"no setting 'optimiser'\. Did you mean 'optimizer'"):
            archscope.memory(model, *args, optimiser="sgd")
    with pytest.raises(UsageError, match="Did you mean 'depth'"):
        archscope.plan("gpt2", dept=3)  # nearer to a field
