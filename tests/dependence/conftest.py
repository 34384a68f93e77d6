"""Files beside the tests that hold networks, as fixtures: the tests folder is no package."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    spec = spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def networks() -> ModuleType:
    return _load("networks")


@pytest.fixture(scope="session")
def random_graphs() -> ModuleType:
    return _load("random_graphs")
