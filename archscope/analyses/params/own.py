"""What each module holds and does itself, and where copies of a repeated block are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.counting.agreement import Agreement
from archscope.counting.closed_forms import closed_form
from archscope.counting.components import components
from archscope.counting.experts import Forward
from archscope.counting.forward import ForwardCount
from archscope.counting.nonzero import kept_share
from archscope.counting.settings import settings
from archscope.counting.weights import Weights, weights_by_module
from archscope.records import frozen
from archscope.subject import Repeat, Subject

if TYPE_CHECKING:
    from torch import nn


@frozen
class Work:
    """What the forward pass did in one module alone; None where that is not known."""

    calls: int = 0
    """How often its forward finished."""
    input_shape: tuple[int, ...] | None = None
    """Shape of the first tensor that its first call was given."""
    output_shape: tuple[int, ...] | None = None
    """Shape of the first tensor that its first call returned."""
    macs: int | None = None
    """Multiply-accumulates."""
    flops: int | None = None
    """FLOPs in the convention that was asked for."""
    weightless_macs: int = 0
    """Of the multiply-accumulates those of products that apply no weight."""
    complete: bool = True
    """Whether that is all of it, and undisputed."""

    def times(self, runs: int) -> Work:
        """Return the work of a module that runs so many times as often."""
        if runs == 1:
            return self
        macs, flops = (None if n is None else n * runs for n in (self.macs, self.flops))
        weightless = self.weightless_macs * runs
        calls = self.calls * runs
        return replace(self, calls=calls, macs=macs, flops=flops, weightless_macs=weightless)


@frozen
class Own:
    """One module without its submodules, once for each copy that it stands for."""

    path: str
    """Dotted name; empty for the model itself."""
    type: str
    """Class name."""
    settings: str
    """What the type leaves open, in words."""
    channels: tuple[int | None, int | None]
    """Channels or features that it takes and gives, as a layer says them."""
    component: str
    """Part of the network."""
    weights: Weights
    """Its own parameters and buffers."""
    work: Work
    """Its own part of the forward pass."""
    params_form: str | None
    """Closed form of its parameters, numbers filled in; None where none equals the count."""
    macs_form: str | None
    """Closed form of its multiply-accumulates; None where none equals the count."""
    effective_macs: int | None = None
    """Those left without zero rows and columns of its weight; None where not asked or certain."""


def own_by_module(
    subject: Subject,
    count: ForwardCount | None,
    agreement: Agreement | None,
    flops_per_mac: int,
    *,
    nonzero: bool = False,
    frozen: Collection[int] = (),
) -> list[Own]:
    """Return what each module holds and does itself, in the model's order."""
    component = components(subject.model)
    reruns = {repeat.path: len(repeat.copies) for repeat in subject.repeats if repeat.shared}
    found = []
    ran = None if count is None else count.dispatcher
    shown = (
        None
        if ran is None
        else Forward(choices=ran.choices, shapes=ran.input_shapes, calls=ran.calls)
    )
    for path, module, weights in weights_by_module(
        subject.model, nonzero=nonzero, frozen=frozen, forward=shown
    ):
        work = Work()
        params_form = macs_form = None
        if count is not None and agreement is not None and not weights.alias:
            times = next((n for block, n in reruns.items() if _inside(path, block)), 1)
            work = _work(path, count, agreement, flops_per_mac).times(times)
            params_form, macs_form = _forms(module, path, weights, work, count)
        found.append(
            Own(
                path=path,
                type=_class_of(module),
                settings=settings(module),
                channels=_channels(module),
                component=component.get(path, component.get(weights.shared_with or "", "other")),
                weights=weights,
                work=work,
                params_form=params_form,
                macs_form=macs_form,
                effective_macs=_effective(module, work, macs_form) if nonzero else None,
            )
        )
    return found


def _class_of(module: nn.Module) -> str:
    """Return the name of a module's class, of a scripted one that of what was scripted."""
    scripted = getattr(module, "original_name", None) if "_c" in vars(module) else None
    return scripted if isinstance(scripted, str) else type(module).__name__


def _channels(module: nn.Module) -> tuple[int | None, int | None]:
    """Return what a layer of torch, or one that says it in torch's words, takes and gives."""
    return _said(module, _TAKES), _said(module, _GIVES)


