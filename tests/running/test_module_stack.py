from unittest.mock import Mock

import pytest
import torch

from archscope.running import module_stack


class Crowd:
    """Something that holds all others of its kind."""

    def __init__(self) -> None:
        self.others: list[Crowd] = []
        self.value = torch.zeros(1)


def test_objects_that_hold_each_other_are_looked_into_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = [Crowd() for _ in range(20)]
    for each in crowd:
        each.others = crowd
    looked = Mock(side_effect=module_stack._parts)
    monkeypatch.setattr(module_stack, "_parts", looked)

    found = module_stack.tensors_in(crowd)

    assert {id(each) for each in found} == {id(each.value) for each in crowd}
    assert looked.call_count < 10 * len(crowd)


def test_a_module_of_code_that_is_held_is_not_looked_into() -> None:
    holder = Crowd()
    holder.others = torch.nn.functional  # type: ignore[assignment]

    assert module_stack.tensors_in([holder]) == [holder.value]
