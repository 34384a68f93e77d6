"""The settings of `time`."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen

Step = Literal["forward", "train", "decode"]
Kernel = Literal["flash", "efficient", "math", "cudnn"]


@frozen
class Settings:
    """How a network is to be timed."""

    device: str = "auto"
    """`auto`, `cuda`, `cuda:1` or `cpu`."""
    dtype: str = "fp32"
    """What weights and inputs are cast to: `fp32`, `tf32`, `fp16` or `bf16`."""
    step: Step = "forward"
    """The forward pass alone, a step of training, or one of decoding."""
    context: int | None = None
    """Positions of each sequence in a step of decoding, the new one among them."""
    warmup: int = 20
    """Runs before the first sample, at least."""
    runs: int = 100
    """Samples, at most."""
    budget: float = 10.0
    """Seconds for warm-up and samples, about."""
    compiled: bool = False
    """Whether it runs through torch.compile."""
    channels_last: bool = False
    """Whether images and volumes have their channels last in memory."""
    autocast: str | None = None
    """`bf16` or `fp16`: what `torch.autocast` casts products to; weights stay in 32 bits."""
    cudnn_benchmark: bool | None = None
    """Whether cuDNN tries its algorithms and takes the fastest; None: as torch is set."""
    attention_kernel: Kernel | None = None
    """`flash`, `efficient`, `math` or `cudnn`; None: torch chooses."""
    per_layer: bool = False
    """Whether modules are shown too."""
    cuda_graph: bool | None = None
    """Whether the forward is replayed as a CUDA graph; None: where it can be."""
    warm_cache: bool = False
    """Whether the card's cache is kept as the run before left it."""
    copy: bool = True
    """Whether a copy of the model is timed, so that it stays as found."""
    keep_interrupted: bool = False
    """Whether a Ctrl-C returns what was measured."""

    @property
    def pass_name(self) -> str:
        """What is timed as a whole, as rows call it."""
        return "training step" if self.step == "train" else self.step


MEASURING = {
    "device": "--device",
    "step": "--pass",
    "context": "--context",
    "warmup": "--warmup",
    "runs": "--runs",
    "budget": "--budget",
    "compiled": "--compile",
    "channels_last": "--channels-last",
    "autocast": "--autocast",
    "cudnn_benchmark": "--cudnn-benchmark",
    "attention_kernel": "--attention-kernel",
    "cuda_graph": "--cuda-graph",
    "warm_cache": "--warm-cache",
}
"""Settings that mean something only where a pass is run, and the flag of each."""

CONDITIONS = {
    "device": "device",
    "number type": "dtype",
    "weights and inputs": "autocast",
    "memory format": "channels_last",
    "mode": "step",
    "positions of each sequence": "context",
    "execution": "compiled",
    "attention kernel": "attention_kernel",
    "cuDNN tries its algorithms": "cudnn_benchmark",
    "warm-up runs": "warmup",
    "runs": "runs",
    "budget": "budget",
    "cache": "warm_cache",
}
"""The setting behind each condition that is told."""


def typed(settings: Settings, condition: str) -> str:
    """Return what was typed for a condition, e.g. `--dtype bf16`; empty where it is as usual."""
    name = CONDITIONS.get(condition, "")
    value = getattr(settings, name, None)
    if not name or value == getattr(Settings(), name):
        return ""
    flag = {**MEASURING, "dtype": "--dtype"}[name]
    if isinstance(value, bool):
        return flag if value else f"--no-{flag.removeprefix('--')}"
    return f"{flag} {value:g}" if isinstance(value, float) else f"{flag} {value}"
