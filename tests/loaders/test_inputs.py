"""What `--input-shape` and `--model-arg` are read as, and the tensors that come of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.cli._arguments import read_arguments
from archscope.errors import UsageError
from archscope.loaders._inputs import make, parse
from archscope.subject import Inputs


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.large = nn.Embedding(100, 4)
        self.small = nn.Embedding(7, 4)


def made(*texts: str, model: nn.Module | None = None, names: tuple[str, ...] = ()) -> Inputs:
    return make([parse(text) for text in texts], model or Both(), dict(enumerate(names)))


@pytest.mark.parametrize(
    ("text", "path", "dtype", "shape", "bound", "value"),
    [
        ("1,3,224,224", (), None, (1, 3, 224, 224), None, None),
        ("1x3x8x8", (), None, (1, 3, 8, 8), None, None),
        ("(1, 3, 8, 8)", (), None, (1, 3, 8, 8), None, None),
        ("int64:1,128", (), "int64", (1, 128), None, None),
        ("long:5", (), "int64", (5,), None, None),
        ("x:1,2", ("x",), None, (1, 2), None, None),
        ("mask:bool:1,2", ("mask",), "bool", (1, 2), None, None),
        ("ids:int64<30522:1,128", ("ids",), "int64", (1, 128), 30522, None),
        ("lengths:int64=16:4", ("lengths",), "int64", (4,), None, 16),
        ("batch.image:1,3,8,8", ("batch", "image"), None, (1, 3, 8, 8), None, None),
        ("t:float32:()", ("t",), "float32", (), None, None),
    ],
)
def test_an_input_is_read(
    text: str,
    path: tuple[str, ...],
    dtype: str | None,
    shape: tuple[int, ...],
    bound: int | None,
    value: int | None,
) -> None:
    given = parse(text)

    assert (given.path, given.dtype, given.shape) == (path, dtype, shape)
    assert (given.bound, given.value) == (bound, value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' .item 1. is not a size"),
        ("1,x,3", "is not a size"),
        ("1,-3", "'-3' .item 2. is not a size"),
        ("1,0,3", "'0' .item 2. is not a size"),
        ("1.5,2", "'1.5' .item 1. is not a size"),
        ("99999999,99999999", "no input is so large"),
        ("a:b:c:1", "too many colons"),
        ("x:flaot32:1", "Did you mean 'float32'"),
        ("x:float32<3:1", "bounds nothing"),
        ("x:int64<0:1", "bounds nothing"),
        ("x y:1,2", "is not the name of an argument"),
        ("١,٢", "is not a size"),
    ],
)
def test_an_input_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


def test_arguments_are_json_or_words() -> None:
    texts = ["depth=12", "drop=0.5", "norm=batch", "on=true", "none=null", "s=[1, 2]", "k=a=b.c"]

    assert read_arguments(texts[:-1]) == {
        "depth": 12,
        "drop": 0.5,
        "norm": "batch",
        "on": True,
        "none": None,
        "s": [1, 2],
    }
    for bad in ("depth", "=3", "a b=3", "on=True", "s=[1,", texts[-1]):
        with pytest.raises(UsageError, match="--model-arg"):
            read_arguments([bad])


def test_whole_numbers_stay_below_the_smallest_table() -> None:
    ids = made("ids:int64:64,64").kwargs["ids"]

    assert ids.dtype == torch.int64
    assert set(ids.flatten().tolist()) == set(
        range(7)
    )  # the smaller table has 7 rows; 4096 draws meet all of them


def test_bounds_and_values_are_as_typed() -> None:
    inputs = made("a:int64<3:100", "b:int32=5:2", "c:1", model=nn.Linear(1, 1))

    assert set(inputs.kwargs["a"].tolist()) == {0, 1, 2}
    assert inputs.kwargs["b"].tolist() == [5, 5]
    assert inputs.kwargs["b"].dtype == torch.int32
    assert set(made("int64:50", model=nn.Linear(1, 1)).args[0].tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("input_ids", torch.int64), ("tokens", torch.int64), ("x", torch.float32)],
)
def test_a_missing_number_type_follows_the_name(name: str, dtype: torch.dtype) -> None:
    assert made("2,3", names=(name,)).args[0].dtype == dtype
    assert made(f"{name}:2,3").kwargs[name].dtype == dtype


def test_a_missing_number_type_follows_the_network() -> None:
    tokens_first = nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 2))

    assert made("2,3", model=tokens_first).args[0].dtype == torch.int64
    assert made("2,3", model=nn.Linear(3, 3).to(torch.bfloat16)).args[0].dtype == torch.bfloat16


def test_masks_let_everything_through() -> None:
    inputs = made("mask:bool:2,3", "key_padding_mask:bool:2,3", "attention_mask:2,3")

    assert inputs.kwargs["mask"].all()
    assert not inputs.kwargs["key_padding_mask"].any()  # torch: True is what to ignore
    assert inputs.kwargs["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_names_go_into_dictionaries_and_lists() -> None:
    inputs = made("batch.image:1,2", "batch.sizes.0:3", "batch.sizes.1:4", "2,2")

    batch: dict[str, Any] = inputs.kwargs["batch"]
    assert batch["image"].shape == (1, 2)
    assert [size.shape for size in batch["sizes"]] == [(3,), (4,)]
    assert [argument.shape for argument in inputs.args] == [(2, 2)]
    assert made("0.a:1", "0.b:2").args[0].keys() == {"a", "b"}


@pytest.mark.parametrize("texts", [("x:1", "x:2"), ("x:1", "x.y:2"), ("0.a:1", "2.a:1")])
def test_inputs_that_clash_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--input-shape"):
        made(*texts)


def test_inputs_are_the_same_each_time_and_leave_chance_alone() -> None:
    model = Both()
    before = torch.get_rng_state()

    first, second = made("4,4", model=model).args[0], made("4,4", model=model).args[0]

    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_data_only_whole_numbers_have_values() -> None:
    with torch.device("meta"):
        model = Both()

    image, ids = made("2,4", "ids:int64:3", model=model), made("ids:int64:3", model=model)

    assert isinstance(image.args[0], Tensor)
    assert image.args[0].is_meta
    assert ids.kwargs["ids"].device.type == "cpu"
