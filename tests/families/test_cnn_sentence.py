"""A stack said in words: one grammar, one spelling, the plan of the fields; errors have columns."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archscope import specs
from archscope.errors import SpecError, UsageError
from archscope.families.cnn import FAMILY
from archscope.families.cnn.parser import parse
from archscope.families.cnn.sentence import is_sentence, written
from archscope.families.cnn.spec import CnnSpec, plan

FEW = settings(max_examples=40, deadline=None, derandomize=True, database=None)

SPELT = {
    "conv 64 k7 s2; pool 3 s2; 4x(conv 64 k3 d1,2,4,8 res); up 2": (
        "conv 64 k7 s2; pool 3 s2; 4x(conv 64 k3 d1,2,4,8 res); up 2"
    ),
    "Conv2d 64, kernel=7, stride 2, bias off;\nbatchnorm; ReLU; MaxPool2d 3 s2 p1;": (
        "conv2d 64 k7 s2 bias off bn relu; pool2d 3 s2 p1"
    ),
    "in 3×32×32; 2 x conv 8,16 k3×1 p1x0; avgpool 2 ceil; classifier 010": (
        "in 3x32x32; 2x(conv 8,16 k3x1 p1x0); pool 2 avg ceil; head 10"
    ),
    "deconv 8 s2 k4 p1 op1 gn8 gelu; upsample 2 bilinear; gn": (
        "tconv 8 k4 s2 p1 op1 gn8 gelu; up 2 linear; gn"
    ),
    "conv p6+0; conv p causal:same depthwise; conv 8 separable g2 reflect norm none act none res": (
        "conv p6+0; conv p causal:same dw; conv 8 g2 sep reflect norm none act none res"
    ),
    "bn; relu; res(conv 4; bn; conv 4); relu": "bn; relu; res(conv 4 bn; conv 4); relu",
    "conv 4 res; bn": "conv 4 res; bn",
}


@pytest.mark.parametrize(("text", "canonical"), SPELT.items())
def test_each_step_has_one_spelling(text: str, canonical: str) -> None:
    assert is_sentence(text)
    assert written(parse(text)) == canonical
    assert parse(canonical) == parse(text)


_ITEMS = st.sampled_from(["1", "3", "2x3", "1,2", "3x5,1"])
_WORDS = st.sampled_from(
    ["bn", "gn4", "relu", "act none", "norm none", "sep", "g2", "dw", "res", "p1", "p 1+0:same"]
)
_CONV = st.builds(
    lambda word, items, words: " ".join([word, *items, *words]),
    st.sampled_from(["conv", "conv 8", "conv 4,8"]),
    st.lists(st.builds("{}{}".format, st.sampled_from("ksd"), _ITEMS), max_size=3),
    st.lists(_WORDS, max_size=3),
)
_STEP = st.one_of(_CONV, st.sampled_from(["pool 2", "up 2x1 linear", "bn", "relu", "tconv 4 op1"]))
_STEPS = st.recursive(
    _STEP.map(lambda step: [step]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: [*chain(*found)]),
        inner.map(lambda found: [f"2x({'; '.join(found)})"]),
        inner.map(lambda found: [f"res({'; '.join(found)})"]),
    ),
    max_leaves=6,
)


@given(_STEPS)
@FEW
def test_what_is_written_reads_as_the_same(steps: list[str]) -> None:
    try:
        found = parse("; ".join(steps))
    except UsageError:
        return  # words that exclude each other, lists without a repetition
    assert parse(written(found)) == found
    assert written(parse(written(found))) == written(found)


@given(
    st.one_of(
        st.text(alphabet="conv pxkd0123456789×(;):+,=é\n\0'\"{}%", max_size=30),
        st.lists(
            st.sampled_from(
                ["conv", "4x(", "(", ")", ";", "k3", "d1,2", "in", "res", "é", "9" * 30]
            ),
            max_size=9,
        ).map(" ".join),
    )
)
@FEW
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        said = FAMILY.title(CnnSpec(layers=text, input_size=8))
    except UsageError as refused:
        said = str(refused)
    assert len(said.splitlines()) == 1


WRONG = {
    "conv 64 kernal 7": "column 9: 'kernal' is nothing that conv takes; expected a number, k,",
    "cnv 64; pool 2": "column 1: 'cnv' begins no step; expected conv, tconv, pool, up, res( ),",
    "conv 64 k": "column 10: expected a number behind 'k', e.g. k3, not the end. There: 'conv ",
    "4x(conv 64": "column 11: expected ')' for the '(' in column 3.",
    "conv 64)": "column 8: expected ';' or the end, not ')'.",
    "conv 64 conv 32": "column 9: expected ';' before 'conv'.",
    "conv 64 d1,2,4": "column 10: a list of 3 goes item by item through a repetition of as many,",
    "2x(conv 64 d1,2,4)": "column 13: a list of 3 goes item by item through a repetition of as",
    "conv 64 k0": "column 10: 0 is not in the range 1 to 65536.",
    "conv 64 64": "column 9: '64' stands beside '64'; say one.",
    "conv 64 same causal": "column 14: 'causal' stands beside 'same'; say one.",
    "conv 64 norm bath": "not 'bath'. Did you mean 'batch'? There: 'conv 64 norm ' then 'bath'",
    "9999x(9999x(conv 3))": "column 13: with this it is more than 10,000 steps.",
    "conv 8; in 3": "column 9: 'in' is the first step.",
    "head 3; conv 8": "column 1: 'head' is the last step.",
    "res(res(conv 3))": "column 5: a residual path is inside another.",
    "pool": "column 5: pool takes a size, e.g. pool 3.",
    "conv 64 é": "column 9: 'é' is not part of a sentence; expected a word or a number.",
    "conv 6; conv 8 g4": "column 9: groups: 4 does not divide the 6 input channels of 'conv 8 g4'.",
    "conv 8 k3x3; conv 8 k3x3x3": "column 8: '3x3' is for 2 axes, and the stack has 3.",
    # torch's mean in three dimensions wants its kernel to fit the map without padding.
    "in 4x2x3x5; avgpool 3 s2 p1": "column 13: input_size: '2x3x5' is too small: 'pool 3 s2 p1",
    "in 3x9x9; conv 8 k20 p0": "column 11: input_size: '9x9' is too small: 'conv 8 k20 p0' spans",
    "res(conv 8; up 2)": "column 13: residual: True does not go around 'up 2', which makes the map",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_is_wrong_has_its_column(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        CnnSpec(layers=text)
    assert message in str(caught.value)


SAME = {
    "3x(conv 64 d1,2,4)": {"dilations": "1,2,4"},
    "in 8x32x48; 2x(conv 8,16 k3x5 s2 res gn)": {
        "in_channels": "8",
        "input_size": "32x48",
        "channels": "8,16",
        "kernel_size": "3x5",
        "stride": "2",
        "residual": "yes",
        "norm": "group",
        "depth": "2",
    },
    "in 3x64; 4x(up 2 linear; conv 4 k2 causal replicate sep act none; pool 2 avg ceil)": {
        "input_size": "64",
        "spatial_dims": "1",
        "depth": "4",
        "channels": "4",
        "kernel_size": "2",
        "causal": "yes",
        "padding_mode": "replicate",
        "conv": "depthwise-separable",
        "activation": "none",
        "upsample": "2",
        "upsample_mode": "linear",
        "pool": "2",
        "pool_mode": "avg",
        "pool_ceil": "yes",
    },
    "in 4x16x16; 2x(tconv 4 k4 s2 dw bias off silu)": {
        "in_channels": "4",
        "input_size": "16",
        "depth": "2",
        "channels": "4",
        "kernel_size": "4",
        "upsample": "2",
        "upsample_mode": "transposed",
        "conv": "depthwise",
        "bias": "no",
        "activation": "silu",
    },
}


@pytest.mark.parametrize(("text", "fields"), SAME.items())
def test_a_sentence_is_the_plan_of_the_fields(text: str, fields: dict[str, str]) -> None:
    said, typed = CnnSpec(layers=text), specs.made(CnnSpec, fields)

    assert plan(said)[0].path == "blocks.0"
    assert plan(said) == plan(typed)


def test_a_published_stack_has_its_parameters() -> None:
    # VGG-11 without its classifier (Simonyan & Zisserman 2015, column A): 1,792 + 73,856 + 295,168
    # + 590,080 + 1,180,160 + 3 x 2,359,808 = 9,220,480.
    text = (
        "in 3x224x224; conv 64; pool 2; conv 128; pool 2; 2x conv 256; pool 2; "
        "2x(2x conv 512; pool 2)"
    )
    model = FAMILY.subject(CnnSpec(layers=text))
    whole = FAMILY.network(CnnSpec(layers=text))

    assert plan(CnnSpec(layers=text))[-1].out_sizes == (7, 7)
    assert sum(weight.numel() for weight in whole.parameters()) == 9_220_480
    assert model.origin == "family:cnn"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layers": "conv 8", "dilations": (1, 2)}, "dilations: '1,2' stands beside a sentence"),
        (
            {"layers": "in 1x8; conv 8", "in_channels": 2},
            "in_channels: '2' stands beside a sentence",
        ),
        ({"layers": "in 1x8; head 3"}, "describe no layer; write e.g. conv 64 k3."),
        (
            {"layers": "in 1x8; conv 3 k1x2"},
            "spatial_dims: 2 stands beside a sentence whose 'in' has 1",
        ),
        (
            {"layers": "conv1d 8", "spatial_dims": 2},
            "column 1: 'conv1d 8' names 1 axes, and the stack",
        ),
    ],
)
def test_fields_beside_a_sentence(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((SpecError, UsageError)) as caught:
        CnnSpec(**fields)
    assert message in str(caught.value)


def test_what_a_sentence_leaves_unsaid_is_said_by_fields() -> None:
    spec = CnnSpec(layers="conv 8; conv 8 act none norm none", norm="batch", activation="gelu")
    first, second = plan(spec)

    assert (first.step.norm, first.step.activation) == ("batch", "gelu")
    assert (second.step.norm, second.step.activation) == ("none", "none")
    assert FAMILY.title(CnnSpec(layers="in 1x16; conv 8 causal")) == (
        "cnn · 1-D · conv 8 causal · input 1×16 · batch 1"
    )


@pytest.mark.parametrize("text", ["conv.py:Net", "conv", "relu", "classifier", "rf >= 255", "gpt2"])
def test_other_words_are_no_sentences(text: str) -> None:
    assert not is_sentence(text)
