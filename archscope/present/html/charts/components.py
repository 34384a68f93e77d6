"""Where parameters and FLOPs are, by part of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.present.html.charts import Chart, Drawing, _shares
from archscope.present.html.charts._style import Look, looks
from archscope.results import Report

_COMPONENTS = _shares.Shares(
    name="components",
    title="Where parameters and FLOPs are",
    address="params.components",
    part="component",
    measures=(("Params", ("trainable", "frozen")), ("FLOPs", ("flops",))),
)


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw one bar for the parameters and one for the FLOPs of each report."""
    yield from _shares.draw(reports, _COMPONENTS, looks)


def component_looks(reports: Sequence[Report]) -> dict[str, Look]:
    """Return how each part of these networks looks, in all charts of a page."""
    return looks(_shares.names_of(reports, _COMPONENTS))


CHART = Chart(
    name="components",
    summary="parameters and FLOPs by part of the network",
    chapter="cost",
    order=10,
    lead=1,
    draw=draw,
)
