"""How long a network takes on this machine, where the time goes, and whether that is good."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from archscope.results import Convention, Section
from archscope.subject import Subject

if TYPE_CHECKING:
    from archscope.analyses.time.work import Counts


CONVENTION = Convention(
    name="2 x MACs",
    flops_per_multiply_add=2,
    text=(
        "1 multiply-accumulate (MAC) = 2 FLOPs, as peaks are printed; norms, biases and other "
        "elementwise work take time but count no FLOPs"
    ),
)
"""What FLOP/s means here."""

Dtype = Literal["fp32", "tf32", "fp16", "bf16"]
Step = Literal["forward", "train"]


def run(
    subject: Subject,
    *,
    device: str = "auto",
    dtype: str = "fp32",
    step: Step = "forward",
    warmup: int = 20,
    runs: int = 100,
    budget: float = 60.0,
    compiled: bool = False,
    per_layer: bool = False,
    cuda_graph: bool | None = None,
    warm_cache: bool = False,
    counts: Counts | None = None,
    copy: bool = True,
    keep_interrupted: bool = False,
    watch: Callable[[float, float], None] | None = None,
) -> tuple[Section, ...]:
    """Time `subject` and return the sections passes, layers (where wanted), samples, conditions.

    `counts` are the multiply-accumulates that `params` counted; without them FLOP/s are unknown.
    `copy` times a copy of the model, so that it stays as found. With `keep_interrupted` a Ctrl-C
    returns what was measured. `watch` is told the share that is done and the seconds left.
    """
    from archscope.analyses.time.measure import Settings, measure
    from archscope.analyses.time.sections import sections

    settings = Settings(
        device=device,
        dtype=dtype,
        step=step,
        warmup=warmup,
        runs=runs,
        budget_s=budget,
        compiled=compiled,
        per_layer=per_layer,
        cuda_graph=cuda_graph,
        warm_cache=warm_cache,
        copy=copy,
        watch=watch,
    )
    found = measure(subject, settings)
    if found.interrupted and not keep_interrupted:
        raise KeyboardInterrupt
    return sections(subject, found, counts)


def title(subject: Subject, device: str, dtype: str, *, compiled: bool, step: str) -> str:
    """Return the line above a table of times: what ran, and on what."""
    import torch

    from archscope.timing.devices import name_of, resolve

    words = [
        "time",
        subject.name,
        dtype,
        *(["training"] if step == "train" else []),
        name_of(resolve(device)),
        f"torch {torch.__version__}",
        "compiled" if compiled else "eager",
    ]
    return " · ".join(words)
