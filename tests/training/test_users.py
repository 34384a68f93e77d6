"""What users write keeps and multiplies what a real step does: each way of theirs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache

import pytest
import torch
from torch import Tensor

from archscope.errors import ArchscopeError
from archscope.running.storages import parts_of
from archscope.subject import Inputs, Subject
from archscope.training.kernels import AsOnCard
from archscope.training.optimisers import optimiser
from archscope.training.peak import peak
from archscope.training.real import measure
from archscope.training.recipe import Recipe
from archscope.training.step import Step, run_step
from archscope.training.work import count_step
from tests.training.real import kept
from tests.training.users.every import USERS

AS_CPU = Recipe(dropout="cpu")

NOT_TOLD = {
    "a deep LSTM": "oneDNN's kernel keeps a workspace",
}
"""Those that really keep something else than is told, and why."""
NUMBERS = {
    "a functional call": 4,
    "a sample of what was learnt": 1,
    "norms of every kind": 1,
    "adapters of its own": 1,
    "a hook before": 1,
    "a view that is written": 1,
    "a function that marks what it wrote": 1,
    "a product with an answer that nothing reads": 1,
}
"""Those in whose forward Python writes so many numbers that are there when memory is fullest."""
ONE_ROAD = {
    "a product with a backward of its own": {"_LinearBackward"},
    "a product with an answer that nothing reads": {"_TwoAnswersBackward"},
    "a grid that is learnt": {"AffineGridGeneratorBackward0"},
    "products of every kind": {"EuclideanDistBackward0"},
    "linear algebra": {
        "LinalgCholeskyExBackward0",
        "LinalgInvExBackward0",
        "LinalgSolveExBackward0",
    },
}
"""Those of which a function has a backward that no closed form tells."""


def subject(name: str) -> Subject:
    torch.manual_seed(0)
    model, args = USERS[name]()
    return Subject(name=name, model=model.train(), inputs=Inputs(args=args), origin="memory")


@cache
def step_of(name: str) -> Step:
    """Return a step of its own network; two tests look at it."""
    return run_step(subject(name), AS_CPU, optimiser("sgd"))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice of torch's to those who write so
        yield


@pytest.mark.parametrize("name", USERS)
def test_a_step_keeps_what_a_real_one_does(name: str) -> None:
    it, step = subject(name), step_of(name)
    assert it.inputs is not None

    with AsOnCard(AS_CPU):  # attention by the fused kernel, which drops nothing
        real = kept(it.model, *it.inputs.args)
    predicted = sum(each.bytes for each in step.saved)

    assert (predicted == real) is (name not in NOT_TOLD)


@pytest.mark.parametrize("name", [name for name in USERS if name not in NOT_TOLD])
def test_its_peak_is_what_the_allocator_hands_out_but_for_workspaces(name: str) -> None:
    step, real = step_of(name), measure(subject(name), AS_CPU, "sgd")

    held = sum(each.bytes + each.state for each in (*step.parameters, *step.buffers))
    predicted = step.inputs + held + peak(step).bytes
    if real.outliving is None:
        pytest.skip("this torch's profiler does not tell workspaces of kernels")
    # Numbers that Python writes into a product take 8 bytes each, which no mode is told.
    assert 0 <= real.before + real.outliving - predicted <= 8 * NUMBERS.get(name, 0)
    assert real.peak >= real.outliving


def test_a_checkpoint_runs_again_with_the_kernels_of_its_forward() -> None:
    it = subject("a checkpoint of attention")

    fused, plain = (
        peak(run_step(it, Recipe(attention=way), optimiser("sgd"))) for way in ("flash", "math")
    )

    assert fused is not None
    assert plain is not None
    assert plain.bytes > fused.bytes  # the scores are made again


@pytest.mark.parametrize("name", USERS)
def test_both_roads_agree_on_its_backward(name: str) -> None:
    work = count_step(subject(name), Recipe())

    assert work.by_weight + work.by_input + work.by_function == work.backward
    assert work.functions == ONE_ROAD.get(name, set())
    assert not work.unknown


def test_what_a_cast_makes_of_a_class_of_its_own_is_not_guessed() -> None:
    it = subject("weights of 8 bits of a class of their own")

    with pytest.raises(ArchscopeError, match="a _Rounded, which holds others"):
        run_step(it, AS_CPU, optimiser("sgd"), dtype=torch.bfloat16)


def test_what_a_class_holds_beside_tensors_takes_no_memory() -> None:
    class Meshed(Tensor):  # as one that is sharded over a mesh of processes
        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["whole", "mesh"], None

    made = torch.ones(3).as_subclass(Meshed)
    made.whole, made.mesh = torch.ones(2, 2), object()  # type: ignore[attr-defined]

    assert [part.nbytes for part in parts_of(made)] == [16]
