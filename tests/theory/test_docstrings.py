"""The examples in the docstrings run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import archscope.theory

FOLDER = Path(archscope.theory.__file__).parent
MODULES = sorted(file.stem for file in FOLDER.glob("[!_]*.py") if ">>>" in file.read_text())


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"archscope.theory.{name}"))
    assert tried
    assert not failed
