"""Which device is meant, and what is said where it is not there."""

from __future__ import annotations

import pytest
import torch

from archscope.errors import ArchscopeError, UsageError
from archscope.timing.devices import free_bytes, name_of, resolve

without_card = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.mark.parametrize("text", ["cpu", "CPU", " cpu "])
def test_the_cpu_is_always_there(text: str) -> None:
    assert resolve(text) == torch.device("cpu")


def test_auto_is_the_cpu_where_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)

    assert resolve("auto") == torch.device("cpu")


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_auto_is_the_current_card_where_there_is_one(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = torch.accelerator
    monkeypatch.setattr(here, "is_available", lambda: True)
    monkeypatch.setattr(here, "current_accelerator", lambda: torch.device(kind))
    monkeypatch.setattr(here, "current_device_index", lambda: 1, raising=False)
    monkeypatch.setattr(here, "device_count", lambda: 2)

    assert resolve("auto") == torch.device(kind, 1)
    assert resolve(kind) == torch.device(kind, 1)
    assert resolve(f"{kind}:0") == torch.device(kind, 0)
    with pytest.raises(ArchscopeError, match=rf"no device {kind}:2; there is {kind}:0, {kind}:1\."):
        resolve(f"{kind}:2")
    other = "xpu" if kind == "cuda" else "cuda"
    with pytest.raises(ArchscopeError, match=f"no {other.upper()} device"):
        resolve(other)


@without_card
@pytest.mark.parametrize("text", ["cuda", "cuda:1", "xpu", "mps"])
def test_no_card_is_said_in_one_line(text: str) -> None:
    with pytest.raises(ArchscopeError, match=r"no [A-Z]+ device: torch ") as failed:
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


def test_memory_that_a_device_does_not_tell_of_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(device: torch.device) -> None:
        raise RuntimeError("The device doesn't support querying the available free memory.")

    monkeypatch.setattr(torch.xpu, "mem_get_info", refuses, raising=False)

    assert free_bytes(torch.device("xpu", 0)) is None


def test_tensors_without_data_are_refused() -> None:
    with pytest.raises(UsageError, match="meta is not timed: it computes nothing"):
        resolve("meta")


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:-1", "cuda:1:2", "cuda:x", "0"])
def test_what_is_no_device_is_bad_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is not a device"):
        resolve(text)


def test_a_cpu_is_called_by_its_threads() -> None:
    assert name_of(torch.device("cpu")) == "CPU, 1 thread"
