"""Published figures of training on several cards fall out of the formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archscope.theory import communication, deepspeed, megatron, pipelines, training_cost
from archscope.theory.recipes import recipe_named
from archscope.theory.sharding import states

GIB, GB = 2**30, 10**9


@pytest.mark.parametrize(
    ("recipe", "params", "ranks", "stage", "expected", "unit"),
    [
        # ZeRO, figure 1 and table 1: 7.5B, 128B and 1T parameters, in GB.
        ("bf16-16", 7.5e9, 1, 0, 120, GB),
        ("bf16-16", 7.5e9, 64, 1, 31.4, GB),
        ("bf16-16", 7.5e9, 64, 3, 1.9, GB),
        ("bf16-16", 7.5e9, 4, 1, 52.5, GB),
        ("bf16-16", 128e9, 64, 1, 536, GB),
        ("bf16-16", 1e12, 4, 2, 5500, GB),
        ("bf16-16", 1e12, 4, 3, 4000, GB),
        # Megatron-LM, distributed optimizer: 6 + 12/8, 8 + 8/16, 4 + 16/8 bytes.
        ("megatron-18", 8e6, 8, 1, 7.5 * 8e6, 1),
        ("fp32-16", 16e6, 16, 1, 8.5 * 16e6, 1),
        ("megatron-20", 8e6, 8, 1, 6 * 8e6, 1),
        # DeepSpeed's older estimate of ZeRO-2: 4 + 16/d of T5-3B; the newer one is 2 + 18/d.
        ("deepspeed-20", 2_851_598_336, 8, 1, 15.93, GIB),
        ("deepspeed-20", 8e6, 8, 2, (2 + 18 / 8) * 8e6, 1),
        ("bf16-12", 65e9, 1, 0, 780, GB),  # QLoRA, abstract
    ],
)
def test_states_of_published_recipes(
    recipe: str, params: float, ranks: int, stage: int, expected: float, unit: int
) -> None:
    found = states(recipe_named(recipe), int(params), ranks=ranks, zero=stage)

    assert found.total / unit == pytest.approx(expected, rel=0.015)


def test_a_card_with_one_more_is_the_one_that_counts() -> None:
    # 10 parameters on 4 cards: 3 of them, 12 bytes each, and 4 bytes for each of all 10.
    assert states(recipe_named("bf16-16"), 10, ranks=4, zero=1).total == 4 * 10 + 12 * 3
    # A frozen one has its weight alone, which stage 3 deals out too: (10 + 5) / 4 is 4.
    assert states(recipe_named("bf16-16"), 10, frozen=5, ranks=4, zero=3).total == 2 * 4 + 14 * 3


def test_deepspeed_says_of_zero_3() -> None:
    # 6,805M parameters on 4 cards, a largest layer of 131M: 29.01 GiB.
    found = deepspeed.zero3(params=6_805_000_000, largest_layer=131_000_000, cards=4)
    assert found.card / GIB == pytest.approx(29.01, rel=0.002)


@pytest.mark.parametrize(
    ("layers", "width", "expected"), [(24, 2304, 1.7), (48, 8192, 39.1), (105, 20480, 529.6)]
)
def test_parameters_of_megatrons_table(layers: int, width: int, expected: float) -> None:
    found = megatron.params(layers, width, 51_200, 2048)

    assert float(found) / 1e9 == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("layers", "width", "cards", "expected"), [(48, 6144, 8, 45.5625), (105, 20480, 280, 31.640625)]
)
def test_states_of_korthikantis_figure(
    layers: int, width: int, cards: int, expected: float
) -> None:
    blocks = megatron.block_params(layers, width) // cards

    assert states(recipe_named("megatron-18"), blocks).total / GIB == expected


@pytest.mark.parametrize(
    ("batch", "layers", "width", "cards", "seconds", "mfu", "hfu"),
    [(4, 48, 6144, 8, 1.1, 0.415, 0.437), (280, 105, 20480, 280, 37.83, 0.56, 0.57)],
)
def test_utilisation_of_korthikantis_table(
    batch: int, layers: int, width: int, cards: int, seconds: float, mfu: float, hfu: float
) -> None:
    def share(**how: megatron.Recomputed) -> float:
        flops = megatron.flops_per_step(batch, layers, 2048, width, 51_200, **how)
        return training_cost.utilisation(float(flops), seconds, cards, 312e12)

    assert share() == pytest.approx(mfu, rel=0.006)
    assert share(recompute="selective") == pytest.approx(hfu, rel=0.006)


def test_activations_of_korthikantis_figure() -> None:
    def first_stage(
        batch: int, width: int, heads: int, layers: int, factor: Fraction, sequence: bool
    ) -> float:
        layer = megatron.layer_activations(
            2048,
            batch,
            width,
            heads,
            tensor=8,
            sequence_parallel=sequence,
            recompute="selective" if sequence else "none",
        )
        return float(layers * layer * factor) / GIB

    thrice = pipelines.first_stage_factor(8, 3)
    assert first_stage(4, 6144, 64, 48, Fraction(1), sequence=False) == 59.25
    assert first_stage(4, 6144, 64, 48, Fraction(1), sequence=True) == 9.5625
    assert first_stage(1, 12288, 96, 96, thrice, sequence=False) == 66.84375
    assert first_stage(1, 12288, 96, 96, thrice, sequence=True) == 12.3515625


def test_times_of_published_trainings() -> None:
    # PaLM 540B: 46.2 % with attention, 45.7 % without.
    flops = 6 * 540.35e9 + training_cost.attention_flops_per_token(118, 48, 256, 2048)
    assert training_cost.utilisation(flops * 238_300, 1, 6144, 275e12) == pytest.approx(
        0.462, rel=0.003
    )
    # Megatron's 175B on 1024 cards at 140 TFLOP/s: 34 days.
    days = training_cost.days_with_recomputation(175e9, 300e9, 1024, 140e12)
    assert days == pytest.approx(34, rel=0.005)
    # LLaMA-65B: 1.4T tokens at 380 a second.
    assert training_cost.hours_at_rate(1.4e12, 380) == pytest.approx(1_022_362, rel=0.002)
    # GPT-2 as in nanoGPT, on 8 cards at 30 %: 3.46 days.
    seconds = training_cost.seconds_for(
        training_cost.train_flops(124_337_664, 300e9), 8, 312e12, 0.3
    )
    assert seconds / training_cost.SECONDS_PER_DAY == pytest.approx(3.46, rel=0.001)
    # DeepSeek-V3: 2.788M hours of 2 dollars.
    assert training_cost.cost(2.788e6, 2) == 5.576e6


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("stages", [1, 2, 4, 8])
def test_the_first_stage_is_full_as_published(stages: int, chunks: int) -> None:
    # One unit is a chunk; all chunks of all stages are one network's activations.
    kept, _ = pipelines.in_flight([1] * chunks, 0, stages, 8 * stages)

    if stages > 1 or chunks == 1:
        assert Fraction(kept, stages * chunks) == pipelines.first_stage_factor(stages, chunks)
    assert kept <= pipelines.in_flight([1] * chunks, 0, stages, 100 * stages)[0]


def test_passes_of_a_stage_are_all_there_once() -> None:
    found = [*pipelines.turns(1, 4, 8, 2)]

    for forward in (True, False):
        chunks = [turn.chunk for turn in found if turn.forward is forward]
        assert sorted(chunks) == [0] * 8 + [1] * 8
    alive = 0
    for turn in found:  # nothing is given back before it is kept
        alive += 1 if turn.forward else -1
        assert alive >= 0


def test_few_micro_batches_do_not_fill_a_pipeline() -> None:
    assert pipelines.in_flight([7], 0, 8, 3) == (21, (3,))
    assert pipelines.in_flight([7], 6, 8, 100) == (14, (2,))


def test_what_zero_sends() -> None:
    # ZeRO, section 7: 2 bytes x 2 for each parameter, in stage 3 x 3.
    assert [communication.data_parallel(10**10, zero=stage) / GB for stage in range(4)] == [
        40, 40, 40, 60,
    ]  # fmt: skip
    assert communication.data_parallel(8, ranks=4) == 2 * 16 * Fraction(3, 4)
    assert communication.data_parallel(8, ranks=1) == 0
