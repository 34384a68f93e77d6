"""Parts of a network in words: what rows call by a code name, as a reader would say it."""

from __future__ import annotations

_SEVERAL = {
    "ffn": "feed-forward layers",
    "ffn_experts": "experts",
    "ffn_shared_experts": "shared experts",
    "ffn_pointwise_linear": "feed-forward layers",
    "embeddings": "embeddings",
    "norms": "norms",
    "mixer": "mixers",
    "conv_spatial": "spatial convolutions",
    "conv_pointwise": "1×1 convolutions",
    "conv_depthwise": "depthwise convolutions",
    "conv_grouped": "grouped convolutions",
    "other": "other modules",
}
"""Parts that are several."""
_ONE = {"attention": "attention", "head": "output head"}
"""Parts that are one."""
_WITHOUT_ARTICLE = ("attention", "other")
"""What needs no article."""


_SHORT = {
    "ffn": "feed-forward",
    "ffn_pointwise_linear": "feed-forward",
    "conv_spatial": "spatial conv",
    "conv_pointwise": "1×1 conv",
    "conv_depthwise": "depthwise conv",
    "conv_grouped": "grouped conv",
    "other": "other",
}
"""The same where there is little room."""


def short(name: str) -> str:
    """Return a part as a legend calls it; a name that is not known stays as it is.

    >>> short("conv_pointwise"), short("stem")
    ('1×1 conv', 'stem')
    """
    return _SHORT.get(name) or _named(name)


def the_part(name: str) -> str:
    """Return a part as a sentence calls it.

    >>> the_part("ffn"), the_part("attention")
    ('the feed-forward layers', 'attention')
    """
    known = name in _SEVERAL or name in _ONE
    return f"the {_named(name)}" if known and name not in _WITHOUT_ARTICLE else _named(name)


def _named(name: str) -> str:
    return {**_SEVERAL, **_ONE}.get(name, name)


def is_several(name: str) -> bool:
    """Return whether a sentence about a part is about several."""
    return name in _SEVERAL
