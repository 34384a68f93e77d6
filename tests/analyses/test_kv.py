"""Caches: published sizes and logs fall out, runtimes reserve more, steps have their bounds."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest

import archscope
from archscope.analyses.kv.rows import Totals
from archscope.errors import ThresholdError, UsageError
from archscope.families import FAMILIES
from archscope.hardware import named as card
from archscope.present.html.charts import drawings
from archscope.studies.measures import measure
from archscope.studies.search.closed_form import Known
from archscope.theory.cache import Cache, LayerCache, keys_and_values
from archscope.theory.decoding import expected_experts, guessed
from archscope.theory.serving import runtime
from archscope.theory.serving.demand import Asked
from archscope.theory.serving.vllm import block_of
from archscope.theory.stored import KV_TYPES, named

MIB, GIB = 2**20, 2**30


def asked(name: str, **settings: Any) -> Totals:
    found: Totals = archscope.kv(name, **settings).totals
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-2-7b", 524_288),  # 2 x 32 layers x 32 heads x 128 x 2 bytes
        ("llama-2-70b", 327_680),  # 2 x 80 x 8 x 128 x 2
        ("llama-3.1-405b", 516_096),  # 2 x 126 x 8 x 128 x 2, printed in arXiv 2505.09343
        ("deepseek-v3", 70_272),  # 61 x (512 + 64) x 2, as well; 24.9 x less than of its width
        ("falcon-7b", 2 * 32 * 4544 * 2 // 71),  # one of 71 heads
        ("qwen3.6-27b", 2 * 64 * 4 * 256 * 2 // 4),  # 16 of 64 layers
        ("gpt2", 2 * 12 * 768 * 2),
        ("mamba-130m", 0),
    ],
)
def test_bytes_of_a_position(name: str, expected: int) -> None:
    assert asked(name).per_position == expected


@pytest.mark.parametrize(
    ("name", "context", "expected", "unit"),
    [
        ("llama-2-70b", 4096, 1.25, GIB),
        ("llama-3.1-8b", 128_000, 15.625, GIB),  # printed as 15.62 GB
        ("llama-3.1-70b", 128_000, 39.0625, GIB),  # printed as 39.06 GB
        ("llama-2-13b", 8192, 6.710_886_4, 1e9),  # printed as 6.7 GB
        # Of 32 layers all keep 4,096 positions of 32,768: an eighth of 2 x 32 x 8 x 128 x 2 each.
        ("mistral-7b-v0.1", 32_768, 131_072 * 4096 / GIB, GIB),
        # 23 layers keep 4,096 positions and 23 all 8,192, each 2 x 16 x 128 x 2: 3/4 of 2.875 GiB.
        ("gemma-2-27b", 8192, 0.75 * 2.875, GIB),
    ],
)
def test_published_sizes(name: str, context: int, expected: float, unit: float) -> None:
    assert asked(name, context=context).bytes / unit == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "memory", "logged"),
    [("gpt-oss-120b", "5.38GiB", 78_384), ("qwen3-1.7b", "18.78GiB", 175_856)],
)
def test_tokens_that_vllm_logs(name: str, memory: str, logged: int) -> None:
    found = asked(name, runtime="vllm", cache_memory=memory).tokens_fit

    assert found is not None
    assert found % 16 == 0, "whole blocks"
    assert isclose(found, logged, rel_tol=0.001)


def test_sizes_that_llama_cpp_logs() -> None:
    report = archscope.kv("qwen3.6-27b", context=65_536, batch=4, runtime="llamacpp")

    kinds = {row.kind: row.reserved for row in report.section("kv.kinds").rows}
    # 262,144 cells in 16 layers; 4 cells in 48, in 32 bits: 48 x 128 x 128 + 3 x 10,240 numbers.
    assert kinds == {"full attention": 16_384 * MIB, "linear attention": 598.5 * MIB}


def test_without_latents_keys_and_values_of_all_heads_are_kept() -> None:
    rows = archscope.kv("deepseek-v3", context=256).section("kv.runtimes").rows
    reserved = {row.runtime: row.set_aside for row in rows}

    assert reserved["llamacpp"] == 256 * 61 * 576 * 2
    assert reserved["llamacpp-no-mla"] == 256 * 61 * (24_576 + 16_384) * 2
    assert reserved["hf"] == reserved["llamacpp-no-mla"]


def test_windows_are_reserved_as_each_runtime_does_it() -> None:
    rows = archscope.kv("gpt-oss-20b", context=1000).section("kv.runtimes").rows

    each = 2 * 8 * 64 * 2  # bytes of a position in one of 12 + 12 layers
    full, window = 12 * each, 12 * each
    assert {row.runtime: row.set_aside for row in rows} == {
        "vllm": 63 * 16 * full + (128 // 16 + 1) * 16 * window,
        "vllm-no-hybrid": 63 * 16 * (full + window),
        "llamacpp": 1024 * full + 768 * window,  # 128 + 512 cells, padded to 256
        "llamacpp-swa-full": 1024 * (full + window),
        "hf": 1000 * full + 127 * window,
        "hf-static": 1000 * full + 128 * window,
    }


def test_chunks_are_kept_from_their_start() -> None:
    report = archscope.kv("llama-4-scout", context=20_000)
    kinds = {row.kind: row.bytes for row in report.section("kv.kinds").rows}
    rows = {row.runtime: row.set_aside for row in report.section("kv.runtimes").rows}

    each = 2 * 8 * 128 * 2  # in 36 layers the last 20,000 - 2 x 8,192 positions, in 12 all
    assert kinds == {"chunk": 36 * 3616 * each, "full attention": 12 * 20_000 * each}
    assert rows["hf-static"] == (36 * 8192 + 12 * 20_000) * each


def of(*layers: LayerCache) -> Cache:
    return Cache(layers=layers, context=64, batch=1)


def test_vllm_has_places_in_its_groups_that_no_layer_takes() -> None:
    full = [keys_and_values(f"f.{n}", heads=1, asking=1, key=8) for n in range(2)]
    sliding = [
        keys_and_values(f"w.{n}", heads=1, asking=1, key=8, kind="window", last=16)
        for n in range(3)
    ]
    question = Asked(context=64, batch=1, stored=named("bf16", KV_TYPES))

    # Groups of 2: three windows need two groups, one of whose places is empty, of 2 blocks of 16.
    pad = runtime("vllm").padding
    assert pad is not None
    assert pad(of(*full, *sliding), question) == 1 * 2 * 16 * 2 * 8 * 2


def test_vllm_makes_blocks_as_large_as_states() -> None:
    state = LayerCache(path="s", kind="linear attention", state="e", symbols={"e": 542_720})
    attention = keys_and_values("a", heads=2, asking=2, key=256)
    question = Asked(context=64, batch=1, stored=named("bf16", KV_TYPES))

    # 1,085,440 bytes of a state over 2,048 of a position are 530, so 544 positions.
    assert block_of(of(state, attention), question) == 544


@pytest.mark.parametrize(
    ("word", "bits"), [("q8_0", 8.5), ("q4_0", 4.5), ("q5_1", 6.0), ("fp8", 8.0)]
)
def test_scales_are_among_the_bits(word: str, bits: float) -> None:
    assert asked("gpt2", kv_dtype=word).per_position == 2 * 12 * 768 * bits / 8


def test_a_scale_for_each_head_is_among_the_bytes() -> None:
    # 12 layers x 2 x 12 heads, each with 64 bytes and a scale of 4.
    assert asked("gpt2", kv_dtype="int8").per_position == 12 * 24 * (64 + 4)


def test_a_step_of_a_dense_network() -> None:
    report = archscope.kv("llama-3-8b", context=1024, batch=2, gpu="h100")
    totals, h100 = report.totals, card("h100")

    table, width, cache = 128_256, 4096, 131_072 * 1024 * 2
    params = 8_030_261_248 - table * width  # of the table of tokens two rows are read
    assert totals.read == 2 * (params + 2 * width) + cache
    # Norms multiply nothing: 65 of 4,096. Queries meet 1,024 keys and values of 32 x 128.
    macs = params - 65 * width + 32 * 1024 * 2 * 32 * 128
    assert totals.macs == 2 * macs
    assert totals.seconds == totals.read / h100.bandwidth
    assert totals.rate == 2 / totals.seconds


def test_a_step_multiplies_what_both_engines_count_of_one_token() -> None:
    mixed = {
        "depth": 2, "d_model": 32, "heads": 4, "kv_heads": 2, "vocab_size": 64,
        "mixer": "attention,dilated-conv", "ffn": "moe:4/2", "activation": "swiglu",
    }  # fmt: skip
    for name, fields in (("transformer", mixed), ("lstm", {}), ("wavenet", {})):
        one = {"input_size": 1} if name == "wavenet" else {"seq_len": 1}
        counted = archscope.params(name, batch_size=3, **one, **fields).totals.macs

        assert archscope.kv(name, context=1, batch=3, **fields).totals.macs == counted


def test_arithmetic_bounds_a_step_of_many_short_sequences() -> None:
    report = archscope.kv("gpt2", context=1, gpu="h100")

    limits = {row.batch: row.limit for row in report.section("kv.batches").rows}
    assert (limits[1], limits[512]) == ("memory", "arithmetic")


def test_experts_that_are_read() -> None:
    # Of 8 experts 2 are chosen: one is left out by two tokens with probability (6/8)^2.
    assert expected_experts(8, 2, 2) == 8 * (1 - 0.75**2)
    one, two = archscope.kv("mixtral-8x7b", context=1).section("kv.batches").rows[:2]
    expert, router = 3 * 4096 * 14_336, 4096  # a row more of the table, each 4,096
    more = 32 * expert * (expected_experts(8, 2, 2) - 2) + router
    assert two.weights_read - one.weights_read == 2 * more


def test_speculative_decoding() -> None:
    # Leviathan et al. 2023, table 1: speed 6.86, operations 1.53 and 1.63.
    assert round(guessed(0.9, 10).speed, 2) == 6.86
    assert round(guessed(0.6, 2).operations, 2) == 1.53
    assert round(guessed(0.8, 5).operations, 2) == 1.63
    assert guessed(1.0, 4).tokens == 5
    assert guessed(0.0, 4).tokens == 1
    # A draft that is as slow as the network makes it slower: 3.36 tokens in 5 steps' time.
    assert round(guessed(0.8, 4, cost=1).speed, 3) == round(3.3616 / 5, 3)


def test_what_fits_in_a_card_fits_beside_the_weights() -> None:
    # 80 GiB less 2 x 8,030,261,248 bytes; a sequence of 8,192 takes 1 GiB.
    found = asked("llama-3-8b", context=8192, card_memory="80GiB")

    assert found.room == 80 * GIB - 16_060_522_496
    assert found.sequences_fit == 65
    assert found.tokens_fit == found.room // 131_072
    assert asked("gpt3-175B", gpu="h100").sequences_fit == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bert-base-uncased", "every position sees later ones"),
        ("resnet50", "reads its whole input at once"),
        ("xlnet-base-cased", "reads its whole input at once"),
    ],
)
def test_what_does_not_decode_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: it does not decode.*{said}"):
        archscope.kv(name)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"runtime": "hf", "kv_dtype": "q4_0"}, "keeps no cache in q4_0; it has bf16"),
        ({"kv_dtype": "q8_0", "d_model": 36}, "blocks of 32, which do not divide the 36"),
        ({"card_memory": "80"}, "'80' is not a size"),
        ({"card_memory": "8GiB", "cache_memory": "1GiB"}, "includes the weights"),
        ({"guesses": 2}, "needs acceptance"),
    ],
)
def test_what_cannot_be_asked_is_one_line(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        archscope.kv("transformer", **settings)


def test_what_was_not_read_is_unknown() -> None:
    report = archscope.kv("t5-small", runtime="llamacpp")

    assert report.totals.reserved is None
    assert any("cross attention was not read" in note.text for note in report.notes)


def test_claims_of_a_bound_prove_only_what_follows() -> None:
    report = archscope.kv("gpt2", gpu="h100")

    report.check("kv_bytes <= 36MiB", "tokens_per_second <= 1M", "decode_time >= 1us")
    with pytest.raises(ThresholdError, match="unknown, it is at most"):
        report.check("tokens_per_second >= 1")


def test_charts_of_a_cache() -> None:
    gpt2, deepseek = archscope.kv("gpt2", gpu="h100"), archscope.kv("deepseek-v3", runtime="vllm")

    found = {drawing.name: drawing.figure["data"] for _, drawing in drawings([gpt2, deepseek])}
    assert set(found) == {"kv-context", "kv-batch"}
    assert [trace["name"] for trace in found["kv-context"]] == [
        "gpt2 needed",
        "deepseek-v3 needed",
        "deepseek-v3 reserved",
    ]
    place = found["kv-context"][0]["x"].index(1024)
    assert found["kv-context"][0]["y"][place] == 36 / 1024  # GiB
    assert [trace["name"] for trace in found["kv-batch"]] == ["gpt2"], "no card was named for both"


def test_sizes_are_swept() -> None:
    report = archscope.sweep("transformer", kv_heads=[1, 12], measure="kv_bytes")

    found = [row.kv_bytes for row in report.section("sweep.variants").rows]
    assert found == [12 * 2 * 64 * 1024 * 2, 36 * MIB]


def test_a_search_goes_by_what_is_kept() -> None:
    size = {"d_model": 32, "heads": 4, "seq_len": 8, "vocab_size": 64}
    report = archscope.search(
        "transformer", depth=[2, 4], kv_heads=[1, 2, 4], **size, where="kv_per_token <= 256B",
        maximise="params", top=1, verify=False,
    )  # fmt: skip

    # Of 2 x depth x kv heads x 8 x 2 bytes 256 leave 8: four blocks of two heads, or two of four.
    best = report.section("search.variants").rows[0]
    assert (best.depth, best.kv_heads) == (4, 2)
    told = Known(FAMILIES.get("lstm"), FAMILIES.get("lstm").spec())
    assert told.measured(measure("kv_bytes"), "bytes").values == (asked("lstm").bytes,)


def test_what_guesses_yield_stands_under_every_table() -> None:
    report = archscope.kv("gpt2", acceptance=0.8, guesses=5)

    said = next(line for line in report.section("layers").summary if "guesses" in str(line))
    yields = next(part for part in said if not isinstance(part, str))
    assert yields.value == pytest.approx((1 - 0.8**6) / (1 - 0.8))  # Leviathan, equation 1


def test_positions_add_less_once_windows_are_full() -> None:
    # 46 layers of 2 x 16 x 128 numbers in 2 bytes, 23 of them with a window
    grows = " ".join(printed("gemma-2-27b").split())

    assert "of a sequence adds 368.0 KiB, once all windows are full 184.0 KiB" in grows
    assert "windows are full" not in printed("gpt2")


def test_rows_of_many_sequences_say_which_experts_they_read() -> None:
    assert "chooses uniformly" in printed("mixtral-8x7b", by="kv.batches")
    assert "router" not in printed("gpt2", by="kv.batches")


def printed(name: str, by: str = "") -> str:
    report = archscope.kv(name)
    return str(report.section(by).summary if by else report)
