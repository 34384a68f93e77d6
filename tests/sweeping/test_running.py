"""Variants are asked here or by workers; whatever ends a worker, the others are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import archscope
from archscope.errors import ArchscopeError, InterruptedRunError, UsageError
from archscope.library import plan_sweep, run_sweep
from archscope.results import Report
from archscope.subject import Request
from archscope.sweeping import running
from archscope.sweeping.executors import Limits, Pool, open_pool

SIX = {"depth": "2:7", "dilations": "1,2"}


def rows(report: Report) -> tuple[Any, ...]:
    return report.section("sweep.variants").rows


def planned(**fields: str) -> Any:
    return plan_sweep("cnn", Request(fields=fields or SIX), measure="rf")


class Fragile(Executor):
    """An executor whose worker dies of some values, and takes all that came after with it."""

    opened = 0

    def __init__(self, deadly: Callable[[Mapping[str, Any]], bool]) -> None:
        self._deadly, self._is_dead = deadly, False
        Fragile.opened += 1

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._is_dead:
            raise BrokenProcessPool("a worker died")
        future: Future[Any] = Future()
        if any(self._deadly(values) for values, _ in args[1]):
            self._is_dead = True
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def through(executor: Callable[[], Executor], monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(text: str, limits: Limits) -> Pool:
        return Pool(executor=executor(), workers=limits.workers or 2, stop=lambda: None)

    monkeypatch.setattr(running, "open_pool", opened)
    monkeypatch.setattr("archscope.library._sweep.prepare_pool", lambda text: None)


def test_a_variant_that_kills_its_worker_is_one_failed_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Fragile.opened = 0
    through(lambda: Fragile(lambda values: values["depth"] in (3, 6)), monkeypatch)
    found = rows(run_sweep(planned(), executor="fragile", workers=2))

    assert [row.status for row in found] == ["done", "failed", "done", "done", "failed", "done"]
    assert found[1].reason == running.KILLED
    # 1 + 2·(1 + 2), and of depth 7 1 + 2·(1 + 2 + 1 + 2 + 1 + 2 + 1)
    assert (found[0].rf, found[5].rf) == ((7, 7), (21, 21))
    assert Fragile.opened > 2, "the pool was made anew, and the suspects ran alone"


def many() -> Any:
    return plan_sweep("cnn", Request(fields={"depth": "2:61"}), measure="params")


def test_of_a_batch_with_a_deadly_variant_all_others_are_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches: list[int] = []

    class Noted(Fragile):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            batches.append(len(args[1]))
            return super().submit(fn, *args, **kwargs)

    Fragile.opened = 0
    monkeypatch.setattr(running, "BATCH_SECONDS", 1.0)
    through(lambda: Noted(lambda values: values["depth"] == 21), monkeypatch)
    found = rows(run_sweep(many(), executor="fragile", workers=2))

    assert [row.depth for row in found if row.status == "failed"] == [21]
    assert len(found) == 60
    assert max(batches) > 1, "several are asked at once"
    assert Fragile.opened <= 4, "suspects share a pool until one kills it"


def test_of_a_batch_that_cannot_be_sent_each_is_asked_again_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Mute(Fragile):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if not any(values["depth"] == 21 for values, _ in args[1]):
                return super().submit(fn, *args, **kwargs)
            future: Future[Any] = Future()
            future.set_exception(TypeError("cannot pickle an answer"))
            return future

    monkeypatch.setattr(running, "BATCH_SECONDS", 1.0)
    through(lambda: Mute(lambda values: False), monkeypatch)
    found = rows(run_sweep(many(), executor="fragile", workers=2))

    (failed,) = (row for row in found if row.status == "failed")
    assert (failed.depth, failed.reason) == (21, "TypeError: cannot pickle an answer")
    assert len(found) == 60


def test_what_is_finished_before_a_ctrl_c_is_kept_and_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(values: Mapping[str, Any]) -> bool:
        if values["depth"] == 5:
            raise KeyboardInterrupt
        return False

    through(lambda: Fragile(interrupt), monkeypatch)
    store = tmp_path / "runs.db"
    with pytest.raises(InterruptedRunError) as cut:
        run_sweep(planned(), executor="fragile", workers=1, store=store)
    shown = [row.status for row in rows(cut.value.report)]

    assert shown in (["done"] * 2, ["done"] * 3)
    (note,) = cut.value.report.notes
    assert note.text == f"{6 - len(shown)} variants of 6 not asked yet"
    assert isinstance(cut.value, KeyboardInterrupt)
    asked: list[int] = []
    through(lambda: Fragile(lambda values: bool(asked.append(values["depth"]))), monkeypatch)
    whole = run_sweep(planned(), executor="fragile", store=store)
    assert len(asked) == 6 - len(shown), "the others are known"
    assert [row.status for row in rows(whole)] == ["done"] * 6


def test_what_a_condition_rules_out_in_closed_form_is_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"depth": [2, 3, 4], "channels": [4, 8], "measure": ["macs", "rf"]}
    store = tmp_path / "runs.db"
    built: list[Any] = []
    ask = running.answers.__globals__["study"].ask
    monkeypatch.setattr("archscope.study.ask", lambda *a, **k: built.append(a) or ask(*a, **k))
    # 4 channels, 2 layers: 4·9·3 + 4·9·4 multiplications and 2·4 biases: 260 parameters
    where = "params < 1000 and rf > 5"
    some = rows(archscope.sweep("cnn", where=where, store=store, **asked))

    assert [row.model for row in some] == [
        "cnn --depth 3 --channels 4",
        "cnn --depth 4 --channels 4",
    ]
    assert len(built) == 2
    assert all("params: both engines" in row.road for row in some)
    shown = archscope.library.show_sweep(store)
    assert [note.text.partition(",")[0] for note in shown.notes] == [
        "4 variants counted only in closed form"
    ]
    left_out = rows(shown)
    assert {row.road for row in left_out if row not in some} >= {"rf: closed form; params: census"}
    every = rows(
        archscope.sweep("cnn", store=store, **{**asked, "measure": ["macs", "rf", "params"]})
    )
    assert len(built) == 6, "those that a census alone had told are counted now"
    assert [(row.params, row.macs) for row in every] == [
        (row.params, row.macs) for row in left_out
    ], "by both engines as by the census"


def test_what_a_step_keeps_is_told_by_closed_forms_where_there_are_some(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"depth": 2, "channels": [4, 8], "batch_size": 2}

    found = rows(archscope.sweep("cnn", measure=["act"], store=tmp_path / "a.db", **asked))

    steps = [archscope.memory("cnn", depth=2, channels=(n,), batch_size=2).totals for n in (4, 8)]
    assert [row.act for row in found] == [totals.saved for totals in steps]
    assert {row.road for row in found} == {"memory: closed form"}
    # The peak is seen in a step alone; a fused kernel of an LSTM has no closed form.
    peaks = rows(archscope.sweep("cnn", measure=["act", "step_peak"], store=None, **asked))
    assert [row.act for row in peaks] == [row.act for row in found]
    assert {row.road for row in peaks} == {"memory: its own"}


def test_a_store_resumes_and_asks_failures_again_when_told(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "from pathlib import Path\nfrom torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def __init__(self, width):\n"
        "        if width == 3 and not Path(__file__).with_name('mended').exists():\n"
        "            raise ValueError('three')\n"
        "        super().__init__(width, width)\n"
    )
    asked: dict[str, Any] = {"model_arg": {"width": [2, 3]}, "measure": "params"}
    store = tmp_path / "runs.db"
    (first, second) = rows(archscope.sweep(f"{net}:Net", store=store, **asked))
    assert (first.params, second.status) == (6, "failed")
    assert "ValueError: three" in second.reason

    (tmp_path / "mended").touch()
    assert rows(archscope.sweep(f"{net}:Net", store=store, **asked))[1].status == "failed"
    again = rows(archscope.sweep(f"{net}:Net", store=store, retry="failed", **asked))
    assert [row.params for row in again] == [6, 12]
    net.write_text(net.read_text() + "\n")
    with pytest.raises(UsageError, match="its code is"):
        archscope.sweep(f"{net}:Net", store=store, **asked)


def test_real_processes_answer_alike_and_outlive_a_killed_worker(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "import os\nfrom torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def __init__(self, width, deadly=0):\n"
        "        if width == deadly:\n            os.kill(os.getpid(), 9)\n"
        "        if width == 5:\n            bytearray(2**33)\n"
        "        super().__init__(width, width)\n"
    )
    asked = plan_sweep(
        f"{net}:Net", Request(arguments={"width": "2:5", "deadly": "3"}), measure="params"
    )
    found = rows(run_sweep(asked, workers=2, memory_limit="3GiB"))

    assert [row.params for row in found] == [6, None, 20, None]
    assert [row.reason.rpartition(" raised ")[2] for row in found[1::2]] == [
        running.KILLED,
        "MemoryError",
    ]


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs the package distributed")
def test_a_dask_cluster_of_two_workers() -> None:
    from distributed import LocalCluster

    cluster: Any = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        found = rows(run_sweep(planned(), executor=f"dask://{address}"))

    assert found == rows(run_sweep(planned()))


def test_mpi_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    futures = ModuleType("mpi4py.futures")
    futures.MPIPoolExecutor = ThreadPoolExecutor  # type: ignore[attr-defined]
    for name, module in {"mpi4py": ModuleType("mpi4py"), "mpi4py.futures": futures}.items():
        monkeypatch.setitem(__import__("sys").modules, name, module)

    assert rows(run_sweep(planned(), executor="mpi")) == rows(run_sweep(planned()))


@pytest.mark.parametrize(
    ("text", "limits", "said"),
    [
        ("proceses", Limits(), "Did you mean 'processes'"),
        ("processes://x", Limits(), "no address"),
        ("dask", Limits(), "dask://127.0.0.1:8786"),
        ("mpi", Limits(memory=1), "a memory limit applies to local processes"),
        ("mpi://x", Limits(), "no address"),
    ],
)
def test_executors_that_cannot_be_opened(text: str, limits: Limits, said: str) -> None:
    with pytest.raises(ArchscopeError, match=said):
        open_pool(text, limits)
