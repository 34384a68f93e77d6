"""A stack of blocks, all of them or only the first of each kind."""

from collections.abc import Callable, Collection

from torch import nn


def stack(
    path: str, depth: int, block: Callable[[int], nn.Module], *, without: Collection[str]
) -> nn.ModuleList:
    """Return the `depth` blocks that stand at `path`, each under its number.

    `block` makes the one of a number; those whose path is among `without` are not made.
    """
    blocks = nn.ModuleList()
    for number in range(depth):
        if f"{path}.{number}" not in without:
            blocks.add_module(str(number), block(number))
    return blocks
