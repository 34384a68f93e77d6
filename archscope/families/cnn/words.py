"""The vocabulary of sentences: what begins a step, what it takes, and how each is spelt."""

from __future__ import annotations

from typing import Literal

STEPS = {
    **dict.fromkeys(("conv", "convolution"), "conv"),
    **dict.fromkeys(("tconv", "deconv", "transposed", "convtranspose"), "tconv"),
    **dict.fromkeys(("pool", "maxpool", "avgpool"), "pool"),
    **dict.fromkeys(("up", "upsample"), "up"),
    **dict.fromkeys(("in", "input"), "in"),
    **dict.fromkeys(("head", "classifier"), "head"),
}
"""Words that begin a step, and its one spelling."""
SHORT = {"batch": "bn", "layer": "ln", "group": "gn", "instance": "instance"}
"""How norms are written."""
NORMS = {
    **{word: norm for norm, word in SHORT.items()},
    **{word: norm for norm in SHORT for word in (norm, f"{norm}norm")},
}
"""Words for norms."""
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky-relu", "tanh", "sigmoid", "hardswish")
"""Words for activations."""
LETTERS = {
    **dict.fromkeys(("k", "kernel"), "k"),
    **dict.fromkeys(("s", "stride"), "s"),
    **dict.fromkeys(("d", "dilation"), "d"),
    **dict.fromkeys(("p", "pad", "padding"), "p"),
    **dict.fromkeys(("g", "groups"), "g"),
    "op": "op",
}
"""Words that take a number, and their one spelling."""
MODES: tuple[Literal["reflect", "replicate", "circular"], ...] = (
    "reflect",
    "replicate",
    "circular",
)
"""Words for what a padding holds."""
PADDINGS = ("same", "valid", "causal")
"""Words for how much is padded."""
FLAGS = {
    **{word: word for word in (*PADDINGS, *MODES, "ceil", "max", "nearest")},
    **dict.fromkeys(("dw", "depthwise"), "dw"),
    **dict.fromkeys(("sep", "separable"), "sep"),
    **dict.fromkeys(("res", "residual"), "res"),
    **dict.fromkeys(("avg", "mean", "average"), "avg"),
    **dict.fromkeys(("linear", "bilinear", "trilinear"), "linear"),
    "nobias": "bias off",
}
"""Words that stand alone, and their one spelling."""
_AROUND = ("k", "s", "d", "p", *PADDINGS)
_BEHIND = ("bias off", "bias on", "norm", "act")
TAKES: dict[str, tuple[str, ...]] = {
    "conv": ("", *_AROUND, "g", "dw", "sep", *MODES, *_BEHIND, "res"),
    "tconv": ("", *_AROUND, "op", "g", "dw", "sep", *_BEHIND),
    "pool": ("", "k", "s", "d", "p", "max", "avg", "ceil"),
    "up": ("", "nearest", "linear"),
    "in": ("",),
    "head": ("",),
    "norm": ("norm",),
    "act": ("act",),
}
"""What each step takes, in the order in which it is written; the empty name is its own number."""
EXCLUSIVE: tuple[frozenset[str], ...] = (
    frozenset({"p", *PADDINGS}),
    frozenset({"g", "dw"}),
    frozenset(MODES),
    frozenset({"max", "avg"}),
    frozenset({"nearest", "linear"}),
    frozenset({"bias off", "bias on"}),
)
"""Of each of these only one is said."""
NEEDS = {"pool": "a size, e.g. pool 3", "up": "a factor, e.g. up 2", "in": "a size, e.g. 3x224x224"}
NEEDS |= {"head": "a number of classes, e.g. head 10"}
"""What a step cannot do without."""
MOST = {"k": 2**16, "s": 2**16, "d": 2**20, "p": 2**24, "op": 2**16, "g": 2**20, "norm": 2**20}
"""The largest number of each letter."""
MOST_OF_STEP = {"conv": 2**20, "tconv": 2**20, "pool": 2**16, "up": 2**10, "in": 2**24}
MOST_OF_STEP |= {"head": 2**24}
"""The largest number of each step's own."""


def spoken(names: tuple[str, ...]) -> str:
    """Return what can be said, as a reader is told."""
    words: list[str] = []
    for name in names:
        match name:
            case "norm":
                words += SHORT.values()
            case "act":
                words += ACTIVATIONS
            case "":
                words.append("a number")
            case _:
                words.append(name)
    return ", ".join(words)
