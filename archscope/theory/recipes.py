"""Bytes of weights, gradients and optimiser for each parameter, by the recipes that are in use."""

from __future__ import annotations

from archscope.records import frozen


@frozen
class StateRecipe:
    """What is kept for each parameter that is trained, in bytes; of a frozen one its weight."""

    name: str
    """What the user types, e.g. `megatron-18`."""
    weight: int
    """The copy that is multiplied by."""
    gradient: int
    master: int
    """A second copy of the weight, in fp32; 0 where there is none."""
    optimizer: int
    """Adam's two moments."""
    source: str
    """Who does it so."""

    @property
    def trained(self) -> int:
        """Bytes for each parameter that is trained."""
        return self.weight + self.gradient + self.master + self.optimizer

    def of(self, trained: int, frozen: int) -> int:
        """Return the bytes of so many parameters."""
        return trained * self.trained + frozen * self.weight


RECIPES = (
    StateRecipe(
        name="fp32-16",
        weight=4,
        gradient=4,
        master=0,
        optimizer=8,
        source="fp32 or autocast, AdamW: torch's own default",
    ),
    StateRecipe(
        name="bf16-16",
        weight=2,
        gradient=2,
        master=4,
        optimizer=8,
        source="Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 3.1",
    ),
    StateRecipe(
        name="megatron-18",
        weight=2,
        gradient=4,
        master=4,
        optimizer=8,
        source="Megatron-LM, bf16 with fp32 gradients: docs, distributed optimizer",
    ),
    StateRecipe(
        name="deepspeed-20",
        weight=2,
        gradient=6,
        master=4,
        optimizer=8,
        source="DeepSpeed ZeRO-2: 16-bit gradients and an fp32 copy of them",
    ),
    StateRecipe(
        name="bf16-8",
        weight=2,
        gradient=2,
        master=0,
        optimizer=4,
        source="everything in bf16, AdamW: no second copy, small updates are lost to rounding",
    ),
)
"""In the order in which they are shown."""
