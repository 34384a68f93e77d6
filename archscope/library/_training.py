"""What a step of training does and keeps, and what each way to train takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.library._analyse import analyse
from archscope.results import Report

if TYPE_CHECKING:
    from torch import nn


def memory(
    model: nn.Module | str = "",
    *args: Any,
    dtype: str = "as-is",
    autocast: str = "off",
    optimizer: str = "adamw",
    attention_kernel: str = "flash",
    dropout: str = "card",
    freeze: str | Sequence[str] = (),
    lora: str = "",
    recompute: str = "none",
    micro_batch: int | None = None,
    explain: bool = False,
    check: bool = False,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return what a step of training keeps in memory, module by module, and its peak; bytes.

    >>> report = memory("resnet50", batch_size=32, dtype="bf16")
    >>> report.totals.saved, report.totals.peak, report.section("memory.parts").rows

    `model`, `args`, `method` and `kwargs` are as for `params`. The step runs on tensors without
    data, in training mode; the module is left as found. The loss is the sum of the outputs.

    `dtype` is what weights and inputs are cast to, `autocast` the number type of products:
    `fp32`, `fp16` or `bf16`. `attention_kernel` is `flash` or `math`, `dropout` whose mask is kept:
    a `card`'s or the `cpu`'s. `freeze` are patterns of what is not trained; `lora` what is trained
    in place of the weights, `"r=16,targets=q_proj/v_proj"`, layers by their own names or by those
    of published checkpoints; `recompute` is `none`, `full`, `every:2` or `selective`; several
    passes of `micro_batch` sequences each add up their gradients. With `explain` a section `closed`
    holds each tensor's closed form; with `check` one real step runs on the CPU, and a section
    `check` holds what it took beside what was predicted.

    Raises `ForwardError` where the network cannot be run without data, `ArchscopeError` where
    nothing can be trained.
    """
    settings = {
        "dtype": dtype,
        "autocast": autocast,
        "optimizer": optimizer,
        "attention_kernel": attention_kernel,
        "dropout": dropout,
        "freeze": _joined(freeze),
        "lora": lora,
        "recompute": recompute,
        "micro_batch": micro_batch,
        "explain": explain,
        "check": check,
    }
    return analyse("memory", model, *args, settings=settings, method=method, **kwargs)


def train(
    model: nn.Module | str = "",
    *args: Any,
    freeze: str | Sequence[str] = (),
    lora: str = "",
    recompute: str = "none",
    micro_batch: int | None = None,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return what a step of training multiplies: forward, backward, and what runs again.

    >>> report = train("resnet50")
    >>> report.totals.step, report.totals.ratio  # 2.97: the image needs no gradient
    (12149538816, 2.97114...)

    `model`, `args`, `method` and `kwargs` are as for `params`; `freeze`, `lora`, `recompute`
    and `micro_batch` as for `memory`. Two roads count the backward: which operands need a gradient,
    in closed form, and what torch's dispatcher runs; `report.totals.complete` says whether they
    agree everywhere. The
    section `recipes` has the bytes of weights, gradients and optimiser by the usual recipes.
    """
    settings = {
        "freeze": _joined(freeze),
        "lora": lora,
        "recompute": recompute,
        "micro_batch": micro_batch,
    }
    return analyse("train", model, *args, settings=settings, method=method, **kwargs)


def finetune(
    model: nn.Module | str = "",
    *args: Any,
    freeze: str | Sequence[str] = (),
    lora: str = "r=8",
    dtype: str = "as-is",
    optimizer: str = "adamw",
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return full training, a frozen backbone, adapters and recomputation side by side.

    >>> report = finetune("resnet50", batch_size=16)
    >>> {row.way: row.saved for row in report.section("finetune.ways").rows}
    {'full': 1374977024, 'frozen': 131072, 'LoRA': 131584, 'recomputed': 497878016}

    `model`, `args`, `method` and `kwargs` are as for `params`; `dtype`, `optimizer` and `lora` as
    for `memory`; `freeze` are patterns of what a frozen backbone is, by default all but the last
    layer with weights. A way that this network has not is named in a note. Raises as `memory`.
    """
    settings = {"freeze": _joined(freeze), "lora": lora, "dtype": dtype, "optimizer": optimizer}
    return analyse("finetune", model, *args, settings=settings, method=method, **kwargs)


def _joined(patterns: str | Sequence[str]) -> str:
    if isinstance(patterns, str):
        return patterns
    each = tuple(patterns) if isinstance(patterns, Iterable) else (patterns,)
    strange = next((one for one in each if not isinstance(one, str)), None)
    if strange is not None:
        raise UsageError(
            f"freeze: this is of type {type(strange).__name__}; give names of parameters or "
            'modules, or patterns of them, e.g. "blocks.[0-5]"'
        )
    return ",".join(each)
