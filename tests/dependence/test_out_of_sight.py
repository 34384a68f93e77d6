"""What a forward does where no operator is seen, against what changing one position changes."""

from __future__ import annotations

import copy
import ctypes
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map
from torch.utils.dlpack import from_dlpack, to_dlpack

import archscope
from archscope.dependence import rules
from archscope.dependence.answer import lowering
from archscope.dependence.answer.examine import examine
from archscope.dependence.answer.lowering import lower
from archscope.dependence.record.graph import Graph, Node, Value
from archscope.dependence.sets.terms import along
from archscope.errors import ForwardError
from archscope.probing.runs import _called
from archscope.subject import Inputs

SIZE = 6
Function = Callable[["Run", Tensor], Any]


class Run(nn.Module):
    """A function of a module with a causal convolution and a buffer."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv1d(1, 1, 2)
        self.register_buffer("kept", torch.zeros(1, 1, SIZE))

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def changed(function: Function, place: str = "0") -> list[int]:
    """Return for each element of what is returned the positions whose change changes it, as bits.

    A road of its own: it runs the network on numbers, and knows no operator.
    """
    torch.manual_seed(0)
    model = Run(function).double()

    def run(x: Tensor) -> Tensor:
        with torch.no_grad():
            return _called(place, copy.deepcopy(model)(x.clone())).flatten()

    found: list[int] = []
    for _ in range(3):
        x = torch.randn(1, 1, SIZE, dtype=torch.float64)
        before = run(x)
        found = found or [0] * len(before)
        for position in range(SIZE):
            other = x.clone()
            other[..., position] += 3 * torch.randn(())
            for unit in (run(other) != before).nonzero().flatten().tolist():
                found[unit] |= 1 << position
    return found


def told(function: Function, place: str = "0") -> tuple[list[int], str | None]:
    """Return the same as the record has it, and the operator by which it is a bound."""
    torch.manual_seed(0)
    exam = examine(Run(function), Inputs(args=(torch.zeros(1, 1, SIZE),)), axes=(2,))
    value = exam.graph.outputs[place]
    field = exam.total(value)
    assert field is not None
    pattern = along(field.terms, 0)
    sets = [pattern.sets.bits(int(pattern.at(unit)[0])) for unit in np.ndindex(*value.shape)]
    node = exam.bounded_node(value)
    return sets, None if node is None else exam.graph.nodes[node].operator


class Other(Tensor):
    """A tensor of a class that does nothing of its own."""


def with_data_set(model: Run, x: Tensor) -> Tensor:
    made = torch.zeros_like(x)
    made.data = x.data
    return model.conv(made)


def swapped(model: Run, x: Tensor) -> Tensor:
    made, other = torch.zeros_like(x), x * 2
    torch.utils.swap_tensors(made, other)
    return model.conv(made)


def over_a_storage(model: Run, x: Tensor) -> Tensor:
    made = torch.empty(0, dtype=x.dtype)
    return model.conv(made.set_(x.untyped_storage(), 0, x.shape, x.stride()))


def written_beside(way: Callable[[Tensor], Tensor]) -> Function:
    """Return a function that writes to a tensor and reads another that lies in its memory."""

    def function(model: Run, x: Tensor) -> Tensor:
        made = torch.zeros(1, 1, SIZE, dtype=x.dtype)
        other = way(made)
        made.copy_(x)
        return model.conv(other.as_subclass(Tensor))

    return function


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x: model.conv(x.as_subclass(Other)),
        lambda model, x: model.conv(x.as_subclass(Other)).as_subclass(Tensor)[..., 2:],
        lambda model, x: model.conv(x.transpose(0, 1).flip(-1).as_subclass(Other)),
        lambda model, x: model.conv(nn.Parameter(x[..., 1:])),
        lambda model, x: model.conv(from_dlpack(to_dlpack(x[..., ::2].detach()))),
        with_data_set,
        swapped,
        over_a_storage,
        written_beside(lambda made: made.as_subclass(Other)),
        written_beside(lambda made: torch.from_numpy(made.numpy()[..., 2:])),
        written_beside(lambda made: torch.empty(0, dtype=made.dtype).set_(made)),
    ],
)
def test_what_shares_memory_is_followed_though_no_operator_made_it(function: Function) -> None:
    assert told(function) == (changed(function), None)


def in_a_thread(work: Callable[[Run, Tensor], Tensor]) -> Function:
    """Return a function that does its work in a thread of its own, and adds the input to it."""

    def function(model: Run, x: Tensor) -> Tensor:
        made: list[Tensor] = []
        thread = threading.Thread(target=lambda: made.append(work(model, x)))
        thread.start()
        thread.join()
        return made[0] + x

    return function


def written_in_a_thread(model: Run, x: Tensor) -> Tensor:
    made = torch.zeros_like(x)
    thread = threading.Thread(target=lambda: made.copy_(x * 2))
    thread.start()
    thread.join()
    return made * 2


def pickled(model: Run, x: Tensor) -> Tensor:
    made: Tensor = model.conv(pickle.loads(pickle.dumps(x)))
    return made


def not_watched(model: Run, x: Tensor) -> Tensor:
    with torch._C._DisableTorchDispatch():
        made = x.flip(-1)
    return x + made


def not_watched_by_functions(x: Tensor) -> Tensor:
    with torch._C.DisableTorchFunction():
        return torch.tensor(x.tolist(), dtype=x.dtype)


def begun_out_of_sight(model: Run, x: Tensor) -> Tensor:
    made = not_watched_by_functions(x)
    made[..., 0] = x[..., 1]
    return made


def by_an_address(model: Run, x: Tensor) -> Tensor:
    x = x.contiguous()
    held = ctypes.string_at(x.data_ptr(), x.numel() * x.element_size())
    return torch.frombuffer(bytearray(held), dtype=x.dtype) * 2


@pytest.mark.parametrize(
    "function",
    [
        in_a_thread(lambda model, x: x.flip(-1)),
        in_a_thread(lambda model, x: model.conv(x)[..., :1]),
        written_in_a_thread,
        pickled,
        lambda model, x: model.conv(copy.copy(x)),
        not_watched,
        begun_out_of_sight,
        by_an_address,
        lambda model, x: x * model.conv(not_watched_by_functions(x))[..., 1:2],
        lambda model, x: x.clone().map_(x.flip(-1), lambda a, b: a + b),
        lambda model, x: torch.tensor([x[0, 0, 0], x[0, 0, 3]], dtype=x.dtype),
        lambda model, x: torch.tensor([one.item() for one in x.flatten()]),
        lambda model, x: torch.zeros(3) + x.max().item(),
        lambda model, x: torch.ones(2) if x[0, 0, 0] > 0 else torch.zeros(2),
        lambda model, x: x[..., 1:] * model.conv(torch.full_like(x, x[0, 0, 5].item())),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_what_is_done_out_of_sight_is_a_bound_and_never_nothing(function: Function) -> None:
    sets, bound = told(function)

    assert bound is not None
    assert all(a & ~b == 0 for a, b in zip(changed(function), sets, strict=True))


def test_a_generator_that_reads_numbers_is_seen_to() -> None:
    def function(model: Run, x: Tensor) -> Iterator[Tensor]:
        yield torch.zeros(2) + x[0, 0, 1].item()

    assert told(function) == ([63, 63], "read")


def checked(model: Run, x: Tensor) -> Tensor:
    if x.isnan().any():
        raise ValueError
    made = torch.empty(1, 1, SIZE)  # whatever lies there
    made[..., 1:], made[..., 0] = x[..., :-1], 0
    return made + torch.rand(SIZE) + torch.arange(SIZE)


def test_a_check_on_data_and_constants_beside_it_cost_nothing() -> None:
    assert told(checked) == ([0, 1, 2, 4, 8, 16], None)


def test_what_is_looked_at_on_data_can_be_resized_still() -> None:
    def function(model: Run, x: Tensor) -> Tensor:
        if x.isnan().any():
            raise ValueError
        made = torch.ones(SIZE)
        before = x * made
        return before + made.resize_(2 * SIZE)[:SIZE] * 0

    assert told(function) == ([1, 2, 4, 8, 16, 32], None)


def test_what_cannot_be_run_on_data_is_not_known() -> None:
    with torch.device("meta"):
        model = Run(lambda model, x: model.conv(copy.copy(x)))

    with pytest.raises(ForwardError, match="where no operator is seen"):
        archscope.rf(model, torch.empty(1, 1, SIZE, device="meta"))


def into(way: Callable[[Tensor, Tensor], Any], *shape: int) -> Function:
    """Return a function that writes into a tensor of its own, and reads that."""

    def function(model: Run, x: Tensor) -> Tensor:
        made = torch.zeros(shape, dtype=x.dtype)
        way(x, made)
        return made * 1

    return function


@torch.library.custom_op("archscope_seen::written", mutates_args={"out"})
def _written(x: Tensor, out: Tensor) -> Tensor:
    out.copy_(x)
    return x.flip(-1)


@_written.register_fake
def _(x: Tensor, out: Tensor) -> Tensor:
    return torch.empty_like(x)


@pytest.mark.parametrize(
    ("function", "is_bound"),
    [
        (into(lambda x, made: torch.cumsum(x, -1, out=made), 0), False),
        (into(lambda x, made: torch.addmm(x[0], torch.ones(1, 1).to(x), x[0], out=made), 0), False),
        (into(lambda x, made: torch.frexp(x, out=(made, torch.zeros(0).int())), 0), False),
        (into(lambda x, made: made.resize_as_(x).copy_(x), 1), False),
        (into(lambda x, made: torch._foreach_add_([made], [x]), 1, 1, SIZE), False),
        (into(lambda x, made: torch._foreach_copy_(made.split(1), [x.flip(-1)]), 1, 1, 6), False),
        (into(lambda x, made: made.copy_(x).unsqueeze_(0).transpose_(-1, -2), 1, 1, SIZE), False),
        (into(_written, 1, 1, SIZE), True),
        (lambda model, x: _written(x, torch.zeros_like(x)), True),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_that_an_operator_writes_to_is_followed(function: Function, is_bound: bool) -> None:
    sets, bound = told(function)
    truth = changed(function)

    assert all(a & ~b == 0 for a, b in zip(truth, sets, strict=True))
    assert (bound is not None) == is_bound
    assert is_bound or sets == truth


@pytest.mark.parametrize(
    ("function", "sets"),
    [
        (lambda model, x: x * (torch.rand_like(x) > 0.9), [1, 2, 4, 8, 16, 32]),
        (lambda model, x: x * torch.empty(SIZE).bernoulli_(0.1), [1, 2, 4, 8, 16, 32]),
        (lambda model, x: x[..., torch.randperm(SIZE)[:2]], [63, 63]),
    ],
)
def test_numbers_that_are_drawn_anew_each_time_are_no_mask(
    function: Function, sets: list[int]
) -> None:
    assert told(function)[0] == sets


@torch.library.custom_op("archscope_seen::relu", mutates_args=())
def _relu(x: Tensor, extra: Tensor | None = None) -> Tensor:
    return x.flip(-1)


@_relu.register_fake
def _(x: Tensor, extra: Tensor | None = None) -> Tensor:
    return torch.empty_like(x)


def test_an_operator_of_anothers_namespace_has_no_rule_by_its_name() -> None:
    assert told(lambda model, x: _relu(x)) == ([63] * SIZE, "archscope_seen::relu")


def test_a_form_that_no_rule_knows_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "suppress", suppress)
    value, made = Value(0, (2, 3)), Value(1, (2, 3))
    forms: list[dict[str, Any]] = [{}, {"self": None, "x": value}]
    for operator in rules.known_rules():
        for arguments in forms:
            node = Node(
                operator=operator,
                arguments=arguments,
                outputs=(made,),
                picked=None,
                module="",
                pointwise=True,
            )
            assert len(lower(Graph(inputs={"0": value}, nodes=[node]))) == 1


class Wrapped(Tensor):
    """A tensor that holds another, and runs operators on that."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Wrapped:
        made = Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=held.device)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def bare(leaf: Any) -> Any:
            return leaf.held if isinstance(leaf, Wrapped) else leaf

        out = func(*tree_map(bare, args), **tree_map(bare, kwargs or {}))
        return tree_map(lambda leaf: Wrapped(leaf) if isinstance(leaf, Tensor) else leaf, out)


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x: model.conv(Wrapped(x)).held,
        lambda model, x: [Wrapped(torch.zeros_like(x)).copy_(Wrapped(x.flip(-1))).held],
        lambda model, x: model.conv(Wrapped(x)),
    ],
    ids=["unwrapped", "written to", "returned"],
)
def test_what_a_class_runs_on_what_it_holds_is_followed(function: Function) -> None:
    def unwrapped(model: Run, x: Tensor) -> Tensor:
        out = function(model, x)
        out = out[0] if isinstance(out, list) else out
        return out.held if isinstance(out, Wrapped) else out

    assert told(function) == (changed(unwrapped), None)
