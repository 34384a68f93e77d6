"""Names from outside, in every place that one can reach: no script runs, no link is live.

A network's modules, its title and whatever stands in a saved file are written by others. The page
must be safe by its escaping alone; its policy is a second lock, which is tested too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from chromium import Chromium
from measured import audit, measured

from archscope.present.html.document import Settings
from archscope.results import Note, Report, Section
from archscope.saved import read_text

Show = Callable[..., Chromium]

PAYLOADS = (
    "<script>window.__xss=1</script>",
    '"><img src=x onerror="window.__xss=1">',
    "</script><script>window.__xss=1</script>",
    "</title></style></textarea><svg onload=window.__xss=1>",
    "javascript:window.__xss=1",
    "<a href=\"javascript:window.__xss=1\">link</a><a href='https://example.com'>out</a>",
    "';window.__xss=1;//",
    "{{ 7*7 }}{% raw %}${7*7}",
    "<b>bold</b><br>&lt;i&gt;",
    "red\x1b[31m\x1b]0;gone\x07",
    "right\u202eleft\u2066\u200f",
    "two\nlines\r\u2028\x85",
    "%{customdata}%{x}<extra>",
    "constructor",
)
LIVE = """(() => ({
    ran: typeof window.__xss,
    links: [...document.querySelectorAll("a, area, [*|href]")]
        .map((link) => link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? "")
        .filter((address) => !address.startsWith("#") && !address.startsWith("data:")),
    strangers: [...document.querySelectorAll("script, iframe, object, embed, form, base, img")]
        .filter((node) => !(node.tagName === "SCRIPT" && (node.id || !node.src)))
        .map((node) => node.outerHTML.slice(0, 80)),
    handlers: [...document.querySelectorAll("*")].filter((node) =>
        [...node.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
}))()"""


def spoiled(report: Report) -> Report:
    """Return a report with payloads in every text that it holds, as a saved file may have them."""
    document = json.loads(report.to("json"))
    payloads = iter(PAYLOADS * 1_000)

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoil(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [spoil(each, key) for each in value]
        kept = key in ("level", "kind", "unknown", "name_of_section")
        return value if kept or not isinstance(value, str) else f"{value}{next(payloads)}"

    for name in ("schema", "tool", "command"):
        document[f"_{name}"] = document.pop(name)
    spoiled_document = {
        **spoil({name: value for name, value in document.items() if not name.startswith("_")}),
        **{name[1:]: value for name, value in document.items() if name.startswith("_")},
    }
    spoiled_document["config"] = {payload: payload for payload in PAYLOADS}
    return read_text(json.dumps(spoiled_document))


def apart(report: Report) -> Report:
    """Return a report whose modules share no name, so that every payload gets a row of its own."""
    modules = report.section("modules")
    rows = tuple(
        dataclasses.replace(row, path=f"{number}{payload}".replace(".", "_"), type=payload)
        for number, (row, payload) in enumerate(zip(modules.rows * 9, PAYLOADS * 9, strict=False))
    )
    changed = dataclasses.replace(
        modules,
        rows=rows,
        notes=tuple(Note(level="warning", text=p, details=PAYLOADS[:2]) for p in PAYLOADS),
    )
    stranger = Section(analysis="other", name=PAYLOADS[0], row_type=modules.row_type, rows=rows[:2])
    others = tuple(s for s in report.sections if s is not modules)
    return dataclasses.replace(report, sections=(changed, *others, stranger))


def unguarded(text: str) -> str:
    """Return a page without its policy."""
    start = text.index('<meta http-equiv="Content-Security-Policy"')
    return text[:start] + text[text.index(">", start) + 1 :]


@pytest.mark.parametrize("change", [str, unguarded], ids=["guarded", "unguarded"])
def test_no_name_becomes_code_or_a_link(
    show: Show, gpt2: Report, holes: Report, change: Callable[[str], str]
) -> None:
    reports = (
        apart(spoiled(gpt2)),
        spoiled(holes),
        apart(holes),
        *map(spoiled, (audit(), measured())),
    )
    page = show(*reports, settings=Settings(title="".join(PAYLOADS)), change=change)
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    page.wait(lambda: bool(page.evaluate("!!document.querySelector('.list input')")))
    page.evaluate("""document.querySelectorAll(".js-plotly-plot").forEach((plot) => {
        try { Plotly.Fx.hover(plot, [{ curveNumber: 0, pointNumber: 0 }]); } catch { }
    })""")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
    found = page.evaluate(LIVE)

    assert found == {"ran": "undefined", "links": [], "strangers": [], "handlers": 0}
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert PAYLOADS[0] in page.evaluate("document.querySelector('h1').textContent")
    assert PAYLOADS[4] in page.evaluate("document.querySelector('.list').textContent")


def test_the_policy_is_a_second_lock_and_the_probe_would_notice(show: Show, holes: Report) -> None:
    def planted(text: str) -> str:
        return text.replace("<main", f"{PAYLOADS[0]}{PAYLOADS[1]}<main", 1)

    page = show(holes, change=planted)
    assert page.evaluate(LIVE)["ran"] == "undefined"
    assert any("Content Security Policy" in error for error in page.errors)

    page = show(holes, change=lambda text: unguarded(planted(text)))
    page.wait(lambda: bool(page.evaluate(LIVE)["ran"] == "number"))
    assert page.evaluate(LIVE)["strangers"]
