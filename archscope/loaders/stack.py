"""A bare stack of convolutions, or several in parallel, as typed: `--dilations 1,2,4`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

from archscope import specs
from archscope.errors import SpecError, UsageError
from archscope.loaders import Loader
from archscope.loaders._fields import fields_of
from archscope.records import frozen
from archscope.specs import check, listed, option
from archscope.subject import Network, Request, Sketch, Subject
from archscope.theory.layers import Layer, Padding, Stack, dilated, sizes
from archscope.theory.outline import Branch, Outline

LAYERS_LIMIT = 1_000
"""Layers that a stack may have."""
LISTS = {"kernel_size": "kernels", "stride": "strides"}
"""The fields that hold one value for all layers or one per layer, and what to call their values."""

Branches = tuple[tuple[int, ...], ...]
"""The dilations of each parallel path."""


@frozen
class StackSpec:
    """The numbers of a stack of convolutions; a list of one value holds for every layer."""

    dilations: tuple[int, ...] = option(
        (1,), "positions from tap to tap, layer by layer", low=1, high=2**31
    )
    kernel_size: tuple[int, ...] = option((3,), "taps per dimension", low=1, high=2**16)
    stride: tuple[int, ...] = option((1,), "positions from output to output", low=1, high=2**16)
    spatial_dims: int | None = option(
        None, "number of spatial dimensions (none: 2, where causal 1)", low=1, high=3
    )
    causal: bool = option(False, "see only the past: all padding first, in one dimension only")
    padding: Literal["same", "valid", "causal"] = option(
        "same", "around the input, as much as a kernel spans; none; or all of it first"
    )
    input_size: int | None = option(
        None, "positions of the input in each dimension (none: endless)", low=1, high=2**24
    )

    def __post_init__(self) -> None:
        check(self)
        for field in ("dilations", *LISTS):
            if not getattr(self, field):
                raise SpecError(field, (), "has no items. Give at least one, e.g. 3")
        if self.causal and self.padding == "valid":
            raise SpecError("causal", True, "needs {padding} causal: its zeros stand for the past")
        if self.sees_only_past and self.axes != 1:
            problem = f"needs one dimension, but {{spatial_dims}} is {self.axes}"
            raise SpecError("causal", True, problem)

    @property
    def sees_only_past(self) -> bool:
        """Whether all padding comes first."""
        return self.causal or self.padding == "causal"

    @property
    def axes(self) -> int:
        """Number of spatial dimensions."""
        return self.spatial_dims or (1 if self.sees_only_past else 2)


def sketch(spec: StackSpec, branches: Branches = ()) -> Sketch:
    """Return the stack, or the parallel branches in place of its dilations, as a sketch."""
    outline = _branched(spec, branches) if branches else _single(spec)
    stacks = [branch.stack for branch in outline.branches] or [outline.layers]
    for stack in stacks if spec.input_size is not None else ():
        sizes(stack, spec.input_size or 1)  # refuses a map without outputs before any work
    name = " · ".join(_words(spec, branches, len(outline.layers)))
    return _sketch(name, outline, "stack", _config(spec, branches))


def of_layers(
    layers: Sequence[Layer], *, spatial_dims: int = 2, input_size: int | None = None
) -> Sketch:
    """Return a single path of given layers, alike on every axis, as a sketch."""
    stack = tuple(layers)
    _check_count("network", len(stack))
    if input_size is not None:
        sizes(stack, input_size)
    number = f"{len(stack)} layer{'s' * (len(stack) != 1)}"
    config = {
        "layers": [asdict(layer) for layer in stack],
        "spatial_dims": spatial_dims,
        "input_size": input_size,
    }
    outline = Outline(axes=spatial_dims, layers=stack, input_size=input_size)
    return _sketch(f"layers · {number} · {spatial_dims}-D", outline, "layers", config)


def _sketch(name: str, outline: Outline, origin: str, config: Mapping[str, Any]) -> Sketch:
    """Return layers that can be made of torch's own, on shapes alone or for real."""

    def whole() -> Subject:
        import torch

        from archscope.blocks.layers import build, example_inputs

        with torch.device("meta"):
            model, inputs = build(outline), example_inputs(outline)
        return Subject(
            name=name,
            model=model,
            inputs=inputs,
            origin=origin,
            config=config,
            outline=outline,
            whole=lambda: build(outline),
        )

    return Sketch(name=name, outline=outline, origin=origin, config=config, whole=whole)


