"""Sequences whose modules keep their numbers where some of them were left out."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn


def numbered(blocks: Iterable[Any], build: Callable[[Any], nn.Module]) -> nn.Sequential:
    """Build each block under the number that ends its `path`."""
    found = nn.Sequential()
    for block in blocks:
        found.add_module(block.path.rpartition(".")[2], build(block))
    return found
