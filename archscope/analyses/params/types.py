"""What each type of layer holds and does: the rows of `params --by type`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.analyses.params.letters import is_spelt
from archscope.analyses.params.own import Own
from archscope.analyses.params.rows import TypeRow
from archscope.analyses.params.tally import Figure, Tally, copies_of, tally
from archscope.counting.closed_forms import closed_form, params_form
from archscope.counting.forward import ForwardCount
from archscope.counting.layer_types import (
    holds_projections,
    layer_type,
    layers_in,
    place,
    type_of_products,
)
from archscope.records import frozen
from archscope.subject import Subject
from archscope.theory import counts, mixing_counts
from archscope.theory.census import ATTENTION, FUNCTIONS, OWN_PARAMETERS

if TYPE_CHECKING:
    from torch import nn

    from archscope.theory.counts import ClosedForm

_PARAMETRIZED = re.compile(r"(^|\.)parametrizations\..*")
"""What torch puts below a layer whose weight is computed, as by weight norm."""
_SCORES = mixing_counts.attention(batch=1, heads=1, queries=1, keys=1, key_width=1, value_width=1)


@frozen
class _Share:
    """What one module adds to one type, once for each copy that it stands for."""

    type: str
    layers: int
    """How many layers of the type it is."""
    tally: Tally
    params_formula: str | None = None
    """None where no formula equals the count."""
    macs_formula: str | None = None


def type_rows(
    subject: Subject, count: ForwardCount | None, modules: Sequence[Own], flops_per_mac: int
) -> Iterator[TypeRow]:
    """Yield a row for each type of layer, in the order of `LAYER_TYPES`; they add up to the totals.

    A module's products that apply no weight are attention's or a function's; all else that it holds
    and does is of its own type.
    """
    shares: dict[str, list[_Share]] = {}
    by_path, ran = dict(subject.model.named_modules()), _Ran(count)
    for own in modules:
        if not own.weights.alias:
            times = copies_of(own.path, subject.repeats)
            for share in _shares(own, by_path, ran, flops_per_mac):
                if times != 1:
                    share = replace(share, layers=share.layers * times, tally=share.tally * times)
                shares.setdefault(share.type, []).append(share)
    for name in sorted(shares, key=place):
        yield _row(name, shares[name])


class _Ran:
    """What is known of a forward pass, by path."""

    def __init__(self, count: ForwardCount | None) -> None:
        self.count = count
        self.multiplying: dict[str, set[str]] = {}
        """The operators that multiplied in a module."""
        self.weightless: set[str] = set()
        """The modules none of whose products applied a weight."""
        self.softmaxes: set[str] = set()
        """The modules that took a softmax, themselves or by a layer of theirs."""
        for (path, operator), work in count.dispatcher.work.items() if count else ():
            if work.macs:
                self.multiplying.setdefault(path, set()).add(operator)
            if "softmax" in operator:
                self.softmaxes |= {path, path.rpartition(".")[0]}
        if count is not None:
            macs, weightless = count.dispatcher.macs(), count.dispatcher.weightless
            self.weightless = {path for path, amount in macs.items() if weightless[path] == amount}

    def type_of(self, module: nn.Module, path: str, component: str) -> str | None:
        """Return the type of layer that a module is."""
        operators = self.multiplying.get(path, ())
        return layer_type(module, component, operators, weightless=path in self.weightless)


def _shares(
    own: Own, modules: Mapping[str, nn.Module], ran: _Ran, flops_per_mac: int
) -> Iterator[_Share]:
    module, layer = modules[own.path], _PARAMETRIZED.sub("", own.path)
    if layer != own.path:  # holds what the weight of that layer is computed from
        name = ran.type_of(modules[layer], layer, own.component)
        yield _Share(type=name or OWN_PARAMETERS, layers=0, tally=tally(own))
        return
    name = ran.type_of(module, own.path, own.component)
    rest, products, taken = tally(own), None, ""
    if own.work.weightless_macs:
        taken = type_of_products(module, name, own.component, softmax=own.path in ran.softmaxes)
        if taken != name:
            products = _products(own.work.weightless_macs, rest, flops_per_mac)
            rest = _without(rest, products)
    params, macs = _formulas(own, module, ran)
    if products is not None:
        scores = _SCORES.macs if holds_projections(module) else macs
        yield _Share(
            type=taken,
            layers=int(taken == ATTENTION),
            tally=products,
            macs_formula=scores if own.macs_form is not None else None,
        )
    if name not in (None, FUNCTIONS) or _is_something(rest, ran):
        yield _Share(
            type=name or FUNCTIONS,
            layers=0 if name is None else layers_in(module, name),
            tally=rest,
            params_formula=params,
            macs_formula=macs,
        )


def _products(macs: int, whole: Tally, flops_per_mac: int) -> Tally:
    known = Figure(known=macs, is_known=True)
    return Tally(macs=known, flops=known * flops_per_mac, complete=whole.complete)


def _without(whole: Tally, part: Tally) -> Tally:
    """Return what is left of a module's work without some of it."""
    macs = replace(whole.macs, known=whole.macs.known - part.macs.known)
    flops = replace(whole.flops, known=whole.flops.known - part.flops.known)
    return replace(whole, macs=macs, flops=flops)


def _is_something(left: Tally, ran: _Ran) -> bool:
    amounts = (left.trainable, left.frozen, left.buffers, left.macs.known, left.flops.known)
    return any(amounts) or (ran.count is not None and not left.macs.complete)


def _formulas(own: Own, module: nn.Module, ran: _Ran) -> tuple[str | None, str | None]:
    """Return the formulas of a layer's parameters and work, each where it equals the count."""
    form = _form(own, module, ran)
    if form is None:
        return None, None
    held = own.weights.trainable + own.weights.frozen + own.weights.shared
    fits = form.params_value == held
    if holds_projections(module):
        form = counts.linear(rows=1, inputs=1, outputs=1, bias=module.in_proj_bias is not None)
    return form.params if fits else None, form.macs if own.macs_form is not None else None


def _form(own: Own, module: nn.Module, ran: _Ran) -> ClosedForm | None:
    if ran.count is None or own.work.output_shape is None:
        return params_form(module)
    inputs = ran.count.dispatcher.input_shapes.get(own.path, ())
    return closed_form(module, inputs, own.work.output_shape, derived=True)


def _row(name: str, shares: Sequence[_Share]) -> TypeRow:
    whole = sum((share.tally for share in shares), Tally())
    params, macs = whole.trainable + whole.frozen, whole.macs.exact
    return TypeRow(
        type=name,
        layers=sum(share.layers for share in shares),
        trainable=whole.trainable,
        frozen=whole.frozen,
        buffers=whole.buffers,
        weight_bytes=whole.weight_bytes,
        macs=macs,
        macs_per_parameter=macs / params if params and macs is not None else None,
        flops=whole.flops.exact,
        complete=whole.complete and whole.macs.complete,
        params_formula=_joined(
            name,
            (s.params_formula for s in shares if s.tally.trainable + s.tally.frozen),
        ),
        macs_formula=_joined(name, (s.macs_formula for s in shares if s.tally.macs.known)),
    )


def _joined(type: str, formulas: Iterator[str | None]) -> str | None:
    """Return the formulas that occur; None where one is missing, or in letters of its own."""
    found = tuple(dict.fromkeys(formulas))
    known = [each for each in found if each is not None and is_spelt(each, type)]
    return " or ".join(known) if known and len(known) == len(found) else None
