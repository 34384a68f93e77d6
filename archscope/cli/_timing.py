"""How a pass is timed: the options that `time` and `report` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archscope.cli._complete import cards
from archscope.cli._numbers import Count, Seconds
from archscope.errors import UsageError

if TYPE_CHECKING:
    from archscope.studies.measures import Measure

_OPTIONS = (
    click.Option(
        ["--device"],
        default="auto",
        metavar="auto|cuda|cuda:N|xpu|mps|cpu",
        help="Where to run; auto: torch's accelerator, or the CPU if there is none. "
        "[default: auto]",
    ),
    click.Option(
        ["--dtype"],
        type=click.Choice(["fp32", "tf32", "fp16", "bf16"]),
        default="fp32",
        help="Number type of weights and inputs; tf32: fp32 on tensor cores. [default: fp32]",
    ),
    click.Option(
        ["--gpu"],
        metavar="CARD",
        shell_complete=cards,
        help="Bytes, intensity and a lower bound on the time on this GPU, e.g. h100; nothing runs.",
    ),
    click.Option(
        ["--pass", "--step", "step"],
        type=click.Choice(["forward", "train", "decode"]),
        default="forward",
        help="train: forward, backward and optimizer, each timed separately; decode: one more "
        "position of each sequence, with a KV cache. [default: forward]",
    ),
    click.Option(
        ["--context"],
        type=Count(1, 2**24),
        metavar="INT",
        help="With --pass decode: positions of each sequence, the new one included. [default: "
        "the network's length]",
    ),
    click.Option(
        ["--warmup"],
        type=Count(0, 10_000),
        default=20,
        metavar="INT",
        help="Minimum number of runs before the first sample; more until the median settles. "
        "[default: 20]",
    ),
    click.Option(
        ["--runs"],
        type=Count(1, 1_000_000),
        default=100,
        metavar="INT",
        help="Maximum number of samples; on a CPU, if a pass takes less than 2 ms, each is the "
        "mean of several runs. [default: 100]",
    ),
    click.Option(
        ["--budget"],
        type=Seconds(0, 86_400, min_open=True),
        default=10.0,
        metavar="SECONDS",
        help="Approximate time for warm-up and samples. [default: 10]",
    ),
    click.Option(
        ["--compile", "compiled"], is_flag=True, help="Compile it with torch.compile first."
    ),
    click.Option(["--channels-last"], is_flag=True, help="Use the channels-last memory format."),
    click.Option(
        ["--autocast"],
        type=click.Choice(["bf16", "fp16"]),
        help="Keep weights in fp32 and cast under torch.autocast.",
    ),
    click.Option(
        ["--cudnn-benchmark/--no-cudnn-benchmark"],
        default=None,
        help="Let cuDNN benchmark its algorithms and take the fastest. [default: no, as torch]",
    ),
    click.Option(
        ["--attention-kernel"],
        type=click.Choice(["flash", "efficient", "math", "cudnn"]),
        help="Allow only this attention kernel. [default: torch chooses]",
    ),
    click.Option(
        ["--cuda-graph/--no-cuda-graph"],
        default=None,
        help="Also replay the forward as a CUDA graph. [default: on a GPU, where possible]",
    ),
    click.Option(
        ["--warm-cache"], is_flag=True, help="Do not flush the GPU's L2 cache before each run."
    ),
)
KERNELS = ("flash", "efficient", "math", "cudnn")


def timing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; they arrive together as `timing`."""

    @wraps(command)
    def callback(**options: Any) -> Any:
        names = [str(option.name) for option in _OPTIONS]
        return command(timing={name: options.pop(name) for name in names}, **options)

    declared = getattr(command, "__click_params__", [])
    callback.__click_params__ = [*declared, *reversed(_OPTIONS)]  # type: ignore[attr-defined]
    return callback


def given(timing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that say something else than what is timed by default."""
    from archscope.analyses.time.settings import Settings

    plain = Settings()
    return {name: v for name, v in timing.items() if v != getattr(plain, name, None)}


def flag_of(name: str) -> str:
    """Return the flag of an option by its name."""
    return next(option.opts[0] for option in _OPTIONS if option.name == name)


def require_none(timing: Mapping[str, Any], flag: str) -> None:
    """Raise `UsageError` where an option is given that says nothing without `flag`."""
    name = next(iter(given(timing)), None)
    if name is not None:
        raise UsageError(f"{flag_of(name)} is about how a pass is timed; add {flag}.")


def require_latency(measures: Iterable[Measure]) -> None:
    """Raise `UsageError` where it was typed how passes are timed, and none of these is."""
    ctx = click.get_current_context()
    typed = [
        name
        for name in ("device", "dtype", "runs")
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if typed and all(each.analysis != "time" for each in measures):
        raise UsageError(f"--{typed[0]} says how passes are timed; add --measure latency")


def kernels_apart(words: list[str]) -> list[str]:
    """Return words in which `--attention flash` asks for the kernel; it is a field elsewhere."""
    found = list(words)
    for number, word in enumerate(words):
        flag, _, value = word.partition("=")
        if flag != "--attention":
            continue
        following = words[number + 1] if number + 1 < len(words) else ""
        if (value or following) in KERNELS:
            found[number] = word.replace(flag, "--attention-kernel", 1)
    return found
