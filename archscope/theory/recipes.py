"""Bytes of weights, gradients and optimiser for each parameter, by the recipes that are in use."""

from __future__ import annotations

from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen


@frozen
class StateRecipe:
    """What is kept for each parameter that is trained, in bytes; of a frozen one its weight."""

    name: str
    """What the user types, e.g. `megatron-18`."""
    weight: int
    """The copy that is multiplied by."""
    grad: int
    """What the backward adds up."""
    main_grad: int = 0
    """A second copy of the gradient, in fp32, which lies beside the optimiser's; 0: none."""
    master: int
    """A second copy of the weight, in fp32; 0 where there is none."""
    optimizer: int
    """The optimiser's moments."""
    counter: int = 0
    """Bytes for each tensor, whatever its size: the step counter of torch's own Adam."""
    source: str
    """Who does it so."""

    @property
    def gradient(self) -> int:
        """Bytes of the gradient, both copies."""
        return self.grad + self.main_grad

    @property
    def trained(self) -> int:
        """Bytes for each parameter that is trained."""
        return self.weight + self.gradient + self.master + self.optimizer

    @property
    def number_type(self) -> str:
        """The number type that products are in: `fp32` or `bf16`."""
        return "fp32" if self.weight == 4 else "bf16"

    def of(self, trained: int, frozen: int) -> int:
        """Return the bytes of so many parameters."""
        return trained * self.trained + frozen * self.weight


RECIPES = (
    StateRecipe(
        name="fp32-16",
        weight=4,
        grad=4,
        master=0,
        optimizer=8,
        counter=4,
        source="fp32 or autocast, AdamW: torch's own default",
    ),
    StateRecipe(
        name="bf16-16",
        weight=2,
        grad=2,
        master=4,
        optimizer=8,
        source="Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 3.1",
    ),
    StateRecipe(
        name="megatron-18",
        weight=2,
        grad=4,
        master=4,
        optimizer=8,
        source="Megatron-LM, bf16 with fp32 gradients: docs, distributed optimizer",
    ),
    StateRecipe(
        name="megatron-20",
        weight=2,
        grad=2,
        main_grad=4,
        master=4,
        optimizer=8,
        source="Megatron-LM, fp16 with fp16 gradients: docs, distributed optimizer",
    ),
    StateRecipe(
        name="deepspeed-20",
        weight=2,
        grad=2,
        main_grad=4,
        master=4,
        optimizer=8,
        source="DeepSpeed ZeRO-2: 16-bit gradients and an fp32 copy of them",
    ),
    StateRecipe(
        name="bf16-12",
        weight=2,
        grad=2,
        master=0,
        optimizer=8,
        source="16-bit fine-tuning without a second copy: Dettmers et al. 2023, QLoRA, section 1",
    ),
    StateRecipe(
        name="bf16-8",
        weight=2,
        grad=2,
        master=0,
        optimizer=4,
        counter=4,
        source="everything in bf16, AdamW: no second copy, small updates are lost to rounding",
    ),
)
"""In the order in which they are shown."""


def recipe_named(name: str) -> StateRecipe:
    """Return the recipe of a name; raises `UsageError` with the nearest."""
    names = {recipe.name: recipe for recipe in RECIPES}
    if name not in names:
        near = did_you_mean(name, tuple(names))
        raise UsageError(f"recipe: {name!r} is not one of {', '.join(names)}.{near}")
    return names[name]
