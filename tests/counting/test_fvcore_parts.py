"""fvcore is imported in silence."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module

import pytest


def test_it_is_imported_where_warnings_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("fvcore.nn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "archscope.counting.fvcore_parts", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = import_module("archscope.counting.fvcore_parts")

    assert found.get_shape.__module__ == "fvcore.nn.jit_handles"
