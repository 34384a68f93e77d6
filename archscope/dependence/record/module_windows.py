"""What a module of torch tells of the window that it reads: kernel, dilation, stride, padding."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from archscope.records import frozen
from archscope.running.attributes import stated

Sizes = tuple[int, ...]


@frozen
class ModuleWindow:
    """The window of one module; a number for each of its axes, None where it has no window."""

    kind: str = ""
    """`conv`, `pool` or `transposed`; empty for any other."""
    kernel: Sizes | None = None
    """Taps."""
    dilation: Sizes | None = None
    """Positions from tap to tap."""
    stride: Sizes | None = None
    """Positions from output to output; of up-sampling, its factor."""
    padding_before: Sizes | None = None
    """Positions that it adds before its input."""
    padding_after: Sizes | None = None
    """Positions that it adds after its input."""

    @property
    def effective_kernel(self) -> Sizes | None:
        """Positions from the first to the last tap."""
        if self.kernel is None or self.dilation is None:
            return None
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


def module_window(module: nn.Module, axes: int) -> ModuleWindow:
    """Return the window of a module of so many axes; an empty one where it does not tell."""
    found = _told(module)
    return found if len(found.kernel or ()) == axes else ModuleWindow()


def _told(module: nn.Module) -> ModuleWindow:
    if isinstance(module, _ConvTransposeNd):
        before = _sizes(module.padding)
        cut = zip(before, _sizes(module.output_padding), strict=True)
        return _window(module, "transposed", before, tuple(a - b for a, b in cut))
    if isinstance(module, _ConvNd):
        if isinstance(module.padding, str):
            twice = module._reversed_padding_repeated_twice  # last axis first
            return _window(module, "conv", tuple(twice[-2::-2]), tuple(twice[::-2]))
        return _window(module, "conv", _sizes(module.padding), _sizes(module.padding))
    if isinstance(module, _MaxPoolNd | _AvgPoolNd):
        axes = int(type(module).__name__[-2])
        return _window(module, "pool", *(_sizes(module.padding, axes),) * 2, axes=axes)
    return ModuleWindow()


def _window(module: Any, kind: str, before: Sizes, after: Sizes, *, axes: int = 1) -> ModuleWindow:
    kernel = _sizes(module.kernel_size, axes)
    return ModuleWindow(
        kind=kind,
        kernel=kernel,
        dilation=_sizes(stated(module, "dilation") or 1, len(kernel)),
        stride=_sizes(module.stride, len(kernel)),
        padding_before=before,
        padding_after=after,
    )


def _sizes(given: Any, axes: int = 1) -> Sizes:
    """Return one number for each axis, of one for all or of one for each."""
    if isinstance(given, int):
        return (given,) * axes
    sizes = tuple(given)
    return sizes * axes if len(sizes) == 1 else sizes
