"""What holds itself is one error: torch's own walks never end on it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archscope
from archscope.errors import ArchscopeError
from archscope.running.nesting import require_walkable


def test_a_module_of_itself_is_named() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 4)))
    inner = model[0]
    inner.add_module("parent", model)

    with pytest.raises(ArchscopeError, match="a Sequential is a module of itself"):
        archscope.params(model, torch.zeros(2, 4))


def test_one_module_in_two_places_is_none_of_itself() -> None:
    shared = nn.Sequential(nn.Linear(4, 4))

    require_walkable(nn.ModuleList([shared, nn.Sequential(shared, shared[0]), shared]))
