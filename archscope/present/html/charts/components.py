"""Where parameters and FLOPs are, by part of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.present.html.charts import Chart, Drawing, _shares, section
from archscope.present.html.charts._style import Look, looks
from archscope.results import Report


def _time(report: Report) -> dict[str, float]:
    """Return the seconds of one forward pass by part, where every module was timed."""
    modules, layers = section(report, "params.modules"), section(report, "time.layers")
    if modules is None or layers is None:
        return {}
    part = {row.path: row.component for row in modules.rows}
    found: dict[str, float] = {}
    for row in layers.rows:
        name = part.get(row.path, "other")
        found[name] = found.get(name, 0.0) + row.own_time_s
    return found


_COMPONENTS = _shares.Shares(
    name="components",
    title="Where parameters and FLOPs go",
    address="params.components",
    part="component",
    measures=(("Params", ("trainable", "frozen")), ("FLOPs", ("flops",))),
    more=_time,
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
