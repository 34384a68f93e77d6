"""Puts low-rank adapters beside layers, as peft places them; on a copy of a network alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from archscope.errors import UsageError, did_you_mean
from archscope.running.attributes import buffers_of, parameters_of, part_of
from archscope.running.twin import own
from archscope.theory.patterns import is_pattern, matches
from archscope.training.projections import called_the_same, fused_layers, third_of
from archscope.training.recipe import Adapters

ALL_LINEAR = "all-linear"
"""What peft calls every linear layer but the last."""


class Adapted(nn.Module):
    """A layer with an adapter beside it: base(x) + up(down(x)) (Hu et al. 2021, equation 3)."""

    def __init__(
        self, base: nn.Module, down: nn.Module, up: nn.Module, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.base_layer = base
        self.lora_A = down
        self.lora_B = up

    def __getattr__(self, name: str) -> Any:
        # As of peft's layers: a network that reads the weight itself gets the layer's own.
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "base_layer":
                raise
            return getattr(self.base_layer, name)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer makes of x, plus the adapter's part."""
        drops = self.dropout and x.is_floating_point()
        kept = functional.dropout(x, self.dropout, self.training) if drops else x
        return self.base_layer(x, *args, **kwargs) + self.lora_B(self.lora_A(kept))


class AdaptedThirds(Adapted):
    """A fused query, key and value with adapters beside some of them, each of its own."""

    def __init__(
        self, base: nn.Module, halves: Mapping[int, tuple[nn.Module, nn.Module]], dropout: float
    ) -> None:
        downs, ups = zip(*halves.values(), strict=True)
        super().__init__(base, nn.ModuleList(downs), nn.ModuleList(ups), dropout)
        self.thirds = tuple(halves)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer makes of x, its thirds plus the adapters' parts."""
        kept = functional.dropout(x, self.dropout, self.training) if self.dropout else x
        made = self.base_layer(x, *args, **kwargs)
        downs: Any = self.lora_A
        ups: Any = self.lora_B
        for third, down, up in zip(self.thirds, downs, ups, strict=True):
            part = up(down(kept))
            width = part.shape[-1]
            made.narrow(-1, third * width, width).add_(part)  # no copy, as beside a layer alone
        return made


class Saved(nn.Module):
    """A copy of a module, which is trained whole in its place; the module is there as it was.

    So does peft's `modules_to_save`: a head whose weight was the embedding's is tied no more.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        tensors = [*parameters_of(module), *buffers_of(module)]
        self.original_module = module
        self.modules_to_save = copy.deepcopy(module, {id(each): own(each) for each in tensors})
        self.modules_to_save.requires_grad_(True)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in ("modules_to_save", "original_module"):
                raise
            return getattr(self.modules_to_save, name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the copy makes."""
        return self.modules_to_save(*args, **kwargs)


