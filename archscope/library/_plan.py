"""What training takes on many cards."""

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
    """Return what training takes: memory of a card, FLOPs, time, money, and whether it fits.

    >>> report = plan("gpt2-xl", gpu="a100", gpus=8, zero=2, micro_batch=4)
    >>> report.totals.fits, report.totals.known, report.section("plan.stages").rows

    `model`, `args`, `method` and `kwargs` are as for `params`. A family tells its weights and what
    a step keeps in closed form, without torch; `saved="step"` runs a step on shapes instead.

    `gpu` is a card whose memory and peak are cited, `card_memory` another size, e.g. `"80GiB"`.
    `gpus` = `dp` x `tp` x `pp`; `ep` of the `dp` deal out experts; `zero` is ZeRO's stage, 0 to 3.
    `recipe` says how many bytes each parameter takes. `mfu` is a share of 1, `price` that of a card
    for an hour, `tokens` are those of the whole training, e.g. `"15T"`. `max` names a field whose
    largest value that fits is looked for. All else is as on the command line.

    Raises `SpecError` where cards cannot share the network so, `UsageError` for what is no card.
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
