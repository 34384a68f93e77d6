"""A teacher beside its students: ratios that authors print, and sums of what both do."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import loaders
from archscope.families import FAMILIES
from archscope.library import compare, load_teacher
from archscope.library._teaching import decoded
from archscope.subject import Network, Request

LARGE = "transformer:depth=4,d_model=32,heads=4,vocab_size=50,seq_len=64"
SMALL = "transformer:depth=2,d_model=16,heads=4,vocab_size=50,seq_len=16"


def _rows(*networks: str) -> dict[str, Any]:
    report = compare(*networks, teacher=True)  # type: ignore[arg-type]
    return {row.measure: row for row in report.section("teaching").rows}


def test_what_distilling_costs_is_the_students_step_and_the_teachers_forward() -> None:
    rows = _rows(LARGE, SMALL)

    forward, step = rows["forward MACs"], rows["training MACs"]
    # The teacher reads the 16 tokens of its student, not the 64 of its own spec.
    assert forward.more == 16 * (4 * (12 * 32**2) + 32 * 50) + 4 * 2 * 16**2 * 32
    assert rows["distillation MACs"].less == step.less
    assert rows["distillation MACs"].more == step.less + forward.more
    assert rows["distillation MACs"].ratio == 1 + forward.more / step.less
    memory = rows["distillation memory"]
    assert memory.more - memory.less == rows["weights"].more == 4 * rows["parameters"].more
    # In bf16: all weights but the table of tokens, of which a step reads one row, and whose other
    # end scores; of the positions it reads one row too. 16 keys and values of each block.
    weights = rows["parameters"].less - 16 * 16 + 2 * 16
    assert rows["bytes per decoded token"].less == 2 * (weights + 2 * 16 * 2 * 16)


def test_a_network_without_a_cache_has_no_decoding_and_says_so() -> None:
    report = compare(f"{LARGE},arch=encoder", f"{SMALL},arch=encoder", teacher=True)
    section = report.section("teaching")

    assert "bytes per decoded token" not in [row.measure for row in section.rows]
    assert any("decoding is not compared: it does not decode" in n.text for n in section.notes)


# What the authors say: how many parameters fewer, and how many times less is read for a token.
PUBLISHED = [
    # Sanh et al. 2019, abstract: 40% smaller
    ("bert-base-uncased", "distilbert-base-uncased", 0.40),
    # Gandhi, von Platen & Rush 2023, abstract: 51% fewer parameters
    ("whisper-large-v2", "distil-large-v2", 0.51),
    # Jiao et al. 2020, abstract: 7.5 times smaller, which is 87%
    ("bert-base-uncased", "tinybert-4L-312", 1 - 1 / 7.5),
    # Wang et al. 2020, table 5: 22M of 109M
    ("bert-base-uncased", "minilm-L6-H384", 1 - 22 / 109),
]


def _params(network: Network) -> int:
    tell = FAMILIES.get(network.family).census
    assert tell is not None
    return tell(network.spec).params


@pytest.mark.parametrize(("teacher", "student", "fewer"), PUBLISHED)
def test_a_student_is_as_much_smaller_as_its_authors_say(
    teacher: str, student: str, fewer: float
) -> None:
    taught = loaders.load(student, Request())
    teaches = load_teacher(teacher, taught.config)

    assert 1 - _params(taught) / _params(teaches) == pytest.approx(fewer, abs=0.01)


def test_two_blocks_of_32_read_an_eighth_for_each_token() -> None:
    # Weights of a block: 14 x 1280^2, since keys and values of the source stand in the cache; and
    # the scores over 51,865 tokens. Cache: keys and values of 1,500 frames and 448 tokens.
    block, scores, cache = 14 * 1280**2, 51_865 * 1280, 2 * 1280 * (1500 + 448)
    read = {}
    for name, blocks in (("distil-large-v2", 2), ("whisper-large-v2", 32)):
        read[name] = decoded(loaders.load(name, Request())).bytes or 0
        expected = 2 * (blocks * (block + cache) + scores)
        assert read[name] == pytest.approx(expected, rel=0.001)  # biases and norms are left out
    assert round(read["whisper-large-v2"] / read["distil-large-v2"], 1) == 7.9
