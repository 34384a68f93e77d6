"""What only a card can show; skipped where there is none. Times here are measured, not faked."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archscope
from archscope.analyses.time.fit import built
from archscope.errors import ArchscopeError
from archscope.library._named import network_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
LARGE: dict[str, Any] = {"depth": 12, "seq_len": 1024, "batch_size": 8}


class Product(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n, n))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


def rows(report: Any) -> dict[str, Any]:
    return {row.stage: row for row in report.section("passes").rows}


def verdict(report: Any) -> str:
    return str(report.notes[-1].text)


@pytest.mark.parametrize("what", ["product", "transformer"])
def test_the_median_is_that_of_tritons_do_bench(what: str) -> None:
    do_bench = pytest.importorskip("triton.testing", reason="needs triton").do_bench
    if what == "product":
        model: nn.Module = Product(8192)
        x = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    else:
        model = archscope.build("transformer", **LARGE)
        x = torch.randint(50_257, (8, 1024), device="cuda")
    model = model.eval().to("cuda", torch.bfloat16)

    def ratio() -> float:
        with torch.no_grad():
            theirs = do_bench(lambda: model(x), return_mode="median") / 1e3
        report = archscope.time(model, x, device="cuda", dtype="bf16", cuda_graph=False)
        return float(rows(report)["forward"].median_s / theirs)

    assert sorted(ratio() for _ in range(5))[2] == pytest.approx(1, abs=0.02)


def test_a_large_product_reaches_most_of_the_cited_peak() -> None:
    x = torch.randn(8192, 8192)
    report = archscope.time(Product(8192), x, device="cuda", dtype="bf16")

    share = rows(report)["forward"].peak_share
    if share is None:
        pytest.skip("no cited peak of this card")
    assert 0.7 <= share <= 1.0


def test_the_modules_of_a_large_model_add_up_to_the_whole() -> None:
    report = archscope.time("transformer", **LARGE, device="cuda", dtype="bf16", per_layer=True)

    total = report.section("layers").rows[0].time_s
    assert total == pytest.approx(rows(report)["forward"].median_s, rel=0.1)


def test_many_small_kernels_are_launch_bound() -> None:
    model = nn.Sequential(*(nn.Linear(16, 16) for _ in range(200)))
    report = archscope.time(model, torch.randn(1, 16), device="cuda")

    assert verdict(report).startswith("launch-bound")
    assert "forward, CUDA graph" in rows(report)


def test_small_kernels_are_not_timed_as_the_host() -> None:
    model = nn.Sequential(*(nn.Linear(16, 16) for _ in range(200)))
    report = archscope.time(model, torch.randn(1, 16), device="cuda", per_layer=True)

    # launching takes the host some 10 us each, the kernels 2 to 5: all together as the replay
    whole = report.section("layers").rows[0].time_s
    assert whole < 0.7 * rows(report)["forward"].median_s
    assert whole < 3 * rows(report)["forward, CUDA graph"].median_s


def test_a_large_product_is_not_launch_bound() -> None:
    report = archscope.time(Product(8192), torch.randn(8192, 8192), device="cuda", dtype="bf16")

    assert not verdict(report).startswith("launch-bound")


def test_memory_and_the_three_parts_of_a_step() -> None:
    report = archscope.time(
        "transformer", **{**LARGE, "batch_size": 2}, device="cuda", dtype="bf16", step="train"
    )

    found = rows(report)
    assert list(found) == ["forward", "backward", "optimiser", "training step"]
    # weights, gradients and two moments, in bf16
    assert found["training step"].peak_bytes > 4 * 2 * 124_439_808
    parts = sum(found[name].median_s for name in ("forward", "backward", "optimiser"))
    assert parts == pytest.approx(found["training step"].median_s, rel=0.1)


def test_peak_memory_is_the_networks_alone() -> None:
    model = nn.Linear(1024, 1024).cuda()  # the user's own is on the card too
    x = torch.randn(8, 1024, device="cuda")
    report = archscope.time(model, x, device="cuda")

    # weights, input and output; not what empties the cache, nor what is there besides
    there = 4 * (1024 * 1024 + 1024 + 8 * 1024)
    most = rows(report)["forward"].peak_bytes
    assert there + 4 * 8 * 1024 <= most < there + 2**20


def test_a_batch_that_does_not_fit_names_the_largest_that_does() -> None:
    card = torch.cuda.get_device_properties(0).total_memory
    width = 4096
    fits = card // (2 * 4 * width)  # inputs and outputs in fp32 fill it
    batch = 1 << (fits.bit_length() + 1)
    model = nn.Linear(width, width)
    before = torch.cuda.memory_allocated()

    with pytest.raises(ArchscopeError, match=r"Largest power of two that fits: \d+\."):
        archscope.time(model, torch.empty(batch, 1).expand(batch, width), device="cuda")
    assert torch.cuda.memory_allocated() == before


def test_everything_is_as_it_was() -> None:
    model, x = nn.Linear(8, 8).cuda().train(), torch.randn(4, 8, device="cuda")
    before = model.weight.clone()
    state = torch.cuda.get_rng_state()

    archscope.time(model, x, device="cuda", dtype="fp16", step="train")

    assert torch.equal(model.weight, before)
    assert model.weight.dtype == torch.float32
    assert model.weight.is_cuda
    assert model.weight.grad is None
    assert model.training
    assert torch.equal(torch.cuda.get_rng_state(), state)


def test_tf32_is_faster_than_fp32_where_there_is_any() -> None:
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this card has no tf32")
    x = torch.randn(4096, 4096)
    plain, short = (
        rows(archscope.time(Product(4096), x, device="cuda", dtype=dtype))["forward"].median_s
        for dtype in ("fp32", "tf32")
    )
    assert short < plain


class Waits(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x.sum().item()


def test_a_forward_that_waits_is_not_captured_and_random_numbers_still_come() -> None:
    report = archscope.time(Waits(), torch.ones(4), device="cuda")

    assert any("no CUDA graph" in note.text for note in report.notes)
    assert torch.rand(2, device="cuda").shape == (2,)


class Unjoined(nn.Module):
    """Leaves work on a stream of its own, which nobody waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.side = torch.cuda.Stream()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.side):
            self.left = x @ x @ x @ x
        return F.dropout(x)


