"""How fast and how frugal archscope is, each figure a ratio to something measured in the same run.

python benchmarks/speed.py          # all, a few minutes
python benchmarks/speed.py start    # or: params, presets, depth, counting, small, large, memory
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

REPEATS = 7
REPORTS = Path(__file__).parents[1] / "reports"
ARCHSCOPE = [sys.executable, "-m", "archscope"]


LARGEST = ("gpt3-175B", "llama-3.1-405b", "deepseek-v3", "gpt-oss-120b")
"""Published networks that are counted; the last has windows by mask, sinks and experts."""

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Compiled files are kept, as on a user's machine."""


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def ratio(name: str, command: list[str], against: list[str], aim: float | None = None) -> None:
    """Run both in turns, so that what else the machine does falls on both alike."""
    seconds(command), seconds(against)
    pairs = [(seconds(command), seconds(against)) for _ in range(REPEATS)]
    report(name, [(ours, theirs) for ours, theirs in pairs], aim)


def report(name: str, pairs: list[tuple[float, float]], aim: float | None) -> None:
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    wanted = f"(aim <= {aim})" if aim is not None else ""
    value = median(a / b for a, b in pairs)
    print(f"{name:58} {ours:8.3f} s / {theirs:6.3f} s = {value:6.2f} {wanted}", flush=True)


def start() -> None:
    nothing = [sys.executable, "-c", "pass"]
    ratio("archscope --help against an empty program", [*ARCHSCOPE, "--help"], nothing)
    ratio("archscope list against an empty program", [*ARCHSCOPE, "list"], nothing)
    tables = [sys.executable, "-c", "import click, rich.table"]
    rf = [*ARCHSCOPE, "rf", "--dilations", "1,2,4"]
    ratio("rf --dilations 1,2,4 against importing click and rich", rf, tables, 1.5)
    saved = [str(REPORTS / name) for name in ("gpt2-12.json", "gpt2-24.json")]
    compare = [*ARCHSCOPE, "compare", *saved]
    ratio("compare of two saved files against importing click and rich", compare, tables, 1.5)


def params() -> None:
    engines = [sys.executable, "-W", "ignore", "-c", "import torch, fvcore.nn"]
    command = [*ARCHSCOPE, "params", "--depth", "24"]
    ratio("params --depth 24 against importing torch and fvcore", command, engines, 1.3)
    command = [*ARCHSCOPE, "params", "cnn", "--dilations", "1,2,4"]
    ratio("params cnn against importing torch and fvcore", command, engines, 1.3)


def presets() -> None:
    """Published networks, the largest among them."""
    nothing = [sys.executable, "-c", "pass"]
    ratio("archscope list presets against an empty program", [*ARCHSCOPE, "list", "presets"],
          nothing)  # fmt: skip
    engines = [sys.executable, "-W", "ignore", "-c", "import torch, fvcore.nn"]
    for name in LARGEST:
        command = [*ARCHSCOPE, "params", name]
        ratio(f"params {name} against importing torch and fvcore", command, engines, 2.0)
        peak("params", name, "--total")


def depth() -> None:
    shallow = [*ARCHSCOPE, "params", "--depth", "12"]
    ratio("params --depth 1000 against --depth 12", [*ARCHSCOPE, "params", "--depth", "1000"],
          shallow, 1.1)  # fmt: skip


