"""Runs all analyses of one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from archscope.analyses import ANALYSES
from archscope.errors import ArchscopeError, InterruptedRunError, UsageError
from archscope.hardware import named
from archscope.library._audit import audit_network
from archscope.library._bounded import bound_network
from archscope.library._named import network_of, subject_of
from archscope.library._params import count_subject, with_figures
from archscope.library._rf import see_network
from archscope.library._time import time_network
from archscope.library._timed import in_words, time_subject
from archscope.results import Level, Note, Report
from archscope.study import ask, countable, join
from archscope.subject import Network

if TYPE_CHECKING:
    from torch import nn

_OWN_WAYS = ("params", "rf")
"""Analyses that are asked in ways of their own; all others that want to be in a report, alike."""


def report(
    model: nn.Module | str = "",
    *args: Any,
    rf: bool = True,
    time: bool = False,
    train: bool = False,
    erf: int = 0,
    audit: bool = False,
    device: str = "auto",
    dtype: str = "fp32",
    gpu: str | None = None,
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
    cuda_graph: bool | None = None,
    warm_cache: bool = False,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Run all analyses of one network and return one report, e.g. to save as a page.

    >>> found = report("cnn", dilations=(2, 2, 2))
    >>> found.totals.trainable, found.section("layers").totals.coverage
    (75648, 0.28994082840236685)
    >>> found.save("cnn.html")  # doctest: +SKIP

    `model`, `args`, `method` and `kwargs` are as for `params`. With `time` a pass is also timed,
    module by module: `device` to `warm_cache` are keywords of `archscope.time`; with a `gpu` its
    time on that GPU is bounded instead. With `train` the usual ways of training are compared; `erf`
    is the number of random images on which the effective receptive field is measured; with `audit`
    other counters count the network too. Analyses that are not available are named in a note.
    """
    asked: dict[str, Any] = {"rf": rf, "time": time, "train": train, "erf": erf, "audit": audit}
    asked["timing"] = in_words({
        "device": device, "dtype": dtype, "gpu": gpu, "step": step, "context": context,
        "warmup": warmup, "runs": runs, "budget": budget, "compiled": compile,
        "channels_last": channels_last, "autocast": autocast, "cudnn_benchmark": cudnn_benchmark,
        "attention_kernel": attention_kernel, "cuda_graph": cuda_graph, "warm_cache": warm_cache,
    })  # fmt: skip
    if isinstance(model, str):
        return report_network(network_of(model, kwargs, args=args, method=method), **asked)
    subject = subject_of(model, args, kwargs, method=method)
    network = Network(
        name=subject.name,
        origin=subject.origin,
        subject=lambda: subject,
        whole=lambda: subject,
    )

    def timed(counted: Report, **settings: Any) -> Report:
        return time_subject(subject, counted, copy=True, **settings)

    return report_network(network, **asked, timed=timed)


def report_network(
    network: Network,
    *,
    rf: bool = True,
    time: bool = False,
    train: bool = False,
    erf: int = 0,
    audit: bool = False,
    flops_per_mac: int = 1,
    timing: Mapping[str, Any] | None = None,
    timed: Callable[..., Report] | None = None,
    tell: Callable[[str, str | None], None] = lambda analysis, reason: None,
) -> Report:
    """Run all analyses of a `Network`; see `report`.

    `timed` times what was counted, where that is not done by building it anew. `tell` is called
    after each analysis, with the reason where it gave no answer. A Ctrl-C once parameters are
    counted raises `InterruptedRunError` with the `report` until then.
    """
    gpu = (timing or {}).get("gpu")
    if gpu is not None:
        named(gpu)  # before any work: what was typed wrong is no analysis that has no answer
    subject = countable(network)
    counted = with_figures(count_subject(subject, flops_per_mac=flops_per_mac), network)
    tell("params", None)
    tell("flops", None if counted.convention and counted.inputs else "no input was given")
    asked: dict[str, Callable[[], Report]] = {}
    if rf:
        asked["rf"] = lambda: see_network(network, compare=True)
    if erf:
        asked["erf"] = lambda: _effective(network, erf)
    if train:
        asked["train"] = partial(ask, "finetune", network)
    if audit:
        asked["audit"] = lambda: audit_network(network)
    if time or gpu is not None:
        asked["time"] = lambda: _timed(network, counted, timed, timing or {})
    for name, other in ANALYSES.all().items():
        if other.reported and name not in _OWN_WAYS:
            asked[name] = partial(ask, name, network)
    return _answered(counted, asked, tell)


def _answered(
    counted: Report,
    asked: Mapping[str, Callable[[], Report]],
    tell: Callable[[str, str | None], None],
) -> Report:
    """Ask one analysis after the other and join their reports; why one is missing is a note."""
    reports = [counted]
    notes: list[Note] = []
    for analysis, answer in asked.items():
        try:
            reports.append(answer())
        except KeyboardInterrupt:
            said = f"{analysis}: interrupted; this analysis and the following ones are missing"
            cut = join(reports, (*notes, Note(level="warning", text=said)))
            raise InterruptedRunError(cut) from None
        except ArchscopeError as error:
            reason = str(error)
            level: Level = "info" if isinstance(error, UsageError) else "warning"
            notes.append(Note(level=level, text=f"{analysis}: not available, because {reason}"))
            tell(analysis, reason)
        else:
            tell(analysis, None)
    return join(reports, tuple(notes))


def _timed(
    network: Network,
    counted: Report,
    timed: Callable[..., Report] | None,
    timing: Mapping[str, Any],
) -> Report:
    """Return the times of a pass as it was asked for, or its bounds on a card."""
    asked = dict(timing)
    if asked.get("gpu") is not None:
        gpu = asked.pop("gpu")
        return bound_network(network, gpu, **asked)
    modules = not asked.get("compiled")  # a compiled network has none
    if timed is not None:
        return timed(counted, per_layer=modules, **asked)
    return time_network(network, counted=counted, per_layer=modules, **asked)


def _effective(network: Network, images: int) -> Report:
    """Return the effective receptive field alone: where it has none, the rest is told still."""
    found = see_network(network, erf=images)
    wanted = tuple(each for each in found.sections if each.name in ("erf", "gradients"))
    return replace(found, sections=wanted)
