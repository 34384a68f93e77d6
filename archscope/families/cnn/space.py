"""What is chosen of a stack of convolutions where nobody says it: dilations, depth, widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archscope.specs.space import Fields, Possible, Space, Trends, is_number, number_of

DEPTHS = tuple(range(1, 25))
KERNELS = tuple((taps,) for taps in range(2, 10))
CHANNELS = tuple(
    (width,)
    for width in (
        *range(8, 129, 8),
        *range(160, 257, 32),
        *range(320, 513, 64),
    )
)
"""Powers of two and multiples of 8, of which larger ones lie further apart."""
SCHEDULES = ("doubling", "doubling:2", "doubling:3", "furthest", "hdc", "ones")
COUNTS, WORK = ("params", "trainable", "active", "weights"), ("macs", "flops")
SEEN = ("rf", "smallest_rf", "local_rf", "back", "ahead")
"""Measures that are of the same layers, and so rise and fall together."""
LARGEST = 2**20
"""The largest dilation that a spec may have: schedules rise no further."""


def ones(fields: Fields) -> tuple[int, ...]:
    """Return no dilation."""
    return (1,)


def doubling(fields: Fields, repeats: int = 1) -> tuple[int, ...] | None:
    """Return 1, 2, 4, ..., so many times over (Yu & Koltun 2016; van den Oord et al. 2016).

    >>> doubling({"depth": 4}), doubling({"depth": 6}, 2)
    ((1, 2, 4, 8), (1, 2, 4))
    """
    if not repeats:
        return None
    return tuple(min(2**number, LARGEST) for number in range(-(-_depth(fields) // repeats)))


def furthest(fields: Fields) -> tuple[int, ...] | None:
    """Return 1, k, k², ... of kernel k: as far as layers reach without a hole.

    >>> furthest({"depth": 3, "kernel_size": (3,)})
    (1, 3, 9)
    """
    kernel = fields.get("kernel_size", (3,))
    if not is_number(kernel):
        return None
    taps = int(number_of(kernel))
    return tuple(min(taps**number, LARGEST) for number in range(_depth(fields)))


def hdc(fields: Fields) -> tuple[int, ...]:
    """Return 1, 2, 5 over and over: Hybrid Dilated Convolution (Wang et al. 2018, section 3.2)."""
    return (1, 2, 5)[: _depth(fields)]


def _depth(fields: Fields) -> int:
    return int(fields.get("depth") or 3)


def axes(given: Possible) -> Possible:
    """Return what is to be chosen beside what is said.

    A sentence says all. Dilations in numbers say the depth too. Strides and residual paths are not
    among these: the former change how many outputs there are, the latter gain nothing that is
    measured.
    """
    if "layers" in given:
        return {}
    found: dict[str, tuple[Any, ...]] = {"dilations": SCHEDULES}
    if not any(isinstance(value, tuple) for value in given.get("dilations", ())):
        found["depth"] = DEPTHS
    found |= {"kernel_size": KERNELS, "channels": CHANNELS}
    return {name: values for name, values in found.items() if name not in given}


def trends(possible: Possible) -> Trends:
    """Return what rises and falls together, in lists and not in a sentence.

    Of a stack that keeps the size of its maps, and whose layers are all alike but for their
    dilations, another layer only adds to those that there are, and no padding depends on how far a
    kernel spans.
    """
    if possible["layers"] != (None,):
        return {}
    found = dict(_unmoved(possible))
    padded = possible["padding"] in ((("same",),), (("causal",),))
    if not (padded or possible["causal"] == (True,)):
        return found
    if _says_no_depth(possible, "dilations"):
        found |= {("dilations", measure): 0 for measure in WORK}
    unlike = ("channels", "stride", "groups", "upsample", "pool")
    alike = all(map(is_number, _every(possible, unlike)))
    if alike and {number_of(each) for each in _every(possible, ("upsample", "pool"))} == {1}:
        found |= dict(_moved(possible))
    return found


def _every(possible: Possible, names: tuple[str, ...]) -> Iterator[Any]:
    for name in names:
        yield from possible[name]


def _says_no_depth(possible: Possible, name: str) -> bool:
    """Return whether a field's lists do not say how many layers there are.

    Where no depth is given, the longest list does.
    """
    return None not in possible["depth"] or all(map(is_number, possible[name]))


def _unmoved(possible: Possible) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield what does not hang together in any stack."""
    for name in ("channels", "groups"):
        if _says_no_depth(possible, name):
            yield (name, "rf.*"), 0
    for name in ("batch_size", "bias", "classes", "in_channels"):
        yield (name, "rf.*"), 0
    still = ("dilations",) if _says_no_depth(possible, "dilations") else ()
    for measure in COUNTS:
        yield from (((name, measure), 0) for name in ("input_size", "batch_size", *still))


def _moved(possible: Possible) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield what rises together in a stack of layers that are alike."""
    grown = ["depth", "kernel_size"]
    # Around a first layer that keeps the channels of its input goes no convolution.
    inputs = {number_of(each) for each in possible["in_channels"]}
    widths = {number_of(each) for each in possible["channels"]}
    if possible["residual"] == (False,) or not inputs & widths:
        grown.append("channels")
    for name in grown:
        yield from (((name, measure), 1) for measure in (*COUNTS, *WORK))
    yield from ((("dilations", measure), 1) for measure in SEEN)
    if all(map(is_number, possible["kernel_size"])):
        yield from (((name, measure), 1) for name in ("depth", "kernel_size") for measure in SEEN)
    if {number_of(each) for each in possible["stride"]} == {1}:
        yield from (((name, "jump"), 0) for name in ("depth", "kernel_size", "dilations"))


SPACE = Space(
    axes=axes,
    words={"dilations": {"doubling": doubling, "furthest": furthest, "hdc": hdc, "ones": ones}},
    trends=trends,
    width="channels",
    widths=tuple((width,) for width in range(1, 1025)),
    follows={"depth": lambda spec: spec.blocks, "spatial_dims": lambda spec: spec.axes},
)
"""The choices, and what is known of them."""
