"""One chart of a report as a plotly figure, for a notebook: it never offers to upload anything."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.present.html.charts import drawings
from archscope.present.html.charts.gridding import multiplied
from archscope.present.html.svg import svg
from archscope.results import Report

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONFIG = {"displaylogo": False, "showSendToCloud": False, "responsive": True}
"""plotly.js 4 offers to upload a chart to its makers' server unless it is told not to."""


def figure(report: Report, name: str) -> Figure:
    """Return the chart called `name`; raises `UsageError` with the names that there are."""
    found = {drawing.name: drawing for _, drawing in drawings((report,))}
    if name not in found:
        known = ", ".join(found) or "none"
        raise UsageError(
            f"this report has no chart called {name!r}; there are {known}."
            + did_you_mean(name, tuple(found))
        )
    drawing = found[name]
    data = [multiplied(dict(trace)) for trace in drawing.figure["data"]]
    layout = {**drawing.figure["layout"], "title": {"text": drawing.title}}
    layout["margin"] = {**layout["margin"], "t": 90}
    made: Figure = _private_figure()(data=data, layout=layout)
    return made


@cache
def _private_figure() -> Any:
    """Return plotly's figure class with `CONFIG` wherever a figure becomes a page."""
    from plotly.graph_objects import Figure as PlotlyFigure

    class Figure(PlotlyFigure):  # type: ignore[misc]
        """A plotly figure that is shown without upload and logo unless a caller asks for them."""

        def show(self, *args: Any, **kwargs: Any) -> Any:
            return super().show(*args, **_private(kwargs))

        def to_html(self, *args: Any, **kwargs: Any) -> Any:
            return super().to_html(*args, **_private(kwargs))

        def write_html(self, *args: Any, **kwargs: Any) -> Any:
            return super().write_html(*args, **_private(kwargs))

        def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
            return super()._repr_mimebundle_(*args, **_private(kwargs))

        def _ipython_display_(self) -> None:
            from IPython.display import display

            bundle = self._repr_mimebundle_()
            if not bundle:
                self.show()
                return
            # An exported notebook shows a still picture: nothing there draws plotly's own data.
            still = svg(self.to_plotly_json(), str(self.layout.title.text or ""))
            more = {"image/svg+xml": still} if still else {}
            display({**bundle, **more}, raw=True)

        def __reduce__(self) -> Any:
            return _rebuilt, super().__reduce__()[1]

    return Figure


def _rebuilt(*held: Any) -> Any:
    """Return a figure that was pickled: its class is made where plotly is first wanted."""
    return _private_figure()(*held)


def _private(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "config": {**CONFIG, **(kwargs.get("config") or {})}}
