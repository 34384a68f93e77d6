"""Runs a command of archscope with a device of a package's own kind, whose events tell time.

python benchmarks/fake_accelerator.py time --depth 2 --per-layer     # compiles for a minute first

torch calls such a kind PrivateUse1. What is asked of any accelerator is asked of it for real:
streams, events, waiting, the device of weights and inputs, memory that nobody keeps statistics of.
Convolutions are not implemented there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import torch
from torch.utils.cpp_extension import load

KIND = "fake"


def install() -> None:
    """Compile the device, which takes a C++ compiler and ninja, and make torch know it."""
    source = Path(__file__).with_suffix(".cpp")
    torch.utils.rename_privateuse1_backend(KIND)
    load("fake_accelerator", [str(source)], extra_cflags=["-O1"]).init()
    module = ModuleType(KIND)
    answers = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "synchronize": lambda device=None: None,
        "manual_seed_all": lambda seed: None,
        "_is_in_bad_fork": lambda: False,
    }
    vars(module).update(answers)
    torch._register_device_module(KIND, module)
    torch.utils.generate_methods_for_privateuse1_backend()


if __name__ == "__main__":
    install()
    from archscope.cli import main

    sys.argv[0] = "archscope"
    main()
