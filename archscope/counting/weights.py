"""Parameters and buffers of every module, shared tensors once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from torch import Tensor, nn

from archscope.counting.experts import Forward, Met, in_lists, stacked
from archscope.counting.nonzero import PACKED, count_nonzero
from archscope.counting.quantised import bytes_of, logical_numel, objects_of, packed_by
from archscope.running.attributes import stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What one module holds itself, without its submodules; sizes in elements."""

    trainable: int = 0
    frozen: int = 0
    buffers: int = 0
    active: int | None = 0
    """Parameters that one token uses: all, but in a mixture of experts the share that is routed.

    None: how large that is, is unknown."""
    active_unknown: str = ""
    """Why it is."""
    weight_bytes: int = 0
    """Memory of parameters and of packed weights, as they are stored."""
    fp32_bytes: int = 0
    """The same if each number were of four bytes; a complex one is two numbers."""
    shared_with: str | None = None
    """The module that holds this one's weights first, where one does."""
    shared: int = 0
    """Parameters that this module uses too, but that another holds first."""
    nonzero: int | None = None
    """Parameters that are not zero; None where that was not asked for, or is unknown."""
    nonzero_unknown: str = ""
    """Why that is unknown, where it was asked for."""
    alias: bool = False
    """Whether this is a module under its second name; all of it is counted under its first."""


def weights_by_module(
    model: nn.Module,
    *,
    nonzero: bool = False,
    frozen: Collection[int] = (),
    forward: Forward | None = None,
) -> Iterator[tuple[str, nn.Module, Weights]]:
    """Yield path, module and own weights in the model's order; with `nonzero`, read for zeros too.

    `frozen` are the `id`s of parameters that count as if they had no `requires_grad`; `forward` is
    what a pass showed of mixtures of experts.
    A tensor that is held twice counts where it is first. A module that is held under two names is
    yielded under both, the second time with nothing of its own.
    """
    modules: dict[int, str] = {}
    tensors: dict[int, str] = {}
    experts = {path: (place, met) for path, place, met in in_lists(model, forward)}
    for path, module in model.named_modules(remove_duplicate=False):
        first = modules.setdefault(id(module), path)
        if first != path:
            nothing = 0 if nonzero else None
            yield path, module, Weights(shared_with=first, nonzero=nothing, alias=True)
        else:
            own = _own(path, module, tensors, nonzero=nonzero, held=frozen)
            met = stacked(model, path, module, forward)
            own = own if met is None else _met(own, met)
            yield path, module, _of_list(own, path, experts) if experts else own


def _met(own: Weights, met: Met) -> Weights:
    """Return the weights of experts that stand in one tensor."""
    if met.chosen is None:
        return replace(own, active=None, active_unknown=met.why)
    share = Fraction(met.chosen, met.experts)
    return own if own.active is None else replace(own, active=int(own.active * share))


def _of_list(own: Weights, path: str, experts: Mapping[str, tuple[int, Met]]) -> Weights:
    """Return the weights of a module that may be of an expert in a list.

    Experts are alike, so the first stand for those that are chosen, whichever these are.
    """
    expert = next((each for each in _prefixes(path) if each in experts), None)
    if expert is None or not own.active:
        return own
    place, met = experts[expert]
    if met.chosen is None:
        return replace(own, active=None, active_unknown=met.why)
    return own if place < met.chosen else replace(own, active=0)


def _prefixes(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]


def _own(
    path: str,
    module: nn.Module,
    seen: dict[int, str],
    *,
    nonzero: bool,
    held: Collection[int],
) -> Weights:
    trainable = frozen = imaginary = size = buffers = shared = 0
    shared_with = None
    counts: list[int | str] = []
    for each in objects_of(module):
        counts.append(PACKED)
        frozen, size = frozen + each.numbers, size + each.bytes
    packed, inside = packed_by(module)
    if packed is not None:
        counts.append(PACKED)
        frozen, size = frozen + packed.numbers, size + packed.bytes
    for name, parameter in _present(module._parameters):
        if id(parameter) in seen:
            shared_with = shared_with or seen[id(parameter)]
            shared += logical_numel(parameter)
            continue
        seen[id(parameter)] = path
        if name in inside:
            continue
        size += bytes_of(parameter)
        imaginary += logical_numel(parameter) if parameter.is_complex() else 0
        if nonzero:
            counts.append(count_nonzero(module, name, parameter))
        if parameter.requires_grad and id(parameter) not in held:
            trainable += logical_numel(parameter)
        else:
            frozen += logical_numel(parameter)
    for name, buffer in _present(module._buffers):
        if id(buffer) not in seen and name not in inside:
            seen[id(buffer)] = path
            buffers += buffer.numel()
    unknown = next((count for count in counts if isinstance(count, str)), "") if nonzero else ""
    share = stated(module, "active_fraction")
    active = trainable + frozen
    return Weights(
        trainable=trainable,
        frozen=frozen,
        buffers=buffers,
        active=int(active * share) if isinstance(share, Fraction) else active,
        weight_bytes=size,
        fp32_bytes=4 * (trainable + frozen + imaginary),
        shared=shared,
        nonzero=sum(map(int, counts)) if nonzero and not unknown else None,
        nonzero_unknown=unknown,
        shared_with=shared_with if shared_with != path else None,
    )


def _present(held: Mapping[str, Tensor | None]) -> list[tuple[str, Tensor]]:
    return [(name, tensor) for name, tensor in held.items() if tensor is not None]
