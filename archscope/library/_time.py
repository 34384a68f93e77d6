"""Times a network on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from archscope.errors import ArchscopeError, UsageError
from archscope.library._analyse import read_settings
from archscope.library._batches import time_by_batch, with_batches
from archscope.library._bounded import bound_network, bound_subject, card
from archscope.library._decoding import time_decoding, with_context
from archscope.library._named import also_called, network_of, subject_of
from archscope.library._params import count_subject
from archscope.library._timed import counted_of, in_words, time_subject
from archscope.results import Report
from archscope.study import analyse, made
from archscope.subject import Network, Subject

if TYPE_CHECKING:
    from torch import nn


@also_called(compiled="compile")
def time(
    model: nn.Module | str = "",
    *args: Any,
    device: str = "auto",
    dtype: str = "fp32",
    step: Literal["forward", "train", "decode"] = "forward",
    context: int | None = None,
    warmup: int = 20,
    runs: int = 100,
    budget: float = 10.0,
    compile: bool = False,
    channels_last: bool = False,
    autocast: Literal["bf16", "fp16"] | None = None,
    cudnn_benchmark: bool | None = None,
    attention_kernel: Literal["flash", "efficient", "math", "cudnn"] | None = None,
    per_layer: bool = False,
    cuda_graph: bool | None = None,
    warm_cache: bool = False,
    batch_size: int | Sequence[int] | None = None,
    gpu: str | None = None,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Time a module, or a family's network with random weights, on this machine.

    >>> report = time(model, images, device="cuda", dtype="bf16", per_layer=True)
    >>> report.section("passes").rows[0].median_s, report.to_frame("layers")

    `args`, `method` and `kwargs` are as for `params`, which counts the multiply-accumulates. The
    forward pass runs in evaluation mode without gradients; with `step="train"` forward, backward
    and optimizer run in training mode and are timed separately; with `step="decode"` a decoding
    step computes the next position of each sequence from a cache of `context` positions. A copy
    runs, so that the module is not modified.

    `device` is `auto`, `cuda`, `cuda:1`, `xpu`, `mps` or `cpu`, `dtype` is `fp32`, `tf32`, `fp16`
    or `bf16`. At least `warmup` runs precede the `runs` that are measured, all within about
    `budget` seconds. `compile` uses `torch.compile`; `channels_last` is the memory format of images
    and volumes; with `autocast`, products are cast in each pass and weights stay in 32 bits; with
    `cudnn_benchmark`, cuDNN chooses its algorithms by trial; `attention_kernel` selects the only
    allowed kernel of scaled dot product attention. `per_layer` times every module. On a GPU the
    forward pass is also replayed as a CUDA graph if possible: `cuda_graph` requires or skips that.
    `warm_cache` leaves the GPU's cache as the previous run left it.

    With several values of `batch_size` a pass is timed with each in turn, until memory runs out:
    `report.section("batches")` has their times and throughputs. Given inputs are cut or repeated.

    With `gpu`, e.g. `"h100"`, nothing runs: `report.section("bounds")` has the bytes that each
    module must move, its FLOPs per byte, and a lower bound in seconds on its time on that GPU by
    the roofline model (Williams et al. 2009).

    >>> report = time("transformer", depth=96, gpu="h100", dtype="bf16")
    >>> report.totals.bound_s, report.totals.binds

    Raises `ArchscopeError` if there is no such device, or if the batch does not fit (the message
    names the largest that does).
    """
    settings: dict[str, Any] = {
        "device": device, "dtype": dtype, "step": step, "context": context, "warmup": warmup,
        "runs": runs, "budget": budget, "compiled": compile, "per_layer": per_layer,
        "cuda_graph": cuda_graph,
        "warm_cache": warm_cache, "channels_last": channels_last, "autocast": autocast,
        "cudnn_benchmark": cudnn_benchmark, "attention_kernel": attention_kernel,
    }  # fmt: skip
    settings = in_words(settings)
    sizes = (batch_size,) if isinstance(batch_size, int) else tuple(batch_size or ())
    named = (model,) if isinstance(model, str) else None
    kwargs, batches = with_batches(named, with_context(named, kwargs, context), sizes)
    if gpu is not None:
        card(gpu, settings)
        if batches:
            raise UsageError("gpu bounds one pass; give one batch_size")
        if isinstance(model, str):
            network = network_of(model, kwargs, args=args, method=method)
            return bound_network(network, gpu, **settings)
        return bound_subject(subject_of(model, args, kwargs, method=method), gpu, **settings)
    if isinstance(model, str):
        network = network_of(model, kwargs, args=args, method=method)
        return time_network(network, batches=batches, **settings)
    subject = subject_of(model, args, kwargs, method=method)
    if batches:
        return time_by_batch(subject, counted_of(subject), batches, settings, copy=True)
    return time_subject(subject, counted_of(subject), copy=True, **settings)


def time_network(
    network: Network,
    *,
    counted: Report | None = None,
    gpu: str | None = None,
    batches: Sequence[int] = (),
    **settings: Any,
) -> Report:
    """Build all of a named network with random weights and time it; see `time`.

    With `batches` these are the sizes of the batch that are timed.

    With `gpu` nothing is built, and its time is bounded. `counted` is what `params` reports of it,
    where that is known already.
    """
    if gpu is not None:
        return bound_network(network, gpu, **settings)
    from archscope.analyses.time.fit import built
    from archscope.analyses.time.memory_needed import available, peak_of_forward, require_memory
    from archscope.analyses.time.settings import Settings
    from archscope.timing.devices import resolve
    from archscope.timing.precision import DTYPES, check

    asked = Settings(**settings)
    where = resolve(asked.device)
    precision = check(asked.dtype, where)
    if asked.step == "decode":
        if batches:
            raise UsageError("--pass decode is timed at one batch size; give one --batch-size")
        return time_decoding(network, where, precision, settings)
    sketch = made(network.subject)
    told = counted or count_subject(sketch)

    def peak(subject: Subject) -> int | None:
        if asked.step == "train":
            return _peak_of_step(subject, asked.dtype, asked.autocast or "off")
        return None if asked.autocast else peak_of_forward(subject, told, asked.dtype)

    if not batches:
        require_memory(sketch, told, where, asked.dtype, peak)
    whole = built(network, where, DTYPES[precision])
    if batches:
        told_of = replace(whole, at_batch=sketch.at_batch)
        have = available(where) if where.type == "cpu" else None
        return time_by_batch(told_of, told, batches, settings, copy=False, peak=peak, have=have)
    return time_subject(whole, told, sketch=sketch, copy=False, **settings)


def _peak_of_step(subject: Subject, dtype: str, autocast: str) -> int | None:
    """Return the most bytes of a step of training with AdamW; None where nobody knows."""
    recipe = {"dtype": "fp32" if dtype == "tf32" else dtype, "autocast": autocast}
    try:
        found = analyse("memory", subject, **read_settings("memory", recipe))
    except ArchscopeError:
        return None
    totals = found.totals
    return totals.peak if totals.exact else None
