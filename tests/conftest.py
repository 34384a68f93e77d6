"""What all tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from tests.warm import Warm

# How long something takes decides no test.
settings.register_profile(
    "here", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("here")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has a processor of its own; torch would otherwise use all of them in each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# What a test gives back serves the next: the system takes it and clears it page by page otherwise.
# The workers, and what they start, are told by glibc's variable; nothing else reads it.
KEPT = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824"
os.environ.setdefault("GLIBC_TUNABLES", KEPT)

gc.disable()  # nearly all that is imported and collected stays


def pytest_collection() -> None:
    """Begin at the other end in every second worker: what one has compiled, the other finds."""
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0")[-1] in "13579":
        here = Path(__file__).parent
        for file in sorted(here.rglob("test_*.py"), reverse=True):
            with suppress(Exception, pytest.skip.Exception):  # it is collected once more, and told
                import_module(".".join(file.relative_to(here.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of what garbage is looked for in, all along."""
    gc.freeze()  # with the little that is garbage by now
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Look for garbage once, which pytest does five times when all else is done."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--overwrite", action="store_true", help="write the golden files anew instead of comparing"
    )
    parser.addoption(
        "--every", action="store_true", help="run every published network that can be verified"
    )


def _load(name: str) -> ModuleType:
    spec = spec_from_file_location(name, Path(__file__).parent / "dependence" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Keep small networks from waiting for processors that other tests use."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave sizes of inputs, which are found by running on one after the other, to their tests.

    Those are in `analyses/rf/test_use.py`. A family's network has too many operators in most cases:
    what can be tried is tried, and nothing is found.
    """
    monkeypatch.setattr("archscope.dependence.answer.size_trials.MOST_OPERATORS", 100)


@pytest.fixture
def unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the search of all objects for caches, where a step failed, to `running/test_caches.py`.

    Of these pytest has millions.
    """
    monkeypatch.setattr("archscope.running.caches._cached_functions", list)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Run what a fresh Python would, where its start is not what is looked at."""
    process = Warm()
    yield process
    process.close()


@pytest.fixture(scope="session")
def networks() -> ModuleType:
    """Networks that several tests look at."""
    return _load("networks")


@pytest.fixture(scope="session")
def random_graphs() -> ModuleType:
    """Small networks drawn at random."""
    return _load("random_graphs")


@pytest.fixture
def wrong_tcn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the family `tcn` an outline whose dilations are powers of 3, not of 2."""
    from dataclasses import replace
    from typing import Any

    import archscope.families.tcn as tcn

    right = tcn.FAMILY
    assert right.outline is not None
    told = right.outline

    def outline(spec: Any) -> Any:
        found = told(spec)
        layers = (
            replace(layer, dilation=3 ** (i // 2), padding=((layer.kernel - 1) * 3 ** (i // 2), 0))
            for i, layer in enumerate(found.layers)
        )
        return replace(found, layers=tuple(layers))

    monkeypatch.setattr(tcn, "FAMILY", replace(right, outline=outline))
