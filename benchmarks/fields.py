"""Builds families with every pair of values of their fields, and counts what comes of each pair.

    python benchmarks/fields.py                  the general families, cnn and transformer
    python benchmarks/fields.py cnn              one family; any has fields to choose from
    python benchmarks/fields.py cnn --every 10   every tenth pair
    python benchmarks/fields.py transformer --only attention

A field's values are chosen from its kind, range and words. A pair is refused with a reason, or is
built: then both counting engines must agree and know every operator, the parameters be those of the
module as it is built whole, its receptive field by its outline that of its operators, and its
outputs in a real forward be numbers. All else is listed: a crash, a difference, a NaN.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError, UsageError
from archscope.families import FAMILIES, Family
from archscope.library import see_network
from archscope.loaders.family import network
from archscope.specs import Field, belongs, flags, made
from archscope.study import analyse
from archscope.subject import Inputs

SMALL: Mapping[str, Mapping[str, Any]] = {
    "cnn": {"in_channels": 4, "channels": (4,), "input_size": 24, "classes": 3},
    "transformer": {
        "depth": 2,
        "d_model": 16,
        "heads": 4,
        "vocab_size": 11,
        "seq_len": 8,
    },
}
"""What every pair begins with, so that its forward is quick."""
SENTENCES = (
    "in 4x24x24; conv 4 k3x1 s2; pool 2; 2x(conv 8 d1,2 res)",
    "in 4x24; bn; relu; res(conv 4 bn; conv 8 p0); tconv 4 k4 s2 p1; up 2 linear",
)
"""What a field that is a text may say: a stack in words."""
INTEGERS = (1, 2, 3, 4, 8)
LISTS = ((1,), (2,), (3,), (1, 2, 4), (4, 8), (1, 2, 1, 2))
NUMBERS = (0.0, 0.5, 1.0, 2.0)
KINDS = ("built", "refused", "crashed", "engines", "parameters", "field", "not a number")
"""What can come of a pair; all but the first two are failures."""
MOST_ELEMENTS = 1 << 19
"""Elements of the largest map up to which a network is run for real."""
REASONS_SHOWN = 40
"""Reasons of refusals that are printed, the most frequent first."""


def values(field: Field) -> Iterator[Any]:
    """Yield some values of a field that are of its kind and in its range."""
    if field.optional:
        yield None
    match field.kind:
        case "switch":
            yield from (False, True)
        case "choice":
            yield from field.choices
        case "integer":
            yield from filter(field_holds(field), INTEGERS)
        case "number":
            yield from filter(field_holds(field), NUMBERS)
        case "text":
            yield from SENTENCES
        case "list" if field.kinds:
            yield from ((word,) for word in field.choices)
            yield field.choices[:2]
        case "list":
            lists = (tuple(filter(field_holds(field), items)) for items in LISTS)
            yield from dict.fromkeys(filter(None, lists))
            yield from ((word,) for word in field.choices)
    if field.along:
        yield ((2, 3),) if field.kind == "list" else (20, 24)
    if field.sides:
        yield ("2+0",)


def field_holds(field: Field) -> Any:
    """Return what says whether a number is in a field's range."""

    def holds(number: float) -> bool:
        low, high = field.low, field.high
        return (low is None or number >= low) and (high is None or number <= high)

    return holds


def pairs(family: Family, only: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield every pair of values of two fields, on the family's small network."""
    small = dict(SMALL.get(family.name, {}))
    for one, other in combinations(flags(family.spec), 2):
        if only is not None and only not in (one.name, other.name):
            continue
        for value in values(one):
            for beside in values(other):
                pair = {one.name: value, other.name: beside}
                says_all = {"text"} & {field.kind for field in (one, other) if pair[field.name]}
                yield pair if says_all else {**small, **_owners(family.spec, pair), **pair}


def _owners(spec: type, pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kinds that have numbers of the pair, e.g. `attention` window of `window`."""
    found = {}
    for name in pair:
        flag, _, kinds = belongs(spec, name).partition(" ")
        if kinds:
            found[flag.removeprefix("--").replace("-", "_")] = kinds.partition("|")[0]
    return found


def outcome(family: Family, given: Mapping[str, Any]) -> tuple[str, str]:
    """Return what comes of a family with some fields, one of `KINDS`, and what it says."""
    try:
        spec: Any = made(family.spec, given)
    except UsageError as refused:
        said = str(refused)
        return ("refused" if len(said.split()) > 3 else "crashed"), said
    except Exception as crash:
        return "crashed", repr(crash)
    try:
        return _built(family, spec)
    except ArchscopeError as error:
        return "field", str(error)
    except Exception as crash:
        return "crashed", repr(crash)


def _built(family: Family, spec: Any) -> tuple[str, str]:
    named = network(family, spec)
    report = analyse("params", named.subject())
    doubts = [note.text for section in report.sections for note in section.notes
              if note.level == "warning"]  # fmt: skip
    if not report.totals.complete:
        return "engines", "; ".join(doubts) or "the count is partial"
    with torch.device("meta"):
        whole = family.network(spec)
    own = sum({id(weight): weight.numel() for weight in whole.parameters()}.values())
    told = report.totals.trainable + report.totals.frozen
    if own != told:
        return "parameters", f"{told:,} counted, {own:,} built"
    if _largest(whole, family.inputs, spec) > MOST_ELEMENTS:
        return "built", ""  # on shapes alone
    if family.outline is not None:
        try:
            see_network(named, compare=True)
        except UsageError as refused:  # too much to look at
            return "refused", str(refused)
    real = named.whole()
    assert real.inputs is not None
    if not all(torch.isfinite(tensor).all() for tensor in _outputs(real.model, real.inputs)):
        return "not a number", "an output is NaN or infinite"
    return "built", ""


def _outputs(model: nn.Module, inputs: Inputs) -> tuple[Tensor, ...]:
    with torch.no_grad():
        made = model.eval()(*inputs.args, **inputs.kwargs)
    return tuple(tree_leaves(made))


def _largest(model: nn.Module, inputs: Any, spec: Any) -> int:
    """Return the elements of the largest map of a network on the meta device."""
    found = [0]

    def look(module: nn.Module, args: Any, made: Any) -> None:
        if isinstance(made, Tensor):
            found.append(made.numel())

    for module in model.modules():
        module.register_forward_hook(look)
    with torch.device("meta"):
        _outputs(model, inputs(spec))
    return max(found)


def main() -> None:
    """Print each failure as it comes, then what came of all pairs, and why some are refused."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("families", nargs="*", default=["cnn", "transformer"])
    parser.add_argument("--every", type=int, default=1, help="one of so many pairs")
    parser.add_argument("--only", metavar="FIELD", help="pairs with this field")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in options.families:
        family, found, reasons = FAMILIES.get(name), Counter[str](), Counter[str]()
        for given in islice(pairs(family, options.only), 0, None, options.every):
            kind, said = outcome(family, given)
            found[kind] += 1
            if kind == "refused":
                reasons[said] += 1
            elif kind != "built":
                print(f"{kind}: {given}: {said}", flush=True)
        print(f"{'family':<14}" + "".join(f"{kind:>14}" for kind in KINDS))
        print(f"{name:<14}" + "".join(f"{found[kind]:>14,}" for kind in KINDS))
        for said, count in reasons.most_common(REASONS_SHOWN):
            print(f"  refused {count:>4}x {said}")


if __name__ == "__main__":
    main()
