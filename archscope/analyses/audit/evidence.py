"""What is known about each module of a network, to compare another counter's figures with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from math import prod
from typing import TYPE_CHECKING

from archscope.counting.agreement import shown_less
from archscope.counting.forward import ForwardCount
from archscope.counting.weights import weights_by_module
from archscope.records import frozen
from archscope.running.module_stack import outwards

if TYPE_CHECKING:
    from torch import Tensor, nn


@frozen
class Module:
    """One module without its submodules."""

    path: str
    """Dotted name."""
    type: str
    """Class name."""
    params: int
    """Parameters, each tensor at its first holder."""
    frozen: int
    """Those of them that are not trained."""
    shared: int
    """Parameters that it uses too, but that another holds first."""
    matrix: int
    """Elements of its weights of two axes or more."""
    vector: int
    """Elements of its weights of one axis: biases, scales."""
    calls: int
    """How often its forward ran."""
    batch: int
    """First size of what its first call returned; 0 where it returned no tensor."""
    positions: int
    """Items and places of what its first call returned, (N, C, *places): its size without C."""
    has_parts: bool
    """Whether it has submodules."""
    work: Mapping[str, int] = field(default_factory=dict)
    """Our multiply-accumulates by operator."""
    of_complex: int = 0
    """Those of them that were made of complex ones, four of each."""

    @property
    def macs(self) -> int:
        """Our multiply-accumulates of its own work."""
        return sum(self.work.values())


@frozen
class Evidence:
    """What is known of a network."""

    modules: Mapping[str, Module]
    """By path, in the model's order; a module under a second name is not among them."""
    aliases: Mapping[str, str]
    """Second names of modules, and their first."""
    elements: Mapping[str, int]
    """Elements that each operator without multiply-accumulates wrote."""
    buffers: int
    """Elements of buffers."""
    unshown: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """What a trace of torch's shows of the modules that it shows less of, by path, and why."""

    def of_type(self, name: str) -> list[Module]:
        """Return the modules of one class."""
        return [module for module in self.modules.values() if module.type == name]

    @property
    def params(self) -> int:
        """Parameters, shared tensors once."""
        return sum(module.params for module in self.modules.values())

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass."""
        return sum(module.macs for module in self.modules.values())


def _matrix(held: Sequence[Tensor]) -> int:
    """Return the elements of weights of two axes or more, without scales (C, 1, 1) of others."""
    many = [p for p in held if p.ndim > 1]
    full = [p for p in many if p.ndim == 2 or p.numel() > p.shape[0]]
    return sum(p.numel() for p in full or many)


def with_borrowed_weights(evidence: Evidence, counted: Mapping[str, int]) -> Evidence:
    """Return the evidence with the work of modules that did not run in the one that did it.

    `nn.MultiheadAttention` multiplies by the weights of its `out_proj` itself. Modules that a tool
    has figures for stay as they are.
    """
    modules = dict(evidence.modules)
    for path, module in evidence.modules.items():
        owner = next((o for o in outwards(path) if o in modules and modules[o].calls), None)
        if module.calls or not module.work or counted.get(path) or owner is None:
            continue
        name = path.removeprefix(f"{owner}.")
        lent = {f"{operator} by {name}": macs for operator, macs in module.work.items()}
        modules[owner] = replace(modules[owner], work={**modules[owner].work, **lent})
        modules[path] = replace(module, work={})
    return replace(evidence, modules=modules)


FUSED = "scaled_dot_product_attention"
"""What fused attention is called in `Module.work`, however torch took it apart."""


def gather(model: nn.Module, count: ForwardCount, fused: Mapping[str, int]) -> Evidence:
    """Return what one count of `model` tells of its modules.

    `fused` are the multiply-accumulates that each module handed to torch's fused attention.
    """
    dispatched = count.dispatcher
    work: dict[str, dict[str, int]] = {}
    elements: Counter[str] = Counter()
    for (path, operator), tally in dispatched.work.items():
        if tally.macs:
            work.setdefault(path, {})[operator] = tally.macs
        elif tally.kind == "elementwise or reduction":
            elements[operator] += tally.elements
    modules, aliases, buffers = {}, {}, 0
    for path, module, weights in weights_by_module(model):
        if weights.alias:
            aliases[path] = weights.shared_with or ""
            continue
        held = [p for p in module._parameters.values() if p is not None]
        shape = dispatched.output_shapes.get(path, ())
        buffers += weights.buffers
        modules[path] = Module(
            path=path,
            type=type(module).__name__,
            params=weights.trainable + weights.frozen,
            frozen=weights.frozen,
            shared=weights.shared,
            matrix=_matrix(held),
            vector=sum(p.numel() for p in held if p.ndim == 1),
            calls=dispatched.calls.get(path, 0),
            batch=shape[0] if shape else 0,
            positions=prod((*shape[:1], *shape[2:])),
            has_parts=next(module.children(), None) is not None,
            work=_with_fused(work.get(path, {}), fused.get(path, 0)),
            of_complex=0 if path in dispatched.convolved_complex else dispatched.complex_macs[path],
        )
    return Evidence(
        modules=modules,
        aliases=aliases,
        elements=elements,
        buffers=buffers,
        unshown=shown_less(count),
    )


def _with_fused(work: Mapping[str, int], fused: int) -> dict[str, int]:
    """Return the work of one module with fused attention under its own name."""
    left = dict(work)
    parts = [
        name
        for name in work
        if name in ("aten::bmm", "aten::baddbmm") or FUSED[: -len("_attention")] in name
    ]
    if not fused or sum(work[name] for name in parts) < fused:
        return left
    wanted = fused
    for name in parts:
        taken = min(left[name], wanted)
        left[name] -= taken
        wanted -= taken
    return {name: macs for name, macs in left.items() if macs} | {FUSED: fused}
