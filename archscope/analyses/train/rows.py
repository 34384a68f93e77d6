"""Row types and totals of the train analysis."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class ModuleRow:
    """One module. The plain columns hold its submodules too, the `own` columns do not."""

    path: str = column("Module", kind="path")
    """Dotted name; empty for the model itself."""
    type: str = column("Type", drop=4)
    """Class name."""
    trainable: int = column("Trained", kind="count", drop=1)
    """Parameters that are trained, in elements; shared ones at their first holder."""
    frozen: int = column("Frozen", kind="count", drop=3, idle="empty")
    """Parameters that are not."""
    forward: int = column("Forward MACs", kind="work")
    """Multiply-accumulates of the forward pass."""
    backward: int = column("Backward MACs", kind="work", share=True, bar=True)
    """Multiply-accumulates of the backward pass, without what runs again."""
    by_weight: int = column("for weights", kind="work", drop=2)
    """Of these, for gradients of weights, by the closed form."""
    by_input: int = column("for inputs", kind="work", drop=2)
    """Of these, for gradients of activations, by the closed form."""
    by_function: int = column("by functions", kind="work", idle="empty", drop=3, default=0)
    """Of these, by functions whose backward no closed form tells, as torch ran them."""
    recomputed: int = column("Again", kind="work", idle="empty", drop=1)
    """Multiply-accumulates of the forward that run again in the backward."""
    agrees: bool = column(default=True)
    """Whether the closed form and torch's dispatcher agree on its own backward, functions left
    out."""
    own_trainable: int = column()
    own_frozen: int = column()
    own_forward: int = column()
    own_backward: int = column()
    own_by_weight: int = column()
    own_by_input: int = column()
    own_by_function: int = column(default=0)
    own_recomputed: int = column()


@frozen
class RecipeRow:
    """What one way to train keeps for weights, gradients and optimiser."""

    recipe: str = column("Recipe")
    weight: int = column("Weight", kind="number")
    """Bytes for each parameter."""
    gradient: int = column("Gradient", kind="number")
    """Bytes for each parameter that is trained."""
    master: int = column("Second copy", kind="number", drop=1)
    """Bytes for each parameter that is trained, of its copy in fp32."""
    optimizer: int = column("Optimizer", kind="number")
    """Bytes for each parameter that is trained."""
    trained: int = column("Together", kind="number")
    """Bytes for each parameter that is trained."""
    bytes: int = column("This network", kind="bytes")
    """Of all parameters of this network; a frozen one has its weight alone."""
    source: str = column("Source", drop=2)


@frozen
class Totals:
    """What a training step does."""

    trainable: int
    """Parameters that are trained, in elements."""
    frozen: int
    """Parameters that are not."""
    forward: int
    """Multiply-accumulates of the forward pass."""
    backward: int
    """Multiply-accumulates of the backward pass."""
    by_weight: int
    """Of these, for gradients of weights, by the closed form."""
    by_input: int
    """Of these, for gradients of activations, by the closed form."""
    by_function: int
    """Of these, by functions whose backward no closed form tells, as torch ran them."""
    recomputed: int
    """Multiply-accumulates of the forward that run again."""
    step: int
    """All of them together."""
    ratio: float | None
    """Step / forward; None where the forward multiplies nothing, and of two lower bounds."""
    complete: bool
    """Whether all operators are known, and both roads agree module by module."""


MODULES = Section(
    analysis="train",
    name="modules",
    row_type=ModuleRow,
    totals_type=Totals,
    caption="Multiply-accumulates of each module in a training step",
)
RECIPES = Section(
    analysis="train",
    name="recipes",
    row_type=RecipeRow,
    caption="Bytes of weights, gradients and optimizer, by common recipes",
    folded=True,
)
