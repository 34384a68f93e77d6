"""How many blocks a network has."""

from __future__ import annotations

from torch import nn

from archscope.counting.blocks import count_blocks


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)


class Stack(nn.Module):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))


def test_blocks_are_the_outermost_modules_that_repeat() -> None:
    assert count_blocks(Stack(4), {}) == 4
    assert count_blocks(nn.Transformer(8, 2, 3, 2, 16, batch_first=True), {}) == 5


def test_a_stack_of_blocks_is_no_block() -> None:
    assert count_blocks(nn.Sequential(Stack(3), Stack(2)), {}) == 5


def test_a_block_that_stands_for_several() -> None:
    assert count_blocks(Stack(2), {"blocks.1": 9}) == 10


def test_blocks_within_one_that_stands_for_several() -> None:
    # The first stack stands for three: 3 x 2 blocks, and 2 of the other.
    assert count_blocks(nn.Sequential(Stack(2), Stack(2)), {"0": 3}) == 8


def test_nothing_repeats() -> None:
    assert count_blocks(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), {}) is None


def test_a_stack_may_be_one_block_high() -> None:
    assert count_blocks(Stack(1), {}) == 1
    assert count_blocks(nn.Sequential(Stack(1), nn.Linear(2, 2)), {}) == 1
