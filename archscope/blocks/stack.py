"""Lists of blocks that keep their numbers where some of them are left out."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import nn

from archscope.blocks.plan import Block, number_of

B = TypeVar("B", bound=Block)


def stack(plan: Iterable[B], build: Callable[[B], nn.Module]) -> nn.ModuleList:
    """Build each block under the number in its path; one that runs again is there once."""
    found = nn.ModuleList()
    for block in dict.fromkeys(plan):
        found.add_module(number_of(block), build(block))
    return found


def sequence(plan: Iterable[B], build: Callable[[B], nn.Module]) -> nn.Sequential:
    """Build blocks that run one after the other, each under the number in its path."""
    found = nn.Sequential()
    for block in plan:
        found.add_module(number_of(block), build(block))
    return found
