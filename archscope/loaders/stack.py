"""A bare stack of convolutions, or several in parallel, as typed: `--dilations 1,2,4`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from archscope import specs
from archscope.blocks.per_layer import check_lengths
from archscope.errors import SpecError, UsageError
from archscope.loaders import Loader
from archscope.loaders._fields import fields_of
from archscope.loaders._stack_layers import LISTS, blocks_of, check_branches, count_of
from archscope.loaders._stack_layers import StackSpec as StackSpec
from archscope.specs import listed, repeated
from archscope.subject import Network, Request, Sketch, Subject
from archscope.theory.combs import combs, jump, reach
from archscope.theory.layers import Layer, Path, sizes
from archscope.theory.outline import Branch, Outline

LAYERS_LIMIT = 1_000
"""Layers that a stack may have."""
WINDOW_LIMIT = 1 << 64
"""Positions along an axis that an output may see, or outputs may lie apart."""

Branches = tuple[tuple[Any, ...], ...]
"""The dilations of each parallel path."""


def sketch(spec: StackSpec, branches: Branches = ()) -> Sketch:
    """Return the stack, or the parallel branches in place of its dilations, as a sketch."""
    outline = _branched(spec, branches) if branches else _single(spec)
    _check_windows(outline)
    if outline.sizes is not None:
        for path in outline.paths:
            for stack, size in zip(path, outline.sizes, strict=True):
                sizes(stack, size)  # refuses a map without outputs before any work
    name = " · ".join(_words(spec, branches, outline))
    return _sketch(name, outline, "stack", _config(spec, branches))


def of_layers(
    layers: Sequence[Layer | Sequence[Layer]],
    *,
    spatial_dims: int = 2,
    input_size: int | Sequence[int] | None = None,
) -> Sketch:
    """Return a single path of given layers as a sketch.

    Each is alike on every axis, or a sequence of one layer for each axis.
    """
    along = [(each,) * spatial_dims if isinstance(each, Layer) else tuple(each) for each in layers]
    wrong = next((each for each in along if len(each) != spatial_dims), None)
    if wrong is not None:
        raise UsageError(
            f"{len(wrong)} layers describe one, but spatial_dims is {spatial_dims}; give one for "
            "each axis"
        )
    path: Path = tuple(zip(*along, strict=True))
    _check_count("network", len(along))
    outline = _outline(path, _each(input_size, spatial_dims))
    for stack, size in zip(path, outline.sizes or (), strict=False):
        sizes(stack, size)
    number = f"{len(along)} layer{'s' * (len(along) != 1)}"
    config = {
        "layers": [
            asdict(each[0]) if len(set(each)) == 1 else [asdict(one) for one in each]
            for each in along
        ],
        "spatial_dims": spatial_dims,
        "input_size": list(input_size) if isinstance(input_size, Sequence) else input_size,
    }
    return _sketch(f"layers · {number} · {spatial_dims}-D", outline, "layers", config)


def _each(size: int | Sequence[int] | None, axes: int) -> tuple[int, ...] | None:
    """Return positions of the input along each axis."""
    return (size,) * axes if isinstance(size, int) else None if size is None else tuple(size)


def _outline(path: Path, given: tuple[int, ...] | None, **more: Any) -> Outline:
    """Return a single path of layers; what is alike along all axes is said once."""
    first, *others = path
    size, *other_sizes = given or (None,)
    return Outline(
        axes=len(path),
        layers=first,
        others=() if all(other == first for other in others) else tuple(others),
        input_size=size,
        other_sizes=() if set(other_sizes) <= {size} else tuple(other_sizes),
        **more,
    )


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
    count = count_of(spec)
    _check_count("dilations", count * spec.convs_per_block)
    check_lengths(spec, LISTS, count)
    blocks = blocks_of(spec, count)
    starts, skips, at = [], [], 0
    for block in blocks:
        starts.append(at)
        skips.append((at, at + spec.convs_per_block - 1))
        at += len(block)
    path: Path = tuple(zip(*(layer for block in blocks for layer in block), strict=True))
    return _outline(
        path,
        _each(spec.input_size, spec.axes),
        flag="--dilations",
        flagged=tuple(starts) if at > count else (),
        skips=tuple(skips) if spec.residual else (),
    )


def _branched(spec: StackSpec, branches: Branches) -> Outline:
    count = len(branches)
    if not all(branches):
        raise UsageError(f"branches: number {branches.index(()) + 1} of {count} has no dilations")
    _check_count("branches", sum(map(len, branches)))
    spec.require_axes("branches", [item for branch in branches for item in branch])
    check_branches(spec, count)
    found = []
    for number, dilations in enumerate(branches):
        name = f"branch{number + 1}"
        layers = [
            layer
            for block in blocks_of(spec, len(dilations), dilations, number, f"{name}.")
            for layer in block
        ]
        stacks: Path = tuple(zip(*layers, strict=True))
        others = () if all(stack == stacks[0] for stack in stacks) else stacks[1:]
        found.append(Branch(name=name, stack=stacks[0], others=others))
    size, *other_sizes = _each(spec.input_size, spec.axes) or (None,)
    return Outline(
        axes=spec.axes,
        branches=tuple(found),
        input_size=size,
        other_sizes=tuple(each for each in other_sizes if each is not None),
        flag="--branches",
    )


def _check_count(field: str, count: int) -> None:
    if count > LAYERS_LIMIT:
        raise SpecError(field, count, f"layers are too many; up to {LAYERS_LIMIT:,} are looked at")


def _check_windows(outline: Outline) -> None:
    for path in outline.paths:
        for stack in path:
            if max(reach(combs(stack)), jump(stack)) > WINDOW_LIMIT:
                raise UsageError(
                    "strides and dilations reach beyond 2^64 positions along an axis; give "
                    "fewer or smaller ones"
                )


def _words(spec: StackSpec, branches: Branches, outline: Outline) -> Iterator[str]:
    count = len(branches) or count_of(spec)
    if branches:
        yield f"{len(branches)} parallel branch{'es' * (len(branches) > 1)}"
    else:
        yield "conv stack"
        layers = len(outline.layers)
        yield f"{layers} layer{'s' * (layers != 1)}"
        yield from _block_words(spec)
    yield f"kernel {repeated(spec.kernel_size, count)}"
    yield f"stride {repeated(spec.stride, count)}"
    if spec.pool != (1,):
        yield f"pool {repeated(spec.pool, count)}" + (
            f" with stride {listed(spec.pool_stride)}" if spec.pool_stride else ""
        )
    yield f"{spec.axes}-D"
    if spec.sees_only_past:
        yield "causal"
    elif spec.padding == ("valid",):
        yield "no padding"
    elif spec.padding != ("same",):
        yield f"padding {repeated(spec.padding, count)}"
    rates = ";".join(map(listed, branches)) if branches else repeated(spec.dilations, count)
    yield f"dilations {rates}"
    if outline.sizes is not None:
        yield f"input {'×'.join(map(str, outline.sizes))}"


def _block_words(spec: StackSpec) -> Iterator[str]:
    of = f" of {spec.convs_per_block} convolutions" if spec.convs_per_block > 1 else ""
    if spec.residual or of:
        yield f"{'residual ' * spec.residual}blocks{of}"


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
    made = sketch(specs.made(StackSpec, texts))

    def subject() -> Subject:
        raise UsageError(
            "a bare stack has no channels to count; give it some, e.g. cnn:dilations=1/2/4"
        )

    return Network(
        name=made.name, origin=made.origin, subject=subject, whole=subject, sketch=lambda: made
    )


LOADER = Loader(
    name="stack",
    summary="a bare stack of convolutions, e.g. stack:dilations=1/2/4, for its receptive field",
    accepts=accepts,
    spec=lambda text: StackSpec,
    load=load,
)
