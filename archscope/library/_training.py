"""The work and memory of a training step, and of the usual ways of training."""

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
    """Return the memory of a training step, module by module, and its peak, in bytes.

    >>> report = memory("resnet50", batch_size=32, dtype="bf16")
    >>> report.totals.saved, report.totals.peak, report.section("memory.parts").rows

    `model`, `args`, `method` and `kwargs` are as for `params`. The step runs on tensors without
    data, in training mode; the module is not modified. The loss is the sum of the outputs.

    `dtype` is the number type of weights and inputs, `autocast` that of matrix products: `fp32`,
    `fp16` or `bf16`. `attention_kernel` is `flash` or `math`; `dropout` says whose mask is kept,
    that of a GPU (`card`) or of the `cpu`. `freeze` are patterns of what is not trained; `lora`
    describes adapters that are trained instead of the weights, `"r=16,targets=q_proj/v_proj"`, with
    layers named as in the network or in published checkpoints; `recompute` is `none`, `full`,
    `every:2` or `selective`; gradients are accumulated over passes of `micro_batch` sequences. With
    `explain` a section `closed` holds each tensor's closed form; with `check` one real step runs on
    the CPU, and a section `check` compares its memory with the prediction.

    Raises `ForwardError` if the network cannot be run without data, `ArchscopeError` if nothing can
    be trained.
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
    """Return the MACs of a training step: forward, backward and recomputation.

    >>> report = train("resnet50")
    >>> report.totals.step, report.totals.ratio  # 2.97: the image needs no gradient
    (12149538816, 2.97114...)

    `model`, `args`, `method` and `kwargs` are as for `params`; `freeze`, `lora`, `recompute`
    and `micro_batch` as for `memory`. The backward pass is counted in two ways: in closed
    form, from the operands that need a gradient, and from what torch's dispatcher runs;
    `report.totals.complete` says whether they agree everywhere. Section `recipes` has the bytes of
    weights, gradients and optimizer states by the usual mixed-precision recipes.
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
    for `memory`; `freeze` are patterns of the frozen backbone, by default all but the last layer
    with weights. Ways that do not apply to this network are named in a note. Raises as `memory`.
    """
    settings = {"freeze": _joined(freeze), "lora": lora, "dtype": dtype, "optimizer": optimizer}
    return analyse("finetune", model, *args, settings=settings, method=method, **kwargs)


def _joined(patterns: str | Sequence[str]) -> str:
    return ",".join(patterns_of(patterns))


def patterns_of(patterns: str | Sequence[str]) -> tuple[str, ...]:
    """Return what is frozen, pattern by pattern; raises `UsageError` for what is no text."""
    if isinstance(patterns, str):
        return (patterns,)
    each = tuple(patterns) if isinstance(patterns, Iterable) else (patterns,)
    strange = next((one for one in each if not isinstance(one, str)), None)
    if strange is not None:
        raise UsageError(
            f"freeze: this is of type {type(strange).__name__}; give names of parameters or "
            'modules, or patterns of them, e.g. "blocks.[0-5]"'
        )
    return each
