"""What one of several data-parallel cards keeps of weights, gradients and optimiser.

Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 5: stage 1 divides the optimiser's states,
stage 2 the gradients too, stage 3 the weights too. Megatron-LM's distributed optimizer is stage 1:
6 + 12/d bytes for each parameter with `megatron-18`, 4 + 16/d with `megatron-20`, 8 + 8/d with
`fp32-16`.
"""

from __future__ import annotations

from archscope.records import frozen
from archscope.theory.recipes import StateRecipe


@frozen
class State:
    """Bytes on one card."""

    weights: int
    gradients: int
    main_gradients: int
    """The gradients' copies in fp32."""
    master: int
    """The weights' copies in fp32."""
    optimizer: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.main_gradients + self.master + self.optimizer


def share(count: int, cards: int) -> int:
    """Return the most that one of several cards has of so many things, dealt out evenly.

    >>> share(10, 4)
    3
    """
    return -(-count // cards)


def states(
    recipe: StateRecipe, trained: int, *, frozen: int = 0, ranks: int = 1, zero: int = 0
) -> State:
    """Return what one of `ranks` cards keeps of so many parameters; `zero` is ZeRO's stage, 0 to 3.

    Parameters are dealt out as one row of numbers, of which the first cards have one more where it
    cannot be even. Of frozen parameters there is the weight alone.

    >>> from archscope.theory.recipes import recipe_named
    >>> states(recipe_named("bf16-16"), 7_500_000_000, ranks=64, zero=1).total  # 31.4 GB
    31406250000
    """
    mine = share(trained, ranks)
    return State(
        weights=recipe.weight * (share(trained + frozen, ranks) if zero > 2 else trained + frozen),
        gradients=recipe.grad * (mine if zero > 1 else trained),
        main_gradients=recipe.main_grad * (mine if zero > 0 else trained),
        master=recipe.master * (mine if zero > 0 else trained),
        optimizer=recipe.optimizer * (mine if zero > 0 else trained),
    )


def checkpoint_bytes(recipe: StateRecipe, params: int) -> int:
    """Return what is written to go on later: all but the gradients.

    >>> from archscope.theory.recipes import recipe_named
    >>> round(checkpoint_bytes(recipe_named("bf16-16"), 176_247_271_424) / 2**40, 1)  # BLOOM, TiB
    2.2
    """
    return (recipe.weight + recipe.master + recipe.optimizer) * params