class Synchronises(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.cuda.synchronize()
        return F.dropout(x)


@pytest.mark.parametrize("kind", [Unjoined, Synchronises])
def test_after_a_capture_that_fails_all_goes_on(kind: Any) -> None:
    stream = torch.cuda.current_stream()
    report = archscope.time(kind(), torch.ones(64, 64), device="cuda")

    assert any("no CUDA graph" in note.text for note in report.notes)
    assert torch.rand(2, device="cuda").shape == (2,)
    assert torch.cuda.current_stream() == stream


def test_random_numbers_of_a_graph_go_on_and_the_users_are_as_found() -> None:
    state = torch.cuda.get_rng_state()
    report = archscope.time(Dropping(), torch.ones(64, 64), device="cuda", cuda_graph=True)

    assert "forward, CUDA graph" in rows(report)
    assert torch.equal(torch.cuda.get_rng_state(), state)


class Dropping(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x)


def test_a_graph_on_the_last_card_after_one_on_the_first() -> None:
    for number in {0, torch.cuda.device_count() - 1}:
        report = archscope.time(nn.Linear(8, 8), torch.ones(4, 8), device=f"cuda:{number}")
        assert "forward, CUDA graph" in rows(report)


def test_the_backward_of_a_recurrent_layer_is_counted() -> None:
    net = nn.LSTM(16, 32, num_layers=2)
    report = archscope.time(net, torch.randn(5, 2, 16), device="cuda", step="train")

    # data and weights: twice the forward; cuDNN computes the first states' gradient too
    assert rows(report)["backward"].macs == 2 * rows(report)["forward"].macs


def test_weights_of_16_bits_never_need_the_room_of_32() -> None:
    network = network_of("transformer", {"depth": 12, "seq_len": 16})
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    subject = built(network, torch.device("cuda", 0), torch.bfloat16)

    # 124,439,808 weights of 2 bytes, and a head of 50,257 x 768 until it is tied
    made = 2 * (124_439_808 + 50_257 * 768)
    assert subject.model.tok_emb.weight.dtype is torch.bfloat16
    assert torch.cuda.max_memory_allocated() - before < 1.1 * made


def test_nobody_else_uses_the_card() -> None:
    report = archscope.time(Product(4096), torch.randn(4096, 4096), device="cuda", dtype="bf16")
    found = {row.name: row for row in report.section("conditions").rows}

    others = found["other processes"]
    assert others.value == 0 or others.unknown, "in a container too this process is no other"
    assert not any("large product" in note.text for note in report.notes)
    before, after = (found[f"product of 4096 x 4096 {when}"].value for when in ("before", "after"))
    assert after == pytest.approx(before, rel=0.1)


def test_a_card_that_is_used_by_another_program_is_told() -> None:
    load = (
        "import torch; x = torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16)\n"
        "print('ready', flush=True)\nwhile True: x @ x; torch.cuda.synchronize()"
    )
    with subprocess.Popen([sys.executable, "-c", load], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            x = torch.randn(4096, 4096)
            report = archscope.time(Product(4096), x, device="cuda", dtype="bf16", budget=10)
        finally:
            other.kill()
    warned = [note.text for note in report.notes if note.level == "warning"]
    found = {row.name: row.value for row in report.section("conditions").rows}
    assert warned or found["other processes"] == 1


def test_a_step_of_decoding_and_its_replay() -> None:
    asked = {"depth": 4, "batch_size": 4, "step": "decode", "context": 2048}
    report = archscope.time("transformer", **asked, device="cuda", dtype="bf16")

    found = rows(report)
    assert found["decode"].items_per_s == pytest.approx(4 / found["decode"].median_s)
    assert found["decode, CUDA graph"].bound_s == found["decode"].bound_s
    assert found["decode"].over_bound is None or found["decode"].over_bound > 1
    # keys and values of 4 layers x 4 sequences x 2048 positions x 768 numbers of 2 bytes
    assert found["decode"].peak_bytes > 2 * 4 * 4 * 2048 * 768 * 2


def test_batches_go_up_until_the_card_is_full() -> None:
    width = 8192
    card = torch.cuda.get_device_properties(0).total_memory
    full = 1 << (card // (2 * 4 * width)).bit_length()  # inputs and outputs in fp32 are twice that
    sizes = (1024, 2048, 2 * full)
    report = archscope.time(nn.Linear(width, width), torch.ones(1, width), batch_size=sizes)

    assert [row.unknown for row in report.section("batches").rows] == [None, None, "out of memory"]


def test_a_network_against_itself_and_against_one_of_twice_the_work() -> None:
    x, once = torch.randn(4096, 4096), Product(4096)
    twice = nn.Sequential(Product(4096), Product(4096))
    report = archscope.time_together(
        once, once, twice, args=(x,), device="cuda", dtype="bf16", budget=10.0
    )

    _, same, double = report.section("ratios").rows
    assert same.ratio == pytest.approx(1, abs=0.01)
    assert same.ratio_low <= 1 <= same.ratio_high or abs(same.ratio - 1) < 0.005
    assert double.ratio == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    "asked", [{"channels_last": True}, {"autocast": "bf16"}, {"cudnn_benchmark": True}]
)
def test_ways_that_convolutions_are_run(asked: dict[str, Any]) -> None:
    net = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1) for _ in range(3)))
    report = archscope.time(net, torch.randn(32, 64, 56, 56), device="cuda", budget=5.0, **asked)

    assert rows(report)["forward"].median_s > 0
    assert not torch.backends.cudnn.benchmark
