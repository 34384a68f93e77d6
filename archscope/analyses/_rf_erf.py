"""The section of the effective receptive field, each measure labelled with its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.analyses._rf_graph_rows import ErfRow
from archscope.results import Note, Section

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.receptive import Receptive
    from archscope.subject import Inputs

MASS = "share of summed |gradient| (Luo et al. 2016)"
REPLKNET = "log10(1 + gradient) / max (Ding et al. 2022, erf/analyze_erf.py)"


def erf_section(
    model: nn.Module, inputs: Inputs, found: Receptive, images: int, given: Any = None
) -> Section:
    """Measure the effective receptive field of the chosen output, on the given input's size."""
    from archscope.dependence import erf

    measured = erf.gradients(
        model, inputs, found.given, found.target.value, images=images, given=given
    )
    sizes = measured.magnitude.shape
    kind = "random, seed 0" if given is None else "given"

    def row(measure: str, source: str, threshold: float | None, side: float | None) -> ErfRow:
        whole = None if side is None or threshold is None else erf.area(int(side), sizes)
        return ErfRow(
            measure=measure,
            threshold=threshold,
            side=side,
            area=whole,
            source=source,
            images=measured.images,
            kind=kind,
            unknown="side, area" if side is None else "",
        )

    rows = [row("spread", MASS, None, erf.spread(measured.magnitude))]
    rows += [row("raw mass", MASS, t, side) for t, side in erf.mass_sides(measured.magnitude)]
    rows += [
        row("RepLKNet area", REPLKNET, t, side) for t, side in erf.replknet_sides(measured.positive)
    ]
    weights = "random weights" if any(p.is_meta for p in model.parameters()) else "its weights"
    note = Note(
        level="info",
        text=f"the effective receptive field is of the middle unit of {found.target.name}, with "
        f"{weights} in float64; RepLKNet's logarithm makes its areas no shares of the mass",
    )
    return Section(name="erf", row_type=ErfRow, rows=tuple(rows), notes=(note,))
