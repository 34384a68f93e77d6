"""What the authors of the published networks print of them, as facts: read from the presets."""

from __future__ import annotations

from collections.abc import Iterator

from archscope import presets
from archscope.analyses.params.published import TITLES
from archscope.studies.facts.digits import of_digits
from archscope.studies.facts.fact import Combined, Fact, Formula, Measured
from archscope.subject import Published

SUBJECT = "networks"
"""What these facts are about."""
_MEASURES = {
    "trainable": "trainable",
    "frozen": "frozen",
    "active": "n_active",
    "non-embedding": "n_non_embedding",
    "macs": "macs",
    "flops": "flops",
}
"""What measures each quantity that authors print."""


_UNITS = {"macs": "MACs", "2 x macs": "FLOPs", "flops": "FLOPs"}
"""What those are in that are no parameters."""


def figures() -> Iterator[Fact]:
    """Yield a fact for each figure that a preset's authors print."""
    for preset in presets.all():
        seen: dict[str, int] = {}
        for figure in () if preset.same_as else preset.published:
            seen[figure.quantity] = seen.get(figure.quantity, 0) + 1
            turn = seen[figure.quantity]
            yield _fact(preset.name, figure, f"-{turn}" if turn > 1 else "")


def _fact(name: str, figure: Published, turn: str) -> Fact:
    word = figure.quantity.replace(" ", "-")
    about = f" ({figure.counts})" if figure.counts else ""
    return Fact(
        id=f"{name}:{word}{turn}",
        subject=SUBJECT,
        claim=f"{name}: {figure.text} {TITLES.get(figure.quantity, figure.quantity)}{about}",
        computes=_computes(name, figure.quantity),
        value=figure.value,
        unit=_UNITS.get(figure.quantity, "params"),
        tolerance=of_digits(figure.text)[1],
        source=figure.source,
        basis="published",
        printed=figure.text,
        reason=figure.reason,
    )


def _computes(name: str, quantity: str) -> Measured | Combined | Formula:
    if quantity == "2 x macs":
        return Combined(by="product", terms=(2, Measured(model=name, measure="macs")))
    return Measured(model=name, measure=_MEASURES[quantity], built=quantity == "flops")
