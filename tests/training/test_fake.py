"""torch's compiler is left out of a step without data where nobody else may ask for it."""

from __future__ import annotations

import sys
import threading

import pytest

from archscope.training import fake


@pytest.mark.parametrize("threads", [1, 2])
def test_it_is_imported_where_another_thread_may_ask_for_it(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "_COMPILER", "wave")  # a module that nothing has imported
    monkeypatch.setattr(fake, "_TRIED", (0, 0))
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    monkeypatch.setattr(fake.torch, "_dynamo", None, raising=False)

    with fake._settings_alone():
        left_out = isinstance(sys.modules["wave"], fake._Bare)

    assert left_out is (threads == 1)
    assert not isinstance(sys.modules.get("wave"), fake._Bare)
