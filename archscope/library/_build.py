"""Builds a named network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.library._named import network_of

if TYPE_CHECKING:
    from torch import nn


def build(name: str = "", **fields: Any) -> nn.Module:
    """Build a family's or a published network with random weights, on torch's default device.

    >>> model = build("transformer", depth=2, d_model=64, heads=4)
    >>> with torch.device("meta"):
    ...     large = build("transformer", depth=96, d_model=12288, heads=96)

    Raises `UsageError` for an unknown name or field, `SpecError` for an invalid value.
    """
    network = network_of(name, fields, parameters_alone=True)
    from archscope.running.transforms import outside_transforms

    with outside_transforms():  # torch.vmap lets nobody draw weights
        return network.whole().model