def _said(module: nn.Module, names: tuple[str, ...]) -> int | None:
    found = (vars(module).get(name) for name in names)
    return next((each for each in found if type(each) is int), None)


_BOTH = ("num_features", "num_channels", "embed_dim")
_TAKES = ("in_channels", "in_features", "input_size", *_BOTH)
_GIVES = ("out_channels", "out_features", "embedding_dim", "hidden_size", *_BOTH)
"""What torch's layers call their numbers of channels and features."""


def _effective(module: nn.Module, work: Work, form: str | None) -> int | None:
    """Return the work that is left without zero rows and columns, where the closed form holds."""
    if not work.macs:
        return work.macs
    kept = kept_share(module) if form is not None else None
    left = None if kept is None else work.macs * kept
    return int(left) if left is not None and left.denominator == 1 else None


def _work(path: str, count: ForwardCount, agreement: Agreement, flops_per_mac: int) -> Work:
    dispatched = count.dispatcher
    calls = dispatched.calls.get(path, 0)
    unfinished = count.failure is not None and not calls
    macs = agreement.macs.get(path, 0)
    if flops_per_mac == 2:
        flops: int | None = 2 * macs
    else:
        flops = agreement.flops.get(path, 0) if agreement.flops is not None else None
    return Work(
        calls=calls,
        input_shape=next(iter(dispatched.input_shapes.get(path, ())), None),
        output_shape=dispatched.output_shapes.get(path),
        macs=None if unfinished else macs,
        flops=None if unfinished else flops,
        weightless_macs=0 if unfinished else dispatched.weightless[path],
        complete=not unfinished and path not in agreement.doubtful,
    )


def _forms(
    module: nn.Module, path: str, weights: Weights, work: Work, count: ForwardCount
) -> tuple[str | None, str | None]:
    """Return the closed forms with their numbers, each where it equals what was counted."""
    if work.output_shape is None:
        return None, None
    params: str | None
    inputs = count.dispatcher.input_shapes.get(path, ())
    form = closed_form(module, inputs, work.output_shape, derived=True)
    if form is None:
        return None, None
    params = form.params_numbers + (f" - {weights.shared}" if weights.shared else "")
    if form.params_value - weights.shared != weights.trainable + weights.frozen:
        params = None
    if work.macs == form.macs_value:
        return params, form.macs_numbers
    if work.macs == work.calls * form.macs_value:
        return params, f"{work.calls}*({form.macs_numbers})"
    return params, None


def expand(modules: list[Own], repeats: tuple[Repeat, ...]) -> list[tuple[str, Own]]:
    """Return every module of the whole network with its path, copies of a block in their place."""
    copies = {repeat.path: repeat.copies for repeat in repeats if not repeat.shared}
    containers = {path.rpartition(".")[0] for path in copies}
    order: list[Own | str] = []
    blocks: dict[str, dict[str, list[Own]]] = {}
    for module in modules:
        block = block_of(module.path, containers)
        if block is None:
            order.append(module)
            continue
        container = block.rpartition(".")[0]
        if container not in blocks:
            blocks[container] = {}
            order.append(container)
        blocks[container].setdefault(block, []).append(module)
    placed: list[tuple[str, Own]] = []
    for item in order:
        if isinstance(item, str):
            stood = [(c, block) for block in blocks[item] for c in copies.get(block, (block,))]
            for copy, block in sorted(stood, key=lambda pair: _last_number(pair[0])):
                inside = len(block)
                placed += [(copy + own.path[inside:], own) for own in blocks[item][block]]
        else:
            placed.append((item.path, item))
    return placed


def block_of(path: str, containers: set[str]) -> str | None:
    """Return the child of one of `containers` that `path` is or is part of."""
    start = path.find(".")
    while start != -1:
        if path[:start] in containers:
            return path[: start + 1] + path[start + 1 :].partition(".")[0]
        start = path.find(".", start + 1)
    return None


def _inside(path: str, block: str) -> bool:
    return path == block or path.startswith(block + ".")


def _last_number(path: str) -> tuple[int, str]:
    last = path.rpartition(".")[2]
    return (int(last), "") if last.isdigit() else (0, last)