def counting() -> None:
    """Both engines on a module in memory, against fvcore alone as it ships, on CPU tensors."""
    import warnings

    import torch
    from fvcore.nn import FlopCountAnalysis
    from torch import nn

    import archscope

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # idle threads spin, and would be counted against who does arithmetic

    def bottleneck(inputs: int, width: int, stride: int) -> nn.Module:
        layers: list[nn.Module] = []
        for i, o, k, s in ((inputs, width, 1, 1), (width, width, 3, stride),
                           (width, 4 * width, 1, 1)):  # fmt: skip
            layers += [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
        return nn.Sequential(*layers)

    def resnet_like() -> nn.Module:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(),
                                   nn.MaxPool2d(3, 2, 1)]  # fmt: skip
        inputs = 64
        for stage, count in enumerate((3, 4, 6, 3)):
            for number in range(count):
                stride = 2 if stage and not number else 1
                layers.append(bottleneck(inputs, 64 << stage, stride))
                inputs = 256 << stage
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))

    encoder = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True)
    cases: dict[str, tuple[nn.Module, torch.Tensor]] = {
        "ResNet-50's convolutions at 224": (resnet_like().eval(), torch.zeros(1, 3, 224, 224)),
        "6 encoder layers at 512 tokens": (
            nn.TransformerEncoder(encoder, 6).eval(), torch.zeros(1, 512, 512)),
        "12 encoder layers at 128 tokens": (
            nn.TransformerEncoder(encoder, 12).eval(), torch.zeros(1, 128, 512)),
    }  # fmt: skip
    for name, (model, x) in cases.items():

        def ours(model: nn.Module = model, x: torch.Tensor = x) -> object:
            return archscope.params(model, x)

        def theirs(model: nn.Module = model, x: torch.Tensor = x) -> object:
            # Without no_grad: under it torch fuses a whole encoder layer into one operator, of
            # which fvcore counts nothing.
            return FlopCountAnalysis(model, x).total()

        ours(), theirs()
        pairs = [(timed(ours), timed(theirs)) for _ in range(REPEATS)]
        report(f"counting {name} against plain fvcore", pairs, 0.6)


def small() -> None:
    """Both engines on small networks of many kinds, against torch's counter alone."""
    import warnings

    import torch
    from small_networks import NETWORKS
    from torch.utils.flop_counter import FlopCounterMode

    import archscope

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # idle threads spin, and would be counted against who does arithmetic
    ratios: list[float] = []
    for name, (make, inputs) in NETWORKS.items():
        model = make().eval()

        def theirs(
            model: torch.nn.Module = model, inputs: tuple[torch.Tensor, ...] = inputs
        ) -> None:
            # Without no_grad: a fused encoder layer is one operator, and counts nothing here.
            with FlopCounterMode(display=False):
                model(*inputs)

        def ours(model: torch.nn.Module = model, inputs: tuple[torch.Tensor, ...] = inputs) -> None:
            archscope.params(model, *inputs)

        ours(), theirs()
        pairs = [(timed(ours), timed(theirs)) for _ in range(REPEATS)]
        report(f"params of {name} against FlopCounterMode", pairs, None)
        ratios.append(median(a / b for a, b in pairs))
    least, most = min(ratios), max(ratios)
    print(f"{len(ratios)} small networks: median {median(ratios):.1f} ({least:.1f} to {most:.1f})"
          " x FlopCounterMode (aim <= 4)", flush=True)  # fmt: skip


def large() -> None:
    """126 blocks of the shape of Llama 3.1 405B at 2,048 tokens; each in a process of its own."""
    once: list[tuple[float, float]] = []
    peaks: list[tuple[int, int]] = []
    for _ in range(3):
        (ours, held), (theirs, least) = (_llama(how) for how in ("archscope", "torch"))
        once.append((ours, theirs))
        peaks.append((held, least))
    report("params of Llama-3.1-405B's shape against FlopCounterMode", once, 1.3)
    held, least = (round(median(side)) for side in zip(*peaks, strict=True))
    print(f"peak memory {held} MiB (aim <= 700), FlopCounterMode {least} MiB", flush=True)


def _llama(how: str) -> tuple[float, int]:
    """Return the seconds and the most MiB that a process took to count it."""
    script = os.path.join(os.path.dirname(__file__), "llama_shape.py")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", script, how], check=True, capture_output=True, text=True
    )
    seconds_, mebibytes = run.stdout.split()[-2:]
    return float(seconds_), int(mebibytes)


def timed(run: Callable[[], object]) -> float:
    """Return the seconds of processor time: threads that wait for others' work count on no side."""
    start = time.process_time()
    run()
    return time.process_time() - start


def memory() -> None:
    """A network of 10^12 parameters."""
    peak("params", "--total", "--depth", "128", "--d-model", "25600", "--heads", "200")


def peak(*typed: str) -> None:
    """Print the most memory that a command held at once."""
    probe = (
        "import resource, runpy, sys\n"
        f"sys.argv = ['archscope', *{typed!r}]\n"
        "try: runpy.run_module('archscope', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('peak memory', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, 'MiB',"
        " '(aim < 1024)')\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


PARTS = {f.__name__: f for f in (start, params, presets, depth, counting, small, large, memory)}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
