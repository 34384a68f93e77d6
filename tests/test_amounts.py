"""Numbers as they are typed: one way of reading them for every option of every command."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
import pytest
import torch
from torch import nn

import archscope
from archscope import specs
from archscope.analyses.kv.settings import Settings
from archscope.cli._group import group
from archscope.cli._numbers import Count, Seconds
from archscope.errors import SpecError, UsageError
from archscope.families.transformer.spec import TransformerSpec
from archscope.sweeping.axes import field_axis
from archscope.theory.durations import read_length


def test_fields_axes_and_lengths_read_the_same_units() -> None:
    field = next(field for field in specs.fields(TransformerSpec) if field.name == "seq_len")

    assert field.parse("2k") == 2_000
    assert field.parse("2Ki") == field.coerced("2Ki") == 2_048
    assert archscope.kv("gpt2", context="1Ki").totals.context == 1_024
    assert field_axis(field, "1k:4k:*2").values == (1_000, 2_000, 4_000)
    assert read_length("1k", None, "target") == 1_000
    with pytest.raises(SpecError, match="not an integer"):
        field.parse("2.5")
    assert Settings(card_memory="1TiB").card_memory == "1TiB"


def test_no_option_reads_numbers_by_itself() -> None:
    plain: list[Any] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        for option in command.params if command else ():
            if isinstance(option.type, click.IntRange) and not isinstance(option.type, Count):
                plain.append((name, option.name))

    assert plain == []
    assert Count(min=1).convert("1k", None, None) == 1_000
    assert Seconds(min=0).convert("500ms", None, None) == 0.5


def test_numbers_of_numpy_and_torch_are_numbers() -> None:
    found = [
        archscope.receptive_field(dilations).totals.receptive_field
        for dilations in ([1, 2], np.array([1, 2]), torch.tensor([1, 2]), range(1, 3))
    ]

    assert found == [(7, 7)] * 4
    assert archscope.kv("gpt2", context=np.int64(9)).totals.context == 9
    with pytest.raises(SpecError, match=r"8\.5 .* is not an integer"):
        archscope.build("cnn", channels=np.float64(8.5))


def test_what_must_be_a_name_is_no_module() -> None:
    for verb in (archscope.sweep, archscope.search, archscope.build):
        with pytest.raises(UsageError, match="by its name here, not as a Linear"):
            verb(nn.Linear(1, 1))
    with pytest.raises(UsageError, match="a NoneType has no receptive field"):
        archscope.receptive_field(None)
