"""Which blocks of a plan stand for each other."""

from __future__ import annotations

from dataclasses import replace

from archscope.blocks.plan import (
    Numbered,
    Step,
    first_of_each,
    lists,
    numbered,
    repeats,
    stage,
)


def _copies(plan: list[Numbered]) -> list[tuple[str, ...]]:
    return [repeat.copies for repeat in repeats(plan)]


def test_blocks_that_differ_in_their_path_alone_are_alike() -> None:
    plan = numbered("blocks", 5, lambda number: "odd" if number % 2 else "even")

    assert _copies(plan) == [("blocks.0", "blocks.2", "blocks.4"), ("blocks.1", "blocks.3")]
    assert [block.path for block in first_of_each(plan)] == ["blocks.0", "blocks.1"]


def test_blocks_of_two_lists_are_never_alike() -> None:
    plan = [*numbered("encoder", 2), *numbered("decoder", 2)]

    assert _copies(plan) == [("encoder.0", "encoder.1"), ("decoder.0", "decoder.1")]
    assert list(lists(plan)) == ["encoder", "decoder"]


def test_none_is_alike_over_a_block_that_changes_the_shape() -> None:
    plan = numbered("blocks", 5)
    plan[2] = replace(plan[2], repeatable=False)

    assert _copies(plan) == [("blocks.0", "blocks.1"), ("blocks.3", "blocks.4")]
    assert [block.path for block in first_of_each(plan)] == ["blocks.0", "blocks.2", "blocks.3"]


def test_a_block_that_runs_again_is_shared() -> None:
    (found,) = repeats(numbered("blocks", 1) * 3)

    assert found.shared
    assert found.copies == ("blocks.0",) * 3


def test_one_block_is_no_repeat() -> None:
    assert repeats(numbered("blocks", 1)) == ()


def test_the_first_block_of_a_stage_alone_changes_the_shape() -> None:
    first = Step(path="layer2.0", in_channels=16, out_channels=32, stride=2)

    plan = list(stage(first, 3, dilation=4))

    assert [step.path for step in plan] == ["layer2.0", "layer2.1", "layer2.2"]
    assert [(step.in_channels, step.stride, step.dilation) for step in plan] == [
        (16, 2, 1),
        (32, 1, 4),
        (32, 1, 4),
    ]
    assert [step.repeatable for step in plan] == [False, True, True]
