"""One HTML page that holds everything: it opens offline, in any browser, and can be sent on."""

from __future__ import annotations

from archscope.present import Format
from archscope.results import Report, View


def render(report: Report, view: View) -> str:
    """Return a report as a page; it always shows all of it, whatever `view` says."""
    from archscope.present.html.document import render as render_page

    return render_page((report,))


FORMAT = Format(
    name="html",
    summary="one page with tables and charts, which works offline",
    suffixes=(".html", ".htm"),
    render=render,
)
