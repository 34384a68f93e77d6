"""The scoreboard as Markdown, JSON and a page with one chart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from statistics import median

from verdicts import FIELD_VERDICTS, VERDICTS, Verdict

OURS = "archscope"
COLOURS: Mapping[str, str] = {
    "exact": "#1a7f5a",
    "adds more": "#8bc6a5",
    "bound": "#8bc6a5",
    "says unknown": "#c9c9c9",
    "unknown": "#c9c9c9",
    "silent zero": "#e8a33d",
    "wrong": "#c43c39",
    "crashed": "#6b6b6b",
}


@dataclass(frozen=True)
class Scores:
    """What all tools answered."""

    counts: tuple[Verdict, ...]
    """Verdicts on multiply-accumulates."""
    fields: tuple[Verdict, ...]
    """Verdicts on receptive fields."""
    versions: Mapping[str, str]
    """The version of each tool."""


def tools(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the tools, those with the most exact answers first."""
    exact = Counter(each.tool for each in verdicts if each.kind == "exact")
    return sorted({each.tool for each in verdicts}, key=lambda tool: (-exact[tool], tool))


def better(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the exact answers of others to what archscope does not answer exactly."""
    missed = {each.case for each in verdicts if each.tool == OURS and each.kind != "exact"}
    return [each for each in verdicts if each.case in missed and each.kind == "exact"]


def ratio(verdicts: Sequence[Verdict], tool: str, measure: str) -> float | None:
    """Return the median of a tool's seconds or bytes over archscope's, case by case."""
    ours = {v.case: getattr(v, measure) for v in verdicts if v.tool == OURS and v.kind != "crashed"}
    found = [
        getattr(v, measure) / ours[v.case]
        for v in verdicts
        if v.tool == tool and v.kind != "crashed" and ours.get(v.case)
    ]
    return median(found) if found else None


_ABOUT = """\
Made by `make scoreboard`: every tool as its users call it, on the same cases, each in a process of
its own. The small networks are cases that some counter is reported to get wrong. Time (of
processors) and memory are medians over cases of a tool's own over archscope's; left changed:
weights, modes, hooks, attributes or random numbers differ after it was asked."""


def as_markdown(scores: Scores) -> str:
    """Return all tables, what others do better first."""
    return "\n".join(_markdown(scores)) + "\n"


def _markdown(scores: Scores) -> Iterator[str]:
    yield "# Scoreboard"
    yield ""
    yield _ABOUT
    yield ""
    yield "## Where another tool is better"
    yield ""
    found = [*better(scores.counts), *better(scores.fields)]
    yield from (f"- {v.case}: {v.tool} is exact" for v in found)
    if not found:
        yield "In no case of this run."
    for title, verdicts, kinds in _boards(scores):
        yield ""
        yield f"## {title}"
        yield ""
        yield from _table(scores, verdicts, kinds)
        yield ""
        yield from (f"- **{kind}**: {meaning}" for kind, meaning in kinds.items())
    yield ""
    yield "## Every answer that is not exact"
    yield ""
    yield "| case | tool | verdict | said | right |"
    yield "|---|---|---|---:|---:|"
    for each in (*scores.counts, *scores.fields):
        if each.kind != "exact":
            said = each.said.replace("|", "\\|").replace("\n", " ")
            yield f"| {each.case} | {each.tool} | {each.kind} | {said} | {each.right} |"


def _boards(scores: Scores) -> Iterator[tuple[str, list[Verdict], Mapping[str, str]]]:
    small = [each for each in scores.counts if not each.published]
    large = [each for each in scores.counts if each.published]
    cases = len({each.case for each in small})
    yield f"Multiply-accumulates of {cases} small networks", small, VERDICTS
    yield (
        f"Multiply-accumulates of {len({v.case for v in large})} published networks",
        large,
        VERDICTS,
    )
    seen = list(scores.fields)
    yield f"Receptive fields of {len({v.case for v in seen})} networks", seen, FIELD_VERDICTS


def _table(scores: Scores, verdicts: Sequence[Verdict], kinds: Mapping[str, str]) -> Iterator[str]:
    counts = kinds is VERDICTS
    extra = ("parameters wrong", "left changed", "time", "memory") if counts else ("time",)
    yield "| tool | version | " + " | ".join((*kinds, *extra)) + " |"
    yield "|---|---|" + "---:|" * (len(kinds) + len(extra))
    for tool in tools(verdicts):
        own = [each for each in verdicts if each.tool == tool]
        number = Counter(each.kind for each in own)
        cells = [str(number[kind]) for kind in kinds]
        if counts:
            cells += [str(sum(v.wrong_params for v in own)), str(sum(bool(v.harm) for v in own))]
        for measure in ("seconds", "bytes")[: 2 if counts else 1]:
            found = ratio(verdicts, tool, measure)
            cells.append("-" if found is None else f"{found:.2f} x")
        yield f"| {tool} | {scores.versions.get(tool, '')} | " + " | ".join(cells) + " |"


def as_json(scores: Scores) -> str:
    """Return every verdict."""
    return json.dumps(asdict(scores), separators=(",", ":")) + "\n"


def as_html(scores: Scores) -> str:
    """Return a page with one chart: a bar for each tool, its parts the verdicts."""
    boards = list(_boards(scores))
    merged = list(scores.counts)
    bars = "\n".join(_bar(merged, tool) for tool in tools(merged))
    tables = "\n".join(
        f"<h2>{escape(title)}</h2>{_html_table(list(_table(scores, verdicts, kinds)))}"
        for title, verdicts, kinds in boards
    )
    found = [*better(scores.counts), *better(scores.fields)]
    said = "".join(f"<li>{escape(v.case)}: {escape(v.tool)} is exact</li>" for v in found)
    legend = "".join(
        f'<span><i style="background:{COLOURS[kind]}"></i>{kind}: {escape(meaning)}</span>'
        for kind, meaning in VERDICTS.items()
    )
    cases = len({each.case for each in merged})
    return _PAGE.format(
        title=f"How many of {cases} networks does a counter count exactly?",
        bars=bars,
        legend=legend,
        better=f"<ul>{said}</ul>" if said else "<p>In no case of this run.</p>",
        tables=tables,
    )


def _bar(verdicts: Sequence[Verdict], tool: str) -> str:
    own = [each for each in verdicts if each.tool == tool]
    number = Counter(each.kind for each in own)
    parts = "".join(
        f'<b style="background:{COLOURS[kind]};width:{100 * number[kind] / len(own):.3f}%" '
        f'title="{kind}: {number[kind]}"></b>'
        for kind in VERDICTS
        if number[kind]
    )
    label = f"{number['exact']} of {len(own)}"
    return (
        f'<div class="{"row ours" if tool == OURS else "row"}">'
        f'<span class="tool">{escape(tool)}</span>'
        f'<span class="bar" role="img" aria-label="{escape(tool)}: {label} exact">{parts}</span>'
        f'<span class="number">{label}</span></div>'
    )


def _html_table(lines: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[2:]
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Scoreboard</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
.row {{ display: grid; grid-template-columns: 9rem 1fr 5.5rem; gap: .75rem; align-items: center;
  margin: .3rem 0; }}
.tool {{ text-align: right; }} .ours .tool {{ font-weight: 700; }}
.bar {{ display: flex; height: 1.25rem; border-radius: 3px; overflow: hidden; }}
.bar b {{ display: block; }}
.number {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
.legend span {{ display: block; }}
.legend i {{ display: inline-block; width: .8rem; height: .8rem; margin-right: .5rem;
  border-radius: 2px; vertical-align: -1px; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8884;
  white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
@media (max-width: 40rem) {{ .row {{ grid-template-columns: 6.5rem 1fr 4.6rem; gap: .4rem;
  font-size: .8rem; }} }}
</style></head><body>
<h1>{title}</h1>
<div role="group" aria-label="Exact counts of each tool">{bars}</div>
<div class="legend">{legend}</div>
<h2>Where another tool is better</h2>{better}
{tables}
</body></html>
"""
