from unittest.mock import Mock

import pytest
import torch

from archscope.running import module_stack
from archscope.running.copies import Copies


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


def test_a_vocabulary_is_copied_and_passed_over_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {f"word {number}": number for number in range(1_000)}
    held = [words, list(words), tuple(words), set(words), torch.zeros(1)]
    copied = Mock(side_effect=Copies._copy, autospec=True)
    monkeypatch.setattr(Copies, "_copy", lambda self, value: copied(self, value))
    looked = Mock(side_effect=module_stack._collect)
    monkeypatch.setattr(module_stack, "_collect", looked)

    made = Copies().of(held, torch.Tensor.clone)

    assert made[:4] == held[:4]
    assert [one is other for one, other in zip(made, held, strict=True)] == [
        *(False, False, True, False, False)  # what cannot change is not copied
    ]
    assert copied.call_count < 20
    assert module_stack.tensors_in(held) == [held[4]]
    assert looked.call_count < 20