def read_branches(text: str) -> Branches:
    """Read `6;12;18` or `1,2;4,8`: branches with `;` between, the dilations of each with `,`."""
    (field,) = (each for each in specs.fields(StackSpec) if each.name == "dilations")
    found = []
    for number, part in enumerate(text.split(";"), start=1):
        try:
            found.append(field.parse(part.strip()))
            field.check(found[-1])
        except SpecError as error:
            problem = error.problem.partition(". ")[0]
            raise SpecError(
                "branches",
                error.value,
                f"(branch {number}) {problem}. Separate branches by semicolons and dilations by "
                "commas, e.g. '6;12;18'",
            ) from None
    return tuple(found)


def _single(spec: StackSpec) -> Outline:
    count = max(len(spec.dilations), *(len(getattr(spec, field)) for field in LISTS))
    _check_count("dilations", count)
    if len(spec.dilations) not in (1, count):
        longest = max(LISTS, key=lambda field: len(getattr(spec, field)))
        _refuse_length("dilations", spec.dilations, "dilations", f"{count} {LISTS[longest]}", count)
    _check_lengths(spec, count, "dilations")
    dilations = spec.dilations * (count if len(spec.dilations) == 1 else 1)
    return Outline(
        axes=spec.axes,
        layers=_stack(spec, dilations, spec.kernel_size, spec.stride, ""),
        input_size=spec.input_size,
        flag="--dilations",
    )


def _branched(spec: StackSpec, branches: Branches) -> Outline:
    count = len(branches)
    _check_count("branches", sum(map(len, branches)))
    _check_lengths(spec, count, "branches")
    found = []
    for number, dilations in enumerate(branches):
        kernel = spec.kernel_size[number if len(spec.kernel_size) > 1 else 0]
        stride = spec.stride[number if len(spec.stride) > 1 else 0]
        name = f"branch{number + 1}"
        stack = _stack(spec, dilations, (kernel,), (stride,), f"{name}.")
        found.append(Branch(name=name, stack=stack))
    return Outline(
        axes=spec.axes, branches=tuple(found), input_size=spec.input_size, flag="--branches"
    )


def _stack(
    spec: StackSpec,
    dilations: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    prefix: str,
) -> Stack:
    padding: Padding = "causal" if spec.sees_only_past else spec.padding
    stack = dilated(dilations, kernels=kernels, strides=strides, padding=padding)
    return tuple(replace(layer, name=prefix + layer.name) for layer in stack)


def _check_count(field: str, count: int) -> None:
    if count > LAYERS_LIMIT:
        raise SpecError(field, count, f"layers are too many; up to {LAYERS_LIMIT:,} are looked at")


def _check_lengths(spec: StackSpec, count: int, others: str) -> None:
    for field, noun in LISTS.items():
        given = getattr(spec, field)
        if len(given) not in (1, count):
            _refuse_length(field, given, noun, f"{count} {others}", count)


def _refuse_length(field: str, given: tuple[int, ...], noun: str, others: str, count: int) -> None:
    problem = f"gives {len(given)} {noun} for {others}; give 1 or {count}"
    raise SpecError(field, listed(given), problem)


def _words(spec: StackSpec, branches: Branches, layers: int) -> Iterator[str]:
    if branches:
        yield f"{len(branches)} parallel branch{'es' * (len(branches) > 1)}"
    else:
        yield "conv stack"
        yield f"{layers} layer{'s' * (layers != 1)}"
    yield f"kernel {listed(spec.kernel_size)}"
    yield f"stride {listed(spec.stride)}"
    yield f"{spec.axes}-D"
    if spec.sees_only_past:
        yield "causal"
    if spec.padding == "valid":
        yield "no padding"
    yield f"dilations {';'.join(map(listed, branches)) if branches else listed(spec.dilations)}"
    if spec.input_size is not None:
        yield f"input {'×'.join([str(spec.input_size)] * spec.axes)}"


def _config(spec: StackSpec, branches: Branches) -> dict[str, Any]:
    config = specs.values(spec)
    if branches:
        config["dilations"] = None
        config["branches"] = [list(branch) for branch in branches]
    return config


def accepts(text: str) -> bool:
    """Return whether `text` names a bare stack."""
    return text.partition(":")[0] == "stack"


def load(text: str, request: Request) -> Network:
    """Return the stack that the fields in `text` and of the request describe."""
    texts = {**fields_of(text), **request.fields}
    made = sketch(specs.read(StackSpec, texts))

    def subject() -> Subject:
        raise UsageError(
            "a bare stack has no channels to count; give it some, e.g. cnn:dilations=1/2/4"
        )

    return Network(
        name=made.name, origin=made.origin, subject=subject, whole=subject, sketch=lambda: made
    )


LOADER = Loader(
    name="stack",
    summary="a bare stack of convolutions, e.g. stack:dilations=1/2/4, for what it looks at",
    accepts=accepts,
    spec=lambda text: StackSpec,
    load=load,
)
