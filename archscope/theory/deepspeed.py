"""What DeepSpeed's own estimators say of weights, gradients and optimiser, as they print it.

They print GiB and call them GB. A host keeps 1.5 times what is offloaded, for buffers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from archscope.records import frozen

Offload = Literal["none", "optimizer", "all"]
"""What lies in the hosts' memory: nothing, the optimiser's states, or the weights too."""
_BUFFERS = Fraction(3, 2)


@frozen
class Estimate:
    """Bytes of one card and of one host."""

    card: int
    host: int


def zero2(
    *,
    params: int,
    cards: int = 1,
    nodes: int = 1,
    offload: Offload = "none",
    old: bool = False,
) -> Estimate:
    """Return the estimate of ZeRO-2 on `cards` of each of so many `nodes`.

    DeepSpeed, runtime/zero/stage_1_and_2.py, estimate_zero2_model_states_mem_needs: 2 bytes, and 18
    that all cards divide; `old`: as before its pull request 5099, 4 and 16.

    >>> found = zero2(params=2851598336, cards=8, offload="optimizer")  # T5-3B
    >>> round(found.card / 2**30, 2), round(found.host / 2**30, 2)
    (5.31, 127.48)
    """
    every = cards * nodes
    if offload != "none":
        return Estimate(card=2 * params, host=int(params * max(4 * every, 16) * _BUFFERS))
    whole, divided = (4, 16) if old else (2, 18)
    return Estimate(
        card=whole * params + divided * params // every,
        host=int(params * 4 * cards * _BUFFERS),
    )


def zero3(
    *,
    params: int,
    largest_layer: int,
    cards: int = 1,
    nodes: int = 1,
    offload: Offload = "none",
    zero_init: bool = True,
) -> Estimate:
    """Return the estimate of ZeRO-3: 4 bytes of the largest layer, and 18 that all cards divide.

    DeepSpeed, runtime/zero/stage3.py, estimate_zero3_model_states_mem_needs. `zero_init`: weights
    are divided while the network is made.

    >>> found = zero3(params=2851598336, largest_layer=32899072, cards=8)  # T5-3B
    >>> round(found.card / 2**30, 2), round(found.host / 2**30, 2)
    (6.1, 1.47)
    """
    layer, every = 4 * largest_layer, cards * nodes
    on_card = {"none": 18, "optimizer": 2, "all": 0}[offload]
    on_host = Fraction(18 - on_card, nodes)
    if offload == "none":
        kept = Fraction(layer * cards if zero_init else 4 * cards * params)
    else:
        kept = params * (on_host if zero_init else max(Fraction(4 * cards), on_host))
    return Estimate(card=layer + on_card * params // every, host=int(kept * _BUFFERS))
