"""Low-rank adapters: how many parameters they have (Hu et al. 2021, LoRA, arXiv 2106.09685)."""

from __future__ import annotations

from collections.abc import Sequence


def adapter_parameters(*, inputs: int, outputs: int, rank: int) -> int:
    """Return the parameters of one adapter beside a layer: r (i + o), two thin matrices.

    Hu et al. 2021, section 4.1. A convolution of taps k has r (i k + o).
    """
    return rank * (inputs + outputs)


def lora_parameters(
    *,
    layers: int,
    rank: int,
    targets: Sequence[Sequence[int]],
    saved: int = 0,
    base: int = 0,
) -> int:
    """Return the trainable parameters: those of all adapters, and of modules trained in full.

    `targets` are (inputs, outputs) of the layers that have an adapter in each block: a fused qkv is
    one of d and 3 d, a projection to few key heads one of d and kv d_h. `saved` are parameters
    that train in full (peft's `modules_to_save`). With `base`, those of the network, it is all
    parameters, as peft prints them: base and adapters.

    >>> lora_parameters(layers=32, rank=8, targets=[(4096, 4096), (4096, 4096)])
    4194304
    """
    each = sum(adapter_parameters(inputs=i, outputs=o, rank=rank) for i, o in targets)
    return layers * each + saved + base
