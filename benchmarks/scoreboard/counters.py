"""Each counter as its users call it: what it says of a network's multiply-accumulates.

A counter takes a module, its arguments and its keywords, and answers with what it says. Numbers
are halved where a counter says that it counts two for each multiply-accumulate; nothing else of
what it says is changed.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What a counter says of a network."""

    macs: float | None
    """Multiply-accumulates of one forward pass; None: it says that it does not know."""
    params: int | None = None
    """Parameters; None where the counter does not count them."""
    unknown: tuple[str, ...] = ()
    """What it names as not counted."""


@dataclass(frozen=True)
class Counter:
    """A counter, and how its users call it."""

    package: str
    """The package that pip knows."""
    count: Callable[[nn.Module, Arguments, Keywords], Told]
    """What it says of a call of a module."""
    target: str = ""
    """A folder beside the environment that it is installed in, where it shares its name with
    another; empty: the environment."""
    forks: bool = True
    """Whether it works in a process that was forked after it was imported."""


def archscope(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with both engines of archscope."""
    import archscope

    report = archscope.params(model, *args, **kwargs)
    totals = report.totals
    doubts = () if totals.complete else ("a lower bound",)
    return Told(macs=totals.macs, params=totals.trainable + totals.frozen, unknown=doubts)


def fvcore(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with fvcore as it ships; keywords are given by place, since it takes no others."""
    from fvcore.nn import FlopCountAnalysis, parameter_count

    found = FlopCountAnalysis(model, by_place(model, args, kwargs))
    found.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    macs, params = found.total(), parameter_count(model)[""]
    return Told(macs=macs, params=params, unknown=tuple(found.unsupported_ops()))


def torch_counter(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with torch's own dispatcher mode, which counts two for each."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        model(*args, **kwargs)
    return Told(macs=counter.get_total_flops() / 2)


def torchinfo(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with torchinfo's `mult_adds`."""
    import torchinfo

    found = torchinfo.summary(model, input_data=list(args) or None, verbose=0, **kwargs)
    return Told(macs=found.total_mult_adds, params=found.total_params)


def thop(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with thop, which takes what is given by place alone."""
    import thop

    macs, params = thop.profile(model, inputs=by_place(model, args, kwargs), verbose=False)
    return Told(macs=macs, params=round(params))


def ptflops_by(backend: str) -> Callable[[nn.Module, Arguments, Keywords], Told]:
    """Return what counts with one of the two backends of ptflops."""

    def count(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
        from ptflops import get_model_complexity_info

        macs, params = get_model_complexity_info(
            model,
            (1,),
            input_constructor=lambda _: named(model, args, kwargs),
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
        )
        return Told(macs=macs, params=params)

    return count


def calflops(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with calflops."""
    from calflops import calculate_flops

    _, macs, params = calculate_flops(
        model=model,
        args=list(args),
        kwargs=dict(kwargs),
        output_as_string=False,
        print_results=False,
        print_detailed=False,
    )
    return Told(macs=macs, params=params)


def deepspeed(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with the profiler of DeepSpeed."""
    from deepspeed.profiling.flops_profiler import get_model_profile

    _, macs, params = get_model_profile(
        model,
        args=list(args),
        kwargs=dict(kwargs),
        print_profile=False,
        detailed=False,
        warm_up=0,
        as_string=False,
    )
    return Told(macs=macs, params=params)


def flops_profiler(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with flops-profiler, DeepSpeed's by itself."""
    from flops_profiler.profiler import get_model_profile

    _, macs, params = get_model_profile(
        model,
        args=list(args),
        kwargs=dict(kwargs),
        print_profile=False,
        detailed=False,
        warm_up=0,
        as_string=False,
    )
    return Told(macs=macs, params=params)


def mmengine(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with MMEngine's fork of fvcore."""
    from mmengine.analysis import FlopAnalyzer, parameter_count

    found = FlopAnalyzer(model, by_place(model, args, kwargs))
    found.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    macs, params = found.total(), parameter_count(model)[""]
    return Told(macs=macs, params=params, unknown=tuple(found.unsupported_ops()))


def torchlens(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with torchlens, which names operators whose work it does not know."""
    import torchlens

    found = torchlens.trace(model, args, dict(kwargs) or None)
    return Told(
        macs=found.total_macs_forward,
        params=sum(int(each.num_params) for each in found.params),
        unknown=(*found.macs_unknown_split_ops, *map(str, found.unknown_flop_ops)),
    )


def torchprofile(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with torchprofile."""
    from torchprofile import profile_macs

    return Told(macs=profile_macs(model, by_place(model, args, kwargs)))


def torchscan(model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Count with torchscan's operators, whose status says whether the count is whole."""
    from torchscan import crawl_module

    found = crawl_module(model, args=args, kwargs=kwargs)
    flops, params = found["operator_flops"]["total"], found["totals"]["parameters"]
    known = flops["value"] if flops["value"] is not None else flops["known_value"]
    return Told(
        macs=None if known is None else known / 2,
        params=params["value"],
        unknown=() if flops["status"] == "complete" else (flops["status"],),
    )


def by_place(model: nn.Module, args: Arguments, kwargs: Keywords) -> Arguments:
    """Return all arguments by their places; raises `TypeError` where one has none."""
    if not kwargs:
        return args
    bound = inspect.signature(model.forward).bind(*args, **kwargs)
    if bound.kwargs:
        raise TypeError(f"takes no arguments by name: {', '.join(bound.kwargs)}")
    return bound.args


def named(model: nn.Module, args: Arguments, kwargs: Keywords) -> Any:
    """Return all arguments by name, or the one that there is."""
    if len(args) == 1 and not kwargs and not isinstance(args[0], dict):
        return args[0]
    return dict(inspect.signature(model.forward).bind(*args, **kwargs).arguments)


COUNTERS: Mapping[str, Counter] = {
    "archscope": Counter(package="archscope", count=archscope),
    "fvcore": Counter(package="fvcore", count=fvcore),
    "torch's counter": Counter(package="torch", count=torch_counter),
    "torchlens": Counter(package="torchlens", count=torchlens, forks=False),
    "torchscan": Counter(package="torchscan", count=torchscan),
    "DeepSpeed": Counter(package="deepspeed", count=deepspeed),
    "thop": Counter(package="thop", count=thop),
    "ultralytics-thop": Counter(package="ultralytics-thop", count=thop, target="ultralytics-thop"),
    "torchprofile": Counter(package="torchprofile", count=torchprofile),
    "MMEngine": Counter(package="mmengine", count=mmengine),
    "calflops": Counter(package="calflops", count=calflops),
    "flops-profiler": Counter(package="flops-profiler", count=flops_profiler),
    "ptflops, aten": Counter(package="ptflops", count=ptflops_by("aten")),
    "ptflops, pytorch": Counter(package="ptflops", count=ptflops_by("pytorch")),
    "torchinfo": Counter(package="torchinfo", count=torchinfo),
}
"""In the order in which they are tried."""


def asked(counter: Counter, model: nn.Module, args: Arguments, kwargs: Keywords) -> Told:
    """Return what a counter says; what it prints and warns of is dropped."""
    aside = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(aside):
        warnings.simplefilter("ignore")
        return counter.count(model, args, kwargs)
