"""Plans training on many GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.library._analyse import analyse, as_text
from archscope.results import Report

if TYPE_CHECKING:
    from torch import nn


def plan(
    model: nn.Module | str = "",
    *args: Any,
    gpu: str | None = None,
    gpus: int | None = None,
    dp: int | None = None,
    tp: int = 1,
    pp: int = 1,
    ep: int = 1,
    zero: int = 0,
    sequence_parallel: bool = False,
    recipe: str = "bf16-16",
    recompute: str = "none",
    attention_kernel: str = "flash",
    dropout: bool = False,
    loss: str = "cross-entropy",
    micro_batch: int | None = None,
    global_batch: int | None = None,
    interleave: int = 1,
    mfu: float | None = None,
    price: float | None = None,
    tokens: str | float | None = None,
    card_memory: str | None = None,
    max: str | None = None,
    saved: str = "auto",
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return what training takes: memory per GPU, FLOPs, time, cost, and whether it fits.

    >>> report = plan("gpt2-xl", gpu="a100", gpus=8, zero=2, micro_batch=4)
    >>> report.totals.fits, report.totals.known, report.section("plan.stages").rows

    `model`, `args`, `method` and `kwargs` are as for `params`. For families, weights and
    activations are closed forms, without torch; `saved="step"` runs a step on shapes instead.

    `gpu` is a GPU whose memory and peak are cited, `card_memory` another memory size, e.g.
    `"80GiB"`. `gpus` = `dp` x `tp` x `pp`; `ep` of the `dp` share the experts; `zero` is the ZeRO
    stage, 0 to 3. `recipe` determines the bytes per parameter. `mfu` is between 0 and 1, `price` is
    that of one GPU-hour, `tokens` are those of the whole training run, e.g. `"15T"`. `max` names a
    field whose largest value that fits is searched. All other keywords are as on the command line.

    Raises `SpecError` if the GPUs cannot divide the network this way, `UsageError` for an unknown
    GPU.
    """
    settings = {
        "gpu": gpu,
        "gpus": gpus,
        "dp": dp,
        "tp": tp,
        "pp": pp,
        "ep": ep,
        "zero": zero,
        "sequence_parallel": sequence_parallel,
        "recipe": recipe,
        "recompute": recompute,
        "attention_kernel": attention_kernel,
        "dropout": dropout,
        "loss": loss,
        "micro_batch": micro_batch,
        "global_batch": global_batch,
        "interleave": interleave,
        "mfu": mfu,
        "price": price,
        "tokens": as_text(tokens),
        "card_memory": card_memory,
        "max": max,
        "saved": saved,
    }
    return analyse("plan", model, *args, settings=settings, method=method, **kwargs)
