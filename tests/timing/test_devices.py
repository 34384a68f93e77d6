"""Which device is meant, and what is said where it is not there."""

from __future__ import annotations

import pytest
import torch

from archscope.errors import ArchscopeError, UsageError
from archscope.timing.devices import name_of, resolve

without_card = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.mark.parametrize("text", ["cpu", "CPU", " cpu "])
def test_the_cpu_is_always_there(text: str) -> None:
    assert resolve(text) == torch.device("cpu")


def test_auto_is_the_cpu_where_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert resolve("auto") == torch.device("cpu")


def test_auto_is_the_current_card_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert resolve("auto") == torch.device("cuda", 1)
    assert resolve("cuda") == torch.device("cuda", 1)
    assert resolve("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(ArchscopeError, match=r"no device cuda:2; there is cuda:0, cuda:1\."):
        resolve("cuda:2")


@without_card
@pytest.mark.parametrize("text", ["cuda", "cuda:1"])
def test_no_card_is_said_in_one_line(text: str) -> None:
    with pytest.raises(ArchscopeError, match="no CUDA device: torch ") as failed:
        resolve(text)

    assert failed.value.exit_code == 1
    assert str(failed.value).endswith("Use --device cpu, or see `archscope env`.")


@without_card
@pytest.mark.skipif("+cpu" not in torch.__version__, reason="this torch can use a card")
def test_a_cpu_build_says_that_it_is_one() -> None:
    with pytest.raises(ArchscopeError) as failed:
        resolve("cuda")

    assert str(failed.value) == (
        f"no CUDA device: torch {torch.__version__} is a CPU build. "
        "Use --device cpu, or see `archscope env`."
    )


@pytest.mark.parametrize("text", ["mps", "mps:0", "meta", "xpu"])
def test_other_devices_are_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="is not timed"):
        resolve(text)


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:-1", "cuda:1:2", "cuda:x", "0"])
def test_what_is_no_device_is_bad_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is not a device"):
        resolve(text)


def test_a_cpu_is_called_by_its_threads() -> None:
    assert name_of(torch.device("cpu")) == "CPU, 1 thread"