class _Lookup(nn.Module):
    """The narrow table of an adapted embedding: a row of `rank` numbers for each word."""

    def __init__(self, words: int, rank: int, like: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(like.new_empty(rank, words))

    def forward(self, x: Tensor) -> Tensor:
        return functional.embedding(x, self.weight.T)


def adapt(model: nn.Module, adapters: Adapters) -> tuple[str, ...]:
    """Put adapters beside the layers that are meant, freeze all else, and return their paths.

    Raises `UsageError` where a name means no layer that can have one.
    """
    thirds = _thirds(model, adapters.targets)
    words = [word for word in adapters.targets if word not in thirds]
    meant = _meant(model, words) if words or not thirds else {}
    for parameter in parameters_of(model):
        parameter.requires_grad_(False)
    for path, layer in meant.items():
        _put(model, path, _adapted(layer, adapters))
    if thirds:
        for path, layer in fused_layers(model).items():
            if path not in meant:
                _put(model, path, _thirds_adapted(layer, sorted(thirds.values()), adapters))
                meant[path] = layer
    for path in _named(model, adapters.saved, "save"):
        _put(model, path, Saved(part_of(model, path)))
    return tuple(meant)


def _put(model: nn.Module, path: str, module: nn.Module) -> None:
    holder, _, name = path.rpartition(".")
    setattr(part_of(model, holder), name, module)


def _meant(model: nn.Module, targets: Sequence[str]) -> dict[str, nn.Module]:
    able = {path: each for path, each in model.named_modules() if path and _way(each) is not None}
    if _all_linear(targets):
        linear = _linear(model)
        if not linear:
            raise UsageError("lora: no layer here is linear; name others, e.g. targets=conv1/conv2")
        return {path: able[path] for path in linear[:-1] or linear}
    found = {}
    for path in _named(model, targets, "targets", among=able):
        if path not in able:
            kind = type(part_of(model, path)).__name__
            raise UsageError(
                f"lora: {path} is of type {kind}, which cannot have an adapter; linear layers, "
                "convolutions and embeddings can"
            )
        found[path] = able[path]
    return found


def taken_for_head(model: nn.Module, adapters: Adapters) -> str:
    """Return the path of the last linear layer, which has no adapter unless it is named."""
    linear = _linear(model) if _all_linear(adapters.targets) else []
    return linear[-1] if len(linear) > 1 else ""


def the_only_linear(model: nn.Module, adapters: Adapters) -> str:
    """Return the path of the one layer that has an adapter because no other is linear."""
    linear = _linear(model) if _all_linear(adapters.targets) else []
    return linear[0] if len(linear) == 1 else ""


def _all_linear(targets: Sequence[str]) -> bool:
    return not targets or tuple(targets) == (ALL_LINEAR,)


def _linear(model: nn.Module) -> list[str]:
    return [
        path
        for path, each in model.named_modules()
        if path and _is_linear(each) and _way(each) is not None
    ]


def _named(
    model: nn.Module, words: Sequence[str], what: str, *, among: Collection[str] | None = None
) -> list[str]:
    """Return the paths that end in one of these words; raises `UsageError` for one without any.

    A pattern means those `among` all that it fits.
    """
    paths = [path for path, _ in model.named_modules() if path]
    found: list[str] = []
    for word in words:
        if is_pattern(word):
            here = _fitting(word, paths if among is None else among)
        else:
            here = _ending_in(word, paths)
        if not here:
            able = (path for path in paths if _way(part_of(model, path)) is not None)
            last = list(dict.fromkeys(path.rpartition(".")[2] for path in able))
            near = did_you_mean(word, last) or f" Layers are {', '.join(last[:8])} ..."
            raise UsageError(f"lora: {what}={word} names no module.{near}")
        found += (path for path in here if path not in found)
    return found


def _ending_in(word: str, paths: Sequence[str]) -> list[str]:
    """Return the paths that end in a word or, where none does, in what others call the same."""
    for name in called_the_same(word):
        here = [path for path in paths if path == name or path.endswith(f".{name}")]
        if here:
            return here
    return []


def _fitting(pattern: str, paths: Collection[str]) -> list[str]:
    """Return the paths of which an end fits a pattern, or a module that holds them."""
    fits = [path for path in paths if any(matches(end, pattern) for end in _ends(path))]
    return [path for path in fits if not any(path.startswith(f"{each}.") for each in fits)]


def _ends(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[at:]) for at in range(len(parts))]


def _thirds(model: nn.Module, words: Sequence[str]) -> dict[str, int]:
    """Return which words name a third of a fused layer, and no layer of its own."""
    paths = [path for path, _ in model.named_modules()]
    found = {word: third_of(word) for word in words if not _ending_in(word, paths)}
    thirds = {word: third for word, third in found.items() if third is not None}
    return thirds if thirds and fused_layers(model) else {}


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) or type(layer).__name__ == "Conv1D"


Way = Callable[[Any, int], tuple[nn.Module, nn.Module]]


def _way(layer: nn.Module) -> Way | None:
    """Return what makes the two halves of a layer's adapter; None: it can have none."""
    if type(layer).__name__ == "NonDynamicallyQuantizableLinear":
        return None  # attention reads its weight without calling it
    if _is_linear(layer):
        return _beside_linear
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return _beside_convolution
    return _beside_embedding if isinstance(layer, nn.Embedding) else None


def _adapted(layer: nn.Module, adapters: Adapters) -> Adapted:
    way = _way(layer)
    assert way is not None
    down, up = way(layer, adapters.rank)
    return Adapted(layer, down, up, adapters.dropout)


def _thirds_adapted(layer: Any, thirds: Sequence[int], adapters: Adapters) -> AdaptedThirds:
    width, inputs = layer.out_features // 3, layer.in_features
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype, "bias": False}
    halves = {
        third: (nn.Linear(inputs, adapters.rank, **like), nn.Linear(adapters.rank, width, **like))
        for third in thirds
    }
    return AdaptedThirds(layer, halves, adapters.dropout)


def _beside_linear(layer: Any, rank: int) -> tuple[nn.Module, nn.Module]:
    outputs, inputs = layer.weight.shape
    if not isinstance(layer, nn.Linear):  # transformers' Conv1D has it the other way round
        outputs, inputs = inputs, outputs
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype, "bias": False}
    return nn.Linear(inputs, rank, **like), nn.Linear(rank, outputs, **like)


def _beside_convolution(layer: Any, rank: int) -> tuple[nn.Module, nn.Module]:
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype, "bias": False}
    down = type(layer)(
        layer.in_channels,
        rank,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        padding_mode=layer.padding_mode,
        **like,
    )
    return down, type(layer)(rank, layer.out_channels, 1, **like)


def _beside_embedding(layer: Any, rank: int) -> tuple[nn.Module, nn.Module]:
    words, width = layer.weight.shape
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype, "bias": False}
    return _Lookup(words, rank, layer.weight), nn.Linear(rank, width, **like)
