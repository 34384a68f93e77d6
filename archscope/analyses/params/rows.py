"""Row types and totals of the params analysis."""

from __future__ import annotations

from archscope.columns import asked_for, column
from archscope.records import frozen
from archscope.results import Section


@frozen
class ModuleRow:
    """One module. The plain columns hold its submodules too, the `own` columns do not.

    The `own` columns add up to the totals: a shared tensor is counted at its first holder alone.
    """

    path: str = column("Module", kind="path")
    """Dotted name; empty for the model itself."""
    type: str = column("Type", drop=3)
    """Class name."""
    settings: str = column("Settings", drop=3, default="")
    """What the type leaves open and the shapes do not tell, e.g. `3×3, dilation 2`."""
    component: str = column()
    """Part of the network that the module's own work belongs to, e.g. `attention`."""
    calls: int = column(kind="count")
    """How often forward ran; 0 where it never did."""
    input_shape: tuple[int, ...] | None = column(kind="shape", default=None)
    """Shape of the first tensor that the first call was given by place."""
    output_shape: tuple[int, ...] | None = column("Output shape", kind="shape", drop=4)
    """Shape of the first tensor that the first call returned."""
    channels_in: int | None = column(kind="number", none="–", default=None)
    """Channels or features that a layer takes, as it says itself; None of any other module."""
    channels_out: int | None = column(kind="number", none="–", default=None)
    """Channels or features that a layer gives."""
    trainable: int = column("Params", kind="count", share=True, bar=True, held_by="shared_with")
    """Parameters with `requires_grad`, in elements."""
    frozen: int = column("Frozen", kind="count", drop=2)
    """Parameters without `requires_grad`, in elements."""
    buffers: int = column(kind="count")
    """Elements of buffers; they are not parameters."""
    nonzero: int | None = column(
        "Nonzero", kind="count", idle="unknown", held_by="shared_with", drop=1, default=None
    )
    """Parameters that are not zero, pruned ones as their mask leaves them; None where that was not
    asked for, or is unknown: weights without data, or packed."""
    macs: int | None = column("MACs", kind="work", bound="complete", drop=1)
    """Multiply-accumulates of matrix products, convolutions and attention."""
    effective_macs: int | None = column(
        "Effective MACs", kind="work", idle="unknown", drop=2, bound="complete", default=None
    )
    """Those that are left where outputs and inputs of linear layers and convolutions whose weights
    are all zero are taken away; None where that was not asked for, or is not certain."""
    flops: int | None = column("FLOPs*", kind="work", share=True, bound="complete")
    """FLOPs in the report's convention; None where the forward did not get there."""
    complete: bool = column(default=True)
    """Whether that is all: False where work in the module or its submodules is not counted, or in
    dispute."""
    own_trainable: int = column(kind="count")
    own_frozen: int = column(kind="count")
    own_buffers: int = column(kind="count")
    own_nonzero: int | None = column(kind="count", default=None)
    own_macs: int | None = column(kind="work")
    own_effective_macs: int | None = column(kind="work", default=None)
    own_flops: int | None = column(kind="work")
    shared_with: str | None = column(kind="reference")
    """The module that holds this one's weights, where they are counted there."""
    params_form: str | None = column("Params =")
    """Closed form of the parameters with its numbers filled in, e.g. `768*3072 + 3072`."""
    macs_form: str | None = column("MACs =")
    """Closed form of the multiply-accumulates with its numbers filled in."""


@frozen
class OperatorRow:
    """One operator as torch's dispatcher saw it."""

    operator: str = column("Operator")
    """Name with its namespace, e.g. `aten::addmm`."""
    kind: str = column("Class", drop=1)
    """`multiply-accumulate`, `estimated`, `elementwise or reduction`, `free` or `unknown`."""
    calls: int = column("Calls", kind="count")
    """How often it ran."""
    elements: int = column("Elements written", kind="work", drop=2)
    """Elements of all its outputs."""
    macs: int | None = column("MACs", kind="work", share=True, bar=True)
    """Multiply-accumulates; None where the operator is unknown."""
    estimated_flops: int | None = column(
        "Estimated FLOPs", kind="work", drop=3, idle="unknown", none="-", default=None
    )
    """FLOPs of a transform, a distance or a factorisation by a textbook count, beside all totals;
    None for other operators."""


