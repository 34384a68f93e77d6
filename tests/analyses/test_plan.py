"""What a plan tells: the same as one card's real step, and what follows for many."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import archscope
from archscope import specs
from archscope.analyses.plan import largest
from archscope.analyses.plan.settings import Settings
from archscope.errors import SpecError, ThresholdError, UsageError
from archscope.results import Report
from archscope.saved import read_text
from archscope.theory.recipes import RECIPES, recipe_named

SMALL: dict[str, Any] = {"depth": 4, "d_model": 32, "heads": 4, "seq_len": 16, "vocab_size": 96}
NETWORKS: dict[str, dict[str, Any]] = {
    "gated, few key heads": {**SMALL, "kv_heads": 2, "activation": "swiglu", "norm": "rmsnorm"},
    "experts": {**SMALL, "ffn": "moe:4/2", "tied": False},
    "encoder-decoder": {**SMALL, "depth": 1, "arch": "encoder-decoder:2/12", "norm_place": "post"},
}


REPEATED = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13),
    reason="older torch may repeat keys of groups for each query head, and keep them so",
)


def parts(report: Report) -> dict[str, int]:
    return {row.part: row.bytes for row in report.section("plan.parts").rows}


@pytest.mark.parametrize(
    ("name", "recipe", "dtype"),
    [
        pytest.param("gated, few key heads", "bf16-8", "bf16", marks=REPEATED),
        ("encoder-decoder", "fp32-16", "fp32"),
        ("experts", "fp32-16", "fp32"),
    ],
)
def test_one_card_has_what_a_step_keeps(name: str, recipe: str, dtype: str) -> None:
    fields = NETWORKS[name]
    plan = archscope.plan("transformer", recipe=recipe, loss="sum", micro_batch=2, **fields)
    step = archscope.memory("transformer", dtype=dtype, batch_size=2, **fields)

    found, real = parts(plan), step.totals
    assert found["weights"] == real.weights
    assert found["gradients"] == real.gradients
    assert found["optimizer"] + found["step counters"] == real.states
    assert found["activations"] == real.saved
    assert plan.totals.memory == real.weights + real.gradients + real.states + real.saved


class _Choosing(nn.Module):
    """Sends a row to the best of two experts, or to those above a threshold."""

    def __init__(self, best: bool) -> None:
        super().__init__()
        self.best, self.router = best, nn.Linear(4, 2, bias=False)
        self.experts = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.router(x)
        met = (
            nn.functional.one_hot(scores.argmax(-1), 2) if self.best else scores > scores.max() - 1
        )
        for number, expert in enumerate(self.experts):
            x = x + expert(x * met[:, number, None])
        return x


def test_experts_in_a_list_are_met_as_params_tells() -> None:
    chosen, open_ = _Choosing(best=True), _Choosing(best=False)
    rows = torch.randn(3, 4)

    # A router of 8, and one or both of the experts of 16: without a choice all rows meet both.
    for model, active in ((chosen, 24), (open_, 40)):
        assert archscope.plan(model, rows).totals.active == active
        assert archscope.params(model, rows).totals.active == active


def test_numbers_that_are_shown_multiply_out_where_the_head_is_gone_again() -> None:
    rows = archscope.plan("transformer", recompute="full", **SMALL).section("plan.parts").rows

    kept = next(row for row in rows if row.part == "activations")
    product, head = kept.numbers.replace(",", "").split(" - ")
    assert kept.formula.endswith("no head")
    assert kept.bytes == int(product.removeprefix("1 x ")) - int(head)


def test_a_step_multiplies_what_the_dispatcher_counts() -> None:
    plan = archscope.plan("transformer", recompute="full", dp=3, **SMALL).totals
    step = archscope.train("transformer", **SMALL).totals

    assert plan.forward_flops == 3 * 2 * step.forward
    assert plan.model_flops == 3 * 2 * step.step
    # All but the scores run again: 16 x 32 x 96 products.
    assert plan.hardware_flops == plan.model_flops + 3 * 2 * (step.forward - 16 * 32 * 96)


def test_a_network_of_data_needs_no_gradient_for_it() -> None:
    plan, step = archscope.plan("lenet").totals, archscope.train("lenet").totals

    assert plan.model_flops == 2 * step.step < 3 * plan.forward_flops
    features = {**SMALL, "vocab_size": 0, "norm_place": "post", "positions": "none"}
    plan, step = (
        make("transformer", **features).totals for make in (archscope.plan, archscope.train)
    )
    assert plan.model_flops == 2 * step.step == 3 * plan.forward_flops - 2 * 16 * 32 * 3 * 32
    bounded = archscope.plan("textcnn").section("plan.cost").rows[1]
    assert (bounded.value, bounded.bound) == (
        3 * archscope.plan("textcnn").totals.forward_flops,
        "at most",
    )


def test_modules_of_a_user_are_planned_as_they_were_built() -> None:
    from torch import nn, randn

    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    one = archscope.plan(model, randn(3, 4), recipe="fp32-16", dp=2)
    two = archscope.plan(model, randn(3, 4), recipe="fp32-16", pp=2, dp=2)

    # 4 8 + 8 and 8 2 + 2 parameters; a step of the second multiplies thrice, of the first twice.
    assert one.totals.params == 58
    assert one.totals.model_flops == 2 * 2 * 3 * (3 * 16 + 2 * 32)
    assert parts(one)["activations"] == archscope.memory(model, randn(3, 4)).totals.saved
    assert [row.params for row in two.section("plan.stages").rows] == [40, 18]
    assert two.totals.sent is None  # what goes between its stages is not told
    with pytest.raises(SpecError, match="it is not known how GPUs divide"):
        archscope.plan(model, randn(3, 4), tp=2)


def test_stages_hold_the_network_and_a_tied_table_twice() -> None:
    whole = archscope.plan("transformer", **SMALL).totals.params
    report = archscope.plan("transformer", pp=3, recipe="megatron-18", global_batch=8, **SMALL)
    rows = report.section("plan.stages").rows

    assert [row.holds for row in rows] == ["embeddings, blocks 0–1", "block 2", "block 3, head"]
    assert sum(row.params for row in rows) == whole + 96 * 32
    assert [row.in_flight for row in rows] == ["3", "2", "1"]
    assert rows[1].states == 18 * rows[1].params
    # Its gradient is summed up over both stages: 2 x 4 V d / 2.
    sent = {row.what: row.bytes for row in report.section("plan.sent").rows}
    assert sent["weights that several stages have"] == 4 * 96 * 32
    # A middle stage hands on s b d numbers of 2 bytes, and a gradient back, 8 times.
    assert sent["activations between stages (pp)"] == 2 * 8 * 2 * 16 * 32


def test_a_network_without_attention_is_not_told_by_a_paper_on_transformers() -> None:
    rows = archscope.plan("cnn", channels=4, input_size=8).section("plan.parts").rows
    (source,) = (row.source for row in rows if row.part == "activations")

    assert source.startswith("what torch's autograd keeps, tensor by tensor")


def test_an_interleaved_first_stage_keeps_what_is_published() -> None:
    fields = {**SMALL, "pp": 2, "global_batch": 8}
    plain = archscope.plan("transformer", **fields).section("plan.stages").rows[0]
    report = archscope.plan("transformer", interleave=2, **fields)
    first = report.section("plan.stages").rows[0]

    assert (plain.holds, plain.in_flight) == ("embeddings, blocks 0–1", "2")
    assert (first.holds, first.in_flight) == ("embeddings, block 0, block 2", "4 + 1")
    assert report.totals.bubble == 1 / (2 * 8)
    # 5 of p v = 4 runs of blocks, as 1 + (p - 1) / (p v) says; 4 of them with the embeddings.
    alone = archscope.plan("transformer", **{**fields, "pp": 4}).section("plan.stages").rows
    assert first.kept == alone[0].kept + alone[1].kept // 3


def test_cards_share_what_they_can() -> None:
    one = archscope.plan("transformer", **SMALL)
    tp = archscope.plan("transformer", tp=2, **SMALL)
    both = archscope.plan("transformer", tp=2, sequence_parallel=True, **SMALL)

    # On every card: 9 norms of 64, positions, and of each block a bias of 32 behind rows, twice.
    whole = 9 * 64 + 16 * 32 + 4 * 2 * 32
    params = one.totals.params
    assert parts(tp)["weights"] == 2 * ((params - whole) // 2 + whole)
    assert parts(one)["activations"] > parts(tp)["activations"] > parts(both)["activations"]
    # Two sums of s b d forward and two backward in each block, one of the table and of the scores.
    sums = 4 * 4 + 2
    sent = {row.what: row.bytes for row in tp.section("plan.sent").rows}
    assert sent["sums within layers (tp)"] == sums * 16 * 32 * 2
    with pytest.raises(SpecError, match="does not divide the 4 units"):
        archscope.plan("transformer", tp=3, **SMALL)


def test_experts_are_dealt_out_among_copies() -> None:
    fields = NETWORKS["experts"]
    one = archscope.plan("transformer", dp=4, **fields)
    dealt = archscope.plan("transformer", dp=4, ep=4, **fields)

    experts = 4 * 4 * (2 * 32 * 128 + 128 + 32)
    assert parts(one)["weights"] - parts(dealt)["weights"] == 2 * experts * 3 // 4
    assert one.totals.active == one.totals.params - experts // 2
    # There and back, forward and backward, of 2 x 16 rows in 4 blocks, 3 of 4 to other cards.
    sent = {row.what: row.bytes for row in dealt.section("plan.sent").rows}
    assert sent["tokens to experts (ep)"] == 4 * 4 * 2 * 16 * 32 * 2 * 3 // 4


def test_zero_deals_out_states() -> None:
    params = archscope.plan("transformer", **SMALL).totals.params
    kept = {0: 16, 1: 4 + 12 / 4, 2: 2 + 14 / 4, 3: 16 / 4}
    for stage, bytes_ in kept.items():
        found = parts(archscope.plan("transformer", dp=4, zero=stage, **SMALL))
        states = sum(found.get(name, 0) for name in ("weights", "gradients", "fp32 weights"))
        assert states + found["optimizer"] == bytes_ * params
    # The largest part is whole while it works: the blocks have 12 d d + 13 d, the head V d.
    assert found["gathered part"] == 4 * (12 * 32 * 32 + 13 * 32)


def test_a_verdict_says_what_would_help() -> None:
    report = archscope.plan("gpt2-xl", gpu="rtx-4090", recipe="fp32-16", micro_batch=4)
    first = next(row for row in report.section("plan.changes").rows if row.fits == "yes")

    assert report.totals.fits is False
    assert report.totals.spare == 24 * 2**30 - report.totals.memory
    assert f"fit: {first.change}" in str(report)
    assert "Does not fit" in str(report)


def test_the_largest_fits_and_the_next_does_not() -> None:
    for field, name in (("batch", "micro_batch"), ("seq-len", "seq_len"), ("d-model", "d_model")):
        fields = dict(SMALL)
        report = archscope.plan("transformer", max=field, card_memory="9MB", **fields)
        fits, next_ = report.section("plan.largest").rows
        limit = 9_000_000

        assert (fits.fits, next_.fits) == ("yes", "no")
        for row in (fits, next_):
            fields[name] = row.value
            again = archscope.plan("transformer", card_memory="9MB", **fields)
            assert again.totals.fits is (row.fits == "yes")
            assert (again.totals.memory <= limit) is (row.fits == "yes")
        step = 4 if name == "d_model" else 1  # heads divide the width
        assert next_.value - fits.value == step == report.totals.largest % 1 + step


def test_the_largest_is_found_in_a_few_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def row(search: Any, value: int) -> Any:
        tried.append(value)
        return evaluated(search, value)

    evaluated = largest._Search._row
    monkeypatch.setattr(largest._Search, "_row", row)
    found = archscope.plan("transformer", max="batch", card_memory="9GB", **SMALL).totals.largest
    assert found > 100_000
    assert len(tried) <= 5


def test_what_is_not_told_is_unknown_and_never_nothing() -> None:
    report = archscope.plan("conformer-s", gpu="t4", mfu=0.3)
    totals = report.totals

    assert (totals.memory, totals.fits, totals.model_flops) == (None, None, None)
    assert totals.known >= 16 * totals.params
    assert parts(report)["activations"] is None
    report.check("gpu_memory > 1MiB")
    with pytest.raises(ThresholdError, match="unknown, it is at least"):
        report.check("gpu_memory < 1GiB")
    # What is there at least may be too much already.
    assert archscope.plan("conformer-s", card_memory="1MiB").totals.fits is False


def test_time_and_cost_follow_from_the_share_of_the_peak() -> None:
    report = archscope.plan("gpt2", gpu="a100", gpus=8, mfu=0.3, tokens="300B", price=2)
    totals = report.totals

    # 874.9 GFLOP for 1,024 tokens at 8 x 312 TFLOP/s x 0.3.
    assert totals.step_seconds == totals.model_flops / (8 * 312e12 * 0.3)
    days = totals.model_flops / 8 / 1024 * 300e9 / (8 * 312e12 * 0.3) / 86400
    assert totals.days == pytest.approx(days)
    assert totals.gpu_hours == pytest.approx(8 * 24 * days)
    assert totals.cost == pytest.approx(2 * totals.gpu_hours)
    assert totals.steps == -(-300 * 10**9 // (8 * 1024))
    again = archscope.plan("gpt2", gpu="a100", mfu=0.3, recompute="full").totals
    assert again.hfu == pytest.approx(0.3 * again.hardware_flops / again.model_flops)


def test_what_is_small_is_not_nothing_and_a_price_asks_for_tokens() -> None:
    asked: dict[str, Any] = {"gpu": "a100", "mfu": 0.4, "price": 2, **SMALL}
    whole = archscope.plan("transformer", tokens=1000, **asked)
    unsaid = archscope.plan("transformer", **asked)

    (said,) = (line[0] for line in whole.sections[0].summary if "Training" in str(line[0]))
    assert " 0.00 days" not in str(said)
    assert " 0 GPU-hours" not in str(said)
    assert any("add --tokens" in note.text for note in unsaid.notes)
    assert not any("add --tokens" in note.text for note in whole.notes)


def test_a_share_at_which_the_hardware_does_more_than_its_peak_is_told() -> None:
    report = archscope.plan("transformer", gpu="a100", mfu=0.9, recompute="full", **SMALL)

    said = [note.text for note in report.notes if note.level == "warning"]
    most = report.totals.model_flops / report.totals.hardware_flops
    assert any(f"the MFU can be at most {most:.1%}" in text for text in said)


def test_a_saved_plan_is_read_back() -> None:
    report = archscope.plan("transformer", card_memory="9MB", max="depth", **SMALL)
    again = read_text(report.to("json"))

    assert again.totals == report.totals
    assert [s.rows for s in again.sections] == [s.rows for s in report.sections]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gpus": 7, "tp": 2}, "is not a multiple of tp 2 x pp 1 = 2. Nearest: 6, 8"),
        ({"gpus": 8, "dp": 3}, "is not dp 3 x tp 1 x pp 1 = 3"),
        ({"pp": 5}, "makes 5 stages of 4 blocks"),
        ({"interleave": 2}, "needs a pipeline"),
        ({"pp": 2, "interleave": 2, "global_batch": 3}, "takes groups of pp 2"),
        ({"dp": 2, "global_batch": 3}, "Nearest: 2, 4"),
        ({"dp": 2, "ep": 2}, "needs experts"),
        ({"sequence_parallel": True}, "needs tp of 2"),
        ({"tokens": "many"}, "is not a number of tokens"),
        ({"card_memory": "80"}, "is not a size"),
        ({"max": "dept", "gpu": "t4"}, "Did you mean 'depth'"),
        ({"max": "depth"}, "needs the memory of a card"),
        ({"gpu": "h10"}, "Did you mean 'h100'"),
        ({"gpu": "24GiB"}, "is a size and not a GPU; name one"),
        ({"gpu": "a100", "mfu": 0}, "is a training that never ends"),
        ({"recipe": "megatron"}, "Did you mean 'megatron-"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", r"\.")) as error:
        archscope.plan("transformer", **settings, **SMALL)
    assert "\n" not in str(error.value)


def test_a_share_may_be_typed_as_a_percentage() -> None:
    assert specs.made(Settings, {"mfu": "40%"}) == specs.made(Settings, {"mfu": "0.4"})
    with pytest.raises(SpecError, match=r"mfu: 1\.4 is not in the range"):
        specs.made(Settings, {"mfu": "140%"})
    with pytest.raises(SpecError, match="is not a number"):
        specs.made(Settings, {"price": "40%"})


def test_a_network_without_blocks_has_no_stages() -> None:
    with pytest.raises(UsageError, match="no block of this network repeats"):
        archscope.plan("lenet5", pp=2)


def test_recipes_are_what_they_are_called() -> None:
    for name in ("fp32-16", "bf16-16", "megatron-18", "megatron-20", "deepspeed-20", "bf16-8"):
        assert recipe_named(name).trained == int(name.partition("-")[2])


def test_every_recipe_can_be_asked_for() -> None:
    field = next(each for each in specs.fields(Settings) if each.name == "recipe")

    assert field.choices == tuple(recipe.name for recipe in RECIPES)


def test_modules_are_counted_once_however_many_changes_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from archscope.analyses.plan import modules

    counted: list[object] = []
    count = modules.count_step

    def counts(*asked: Any) -> Any:
        counted.append(asked)
        return count(*asked)

    monkeypatch.setattr(modules, "count_step", counts)
    archscope.analyse("plan", "tcn", settings={"pp": 2}, levels=3, input_size=41)

    assert len(counted) == 1


@pytest.mark.parametrize(
    "layers",
    [
        "in 3x16; conv 4; conv 8 s2 relu; head 3",
        "in 4x16x16; conv 4 sep g2; res(conv 8; conv 8); head 3",
        "in 4x16; res(conv 4 bn; relu); conv 4; head 2",
        "in 4x9; relu; head 2",
    ],
)
def test_a_stack_whose_input_one_product_reads_has_its_operations(layers: str) -> None:
    step = archscope.train("cnn", layers=layers, batch_size=2).totals.step

    assert archscope.plan("cnn", layers=layers, batch_size=2).totals.model_flops == 2 * step


@pytest.mark.parametrize("layers", ["in 4x16; bn; conv 4; conv 4", "in 4x16; conv 8 res; conv 4"])
def test_a_stack_whose_input_is_read_otherwise_too_has_none(layers: str) -> None:
    report = archscope.plan("cnn", layers=layers, batch_size=2)

    assert report.totals.model_flops is None