@frozen
class ComponentRow:
    """One part of the network, e.g. all of its attention."""

    component: str = column("Component")
    trainable: int = column("Params", kind="count", share=True, bar=True)
    frozen: int = column("Frozen", kind="count", drop=2)
    macs: int | None = column("MACs", kind="work", drop=1)
    flops: int | None = column("FLOPs*", kind="work", share=True)


@frozen
class TypeRow:
    """All layers of one type; the rows add up to the totals, a shared tensor counts once."""

    type: str = column("Layer type")
    """E.g. `linear`, `depthwise conv 2d`; `own parameters` and `functions` stand for what a module
    holds and does that is no layer."""
    layers: int = column("Layers", kind="count")
    """How many there are, each copy of a repeated block's."""
    trainable: int = column("Params", kind="count", share=True, bar=True)
    """Parameters with `requires_grad`, in elements."""
    frozen: int = column("Frozen", kind="count", drop=2)
    """Parameters without `requires_grad`, in elements."""
    buffers: int = column()
    """Elements of buffers; they are not parameters."""
    weight_bytes: int = column("Weights", kind="bytes", drop=2)
    """Bytes of the parameters in their own number types."""
    macs: int | None = column("MACs", kind="work", share=True, bound="complete")
    """Multiply-accumulates; None where some are unknown."""
    macs_per_parameter: float | None = column(
        "MACs/param", kind="number", drop=1, none="–", idle="unknown"
    )
    """Multiply-accumulates for each parameter, shared ones at their first holder; None where there
    are not parameters, or the work is unknown."""
    flops: int | None = column()
    """FLOPs in the report's convention; None where some are unknown."""
    complete: bool = column(default=True)
    """Whether that is all of the work, and undisputed."""
    params_formula: str | None = column("Params of one layer", drop=3, idle="unknown")
    """Parameters of one such layer, e.g. `i*o + o`; several where layers differ. None where there
    are none, or a layer's count is not what any formula says."""
    macs_formula: str | None = column("MACs of one layer", drop=4, idle="unknown")
    """Multiply-accumulates of one call of such a layer, in the same way."""


@frozen
class DepthRow:
    """One meaning of the word depth."""

    measure: str = column("Depth")
    value: int | None = column("Value", kind="count")
    definition: str = column("Definition")


@frozen
class Totals:
    """Sums over the `own` columns of all modules."""

    trainable: int
    """Parameters with `requires_grad`, shared tensors once."""
    frozen: int
    """Parameters without `requires_grad`, shared tensors once."""
    active: int | None
    """Parameters that one token uses; fewer than all only in a mixture of experts.

    None: how many experts a token meets is unknown."""
    buffers: int
    """Elements of buffers."""
    weight_bytes: int
    """Bytes of all parameters in their own number types."""
    macs: int | None
    """Multiply-accumulates of one forward pass; None where nothing was run."""
    flops: int | None
    """FLOPs of one forward pass in the report's convention."""
    nonzero: int | None = asked_for()
    """Parameters that are not zero, shared tensors once; None where not asked for, or unknown."""
    effective_macs: int | None = asked_for()
    """Multiply-accumulates without zero outputs and inputs; None where not asked or not certain."""
    complete: bool
    """False where an operator is unknown or the engines disagree: the FLOPs are a lower bound."""


MODULES = Section(
    analysis="params",
    name="modules",
    row_type=ModuleRow,
    totals_type=Totals,
    caption="Modules in order of execution; identical blocks are summed in one row",
    chapter="layers",
)

COMPONENTS = Section(
    analysis="params",
    name="components",
    row_type=ComponentRow,
    caption="Parts of the network",
    chapter="cost",
    folded=True,
)

TYPES = Section(
    analysis="params",
    name="types",
    row_type=TypeRow,
    caption="Types of layers side by side",
    chapter="cost",
    folded=True,
)

OPERATORS = Section(
    analysis="params",
    name="operators",
    row_type=OperatorRow,
    caption="Operators that ran, from torch's dispatcher",
    chapter="cost",
    folded=True,
)

DEPTH = Section(
    analysis="params",
    name="depth",
    row_type=DepthRow,
    caption="Definitions of depth",
    chapter="cost",
    folded=True,
)
