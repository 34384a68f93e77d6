"""Payloads in every text that others can write, in every form of output; pages in a browser.

Names of modules, classes, files, budgets and facts, titles, and all texts of saved JSON carry
markup, scripts, addresses, controls and more. Pages are opened in Chromium, with their policy and
without it: a canary must never run, and nothing be asked of any network. In all other forms no
control may be left, and each must still be what its name says.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import judged
from found import Tally

from archscope import cli
from archscope.errors import ArchscopeError
from archscope.results import Report
from archscope.saved import read

HIT = "window.__hit=1"
PAYLOADS = (
    f"<script>{HIT}</script>",
    f'"><img src=x onerror="{HIT}">',
    f"</script><script>{HIT}</script>",
    f"</title></style></textarea></svg><svg onload={HIT}>",
    f"<svg><animate onbegin={HIT} attributeName=x></svg>",
    f"javascript:{HIT}",
    f"<a href=\"javascript:{HIT}\">x</a><a href='https://canary.invalid/a'>out</a>",
    f"<iframe srcdoc='<script>parent.{HIT[7:]}</script>'></iframe>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={HIT}>",
    "<link rel=stylesheet href=https://canary.invalid/b.css>",
    "<style>@import 'https://canary.invalid/c';*{background:url(https://canary.invalid/d)}</style>",
    "x;background:url(https://canary.invalid/e)",
    '" style="background:url(https://canary.invalid/f)" onmouseover="' + HIT,
    "<meta http-equiv=refresh content='0;url=https://canary.invalid/g'>",
    "<base href=https://canary.invalid/>",
    f"';{HIT};//",
    f"${{{HIT}}}{{{{{HIT}}}}}{{% {HIT} %}}<%= {HIT} %>",
    f"]]><script>{HIT}</script><!--",
    f"--><script>{HIT}</script>",
    f"\\u003cscript\\u003e{HIT}\\u003c/script\\u003e",
    f"&lt;script&gt;{HIT}&lt;/script&gt;&#60;img src=x onerror={HIT}&#62;",
    "red\x1b[31m\x1b]0;gone\x07\x1b[2J\x1b]8;;https://canary.invalid\x1b\\link\x1b]8;;\x1b\\",
    "right\u202eleft\u2066\u200f\u061c\u200b",
    "two\nlines\r\u2028\u2029\x85\x0b\x0c",
    "nul\x00 del\x7f c1\x9b31m",
    "%{customdata}%{x}<extra></extra><b>bold</b><br>",
    '=HYPERLINK("https://canary.invalid","x")', "+1+cmd|' /C calc'!A0", "@SUM(1)", "-2+3",
    "|a|b|\n|--|--|\n[x](javascript:alert(1)) ![x](https://canary.invalid/h) `c` **b** <https://canary.invalid>",
    "::error file=x::owned\n::set-output name=a::b", "x" * 5000, "é" * 300, "\ud800lone",
    "__proto__",
    "constructor", "toString", "[object Object]", "NaN",
    f"{{{{constructor.constructor('{HIT}')()}}}}",
)  # fmt: skip
LIVE = """(() => ({
    hit: typeof window.__hit,
    links: [...document.querySelectorAll("a, area, [*|href]")]
        .map((link) => link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? "")
        .filter((address) => !/^(#|data:|blob:)/.test(address) && address !== ""),
    strangers: [...document.querySelectorAll("script, iframe, object, embed, form, base, img, " +
            "meta[http-equiv=refresh], link[rel=stylesheet]")]
        .filter((node) => !(node.tagName === "SCRIPT" && (node.id || !node.src)))
        .map((node) => node.outerHTML.slice(0, 80)),
    handlers: [...document.querySelectorAll("*")].filter((node) =>
        [...node.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
}))()"""
STIR = """(() => {
    document.querySelectorAll("details").forEach((each) => each.open = true);
    document.querySelectorAll("*").forEach((each) => {
        each.dispatchEvent(new MouseEvent("mouseover", { bubbles: false }));
        each.dispatchEvent(new Event("focus"));
    });
    document.querySelectorAll(".js-plotly-plot").forEach((plot) => {
        try { Plotly.Fx.hover(plot, [{ curveNumber: 0, pointNumber: 0 }]); } catch { }
    });
    document.querySelectorAll("button, summary, input, select, th").forEach((each) => {
        try { if (!each.hasAttribute("download")) each.click(); } catch { }
    });
    return new Promise((resolve) => setTimeout(resolve, 50));
})()"""
"""Opens, hovers over and presses whatever there is."""
NET = """\
import torch
from torch import nn

NAMES = {names!r}


def named(text, base, *args):
    made = type(base.__name__, (base,), {{}})
    made.__name__ = made.__qualname__ = text
    made.__module__ = text
    return made(*args)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        for name in NAMES:
            self.add_module(name, named(name, nn.Conv2d, 3, 3, 3, 1, 1))
            self.register_buffer("held" + name.replace(".", ""), torch.zeros(2))
        self.norm = named(NAMES[0], nn.BatchNorm2d, 3)

    def forward(self, x):
        for name in NAMES:
            x = self._modules[name](x)
        return self.norm(x)


EXAMPLE_INPUTS = (torch.zeros(2, 3, 8, 8),)
"""
SHAPE = ("--input-shape", "2,3,8,8")
ASKED = ("params", "rf", "memory", "train", "finetune", "audit", "scaling", "report", "compare",
         "check",          "facts", "sweep", "plan")  # fmt: skip
FORMS = ("table", "json", "jsonl", "csv", "md", "html", "junit")


def payloads(count: int, seed: int, folder: Path, *, opens: bool = True) -> Tally:
    """Try so many carriers of a few payloads, in all forms; pages are opened where they can be."""
    tally, chance = Tally("payloads"), random.Random(seed)
    with _browser() if opens else contextlib.nullcontext() as opened:
        for number in range(count):
            few = tuple(chance.sample(PAYLOADS, 3))
            carriers = (_of_network, _of_saved)
            made = carriers[number % 2](few, chance, folder)
            for what, form, text in made:
                problems = list(_problems(form, text))
                if form == "html" and opened is not None:
                    for change in (str, unguarded):
                        problems += _shown(opened, change(text), folder)
                end = form if text else "nothing made"
                tally.add(f"{what} {few!r:.300}", dict.fromkeys(problems), end)
    return tally


Made = Iterator[tuple[str, str, str]]


def _of_network(few: Sequence[str], chance: random.Random, folder: Path) -> Made:
    """Yield what commands make of a network, a file, budgets and facts with such names."""
    names = [re.sub(r"[\0\ud800]", "", each.replace(".", "_")) or "x" for each in few]
    file = re.sub(r"[/\x00\ud800]", "_", few[0])[:60] + ".py"
    (folder / file).write_text(NET.format(names=names))
    try:
        command = chance.choice(ASKED)
        form = chance.choice(FORMS) if command != "report" else "html"
        words = _words(command, file, few, folder)
        words += ["-f", form] if command != "report" else ["-o", "-"]
        yield f"{command} -f {form}", form, _ran(words, folder)
    finally:
        (folder / file).unlink()


def _words(command: str, file: str, few: Sequence[str], folder: Path) -> list[str]:
    net = f"./{file}:Net"
    safe = [each.encode(errors="replace").decode() for each in few]
    if command == "check":
        text = (
            f'[[budget]]\nmodel = "lenet"\nname = {json.dumps(safe[0])}\nassert = ["params < 1"]\n'
        )
        (folder / "budgets.toml").write_text(text)
        return ["check", "-c", "budgets.toml"]
    if command == "facts":
        names = [json.dumps(each) for each in safe]
        (folder / "stranger.toml").write_text(
            f"[{names[0]}]\nclaim = {names[1]}\nmodel = 'lenet'\n"
            f"measure = 'params'\nvalue = 61706\n"
            f"source = {names[2]}\nunit = ''\n"
        )
        return ["facts", "./stranger.toml"]
    if command == "report":
        return ["report", net, *SHAPE, "--title", safe[1].replace("\0", "")]
    if command == "compare":
        return ["compare", net, "saved.json", *SHAPE]
    if command == "sweep":
        return ["sweep", net, *SHAPE, "--measure", "params"]
    return [command, net, *SHAPE]


def _of_saved(few: Sequence[str], chance: random.Random, folder: Path) -> Made:
    """Yield what is made of a saved file in which others wrote such texts."""
    source = chance.choice(("saved.json", "saved-rf.json"))
    document = _spoilt(json.loads((folder / source).read_text()), few, chance)
    target = folder / "spoilt.json"
    target.write_bytes(json.dumps(document).encode())
    words = ["report", "spoilt.json", "-o", "-"]
    if chance.random() < 0.3:
        words = ["report", "spoilt.json", source, "-o", "-"]
    yield "report of saved JSON", "html", _ran(words, folder)
    form = chance.choice(FORMS)
    yield f"compare -f {form}", form, _ran(["compare", "spoilt.json", source, "-f", form], folder)
    with contextlib.suppress(ArchscopeError):
        report = read(target)
        for shown in ("table", "md", "csv", "jsonl", "json"):
            yield f"saved JSON as {shown}", shown, _of_report(report, shown)
        yield "a notebook's", "html", _of_report(report, "")


def _of_report(report: Report, form: str) -> str:
    try:
        return report.to(form) if form else f"<!doctype html><body>{report._repr_html_()}</body>"
    except ArchscopeError:
        return ""
    except Exception as error:
        return f"\0{type(error).__name__}: {error}"


KEPT = frozenset(("schema", "tool", "command", "level", "kind", "unknown", "fields", "section"))
"""Keys whose texts are words of a few: with any other the file is refused."""


def _spoilt(value: Any, few: Sequence[str], chance: random.Random, key: str = "") -> Any:
    """Return JSON with a payload in half of its texts."""
    if isinstance(value, dict):
        made = {name: _spoilt(each, few, chance, name) for name, each in value.items()}
        if key == "config":
            made[few[0]] = few[1]
        return made
    if isinstance(value, list):
        return [_spoilt(each, few, chance, key) for each in value]
    if key in KEPT or not isinstance(value, str) or chance.random() < 0.5:
        return value
    return chance.choice((f"{value}{chance.choice(few)}", chance.choice(few)))


def _ran(words: Sequence[str], folder: Path) -> str:
    """Return what a command prints, in the folder."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(list(words))
        except SystemExit as ended:
            text = err.getvalue()
            found = judged.control(text)
            if found:
                return f"\0stderr has {found.group()!r}: {text[:100]!r}"
            if "--debug shows" in text or ended.code not in (0, 1, 2, 3):
                return f"\0{text[-300:]}"
    return out.getvalue()


def _problems(form: str, text: str) -> Iterator[str]:
    """Yield what is wrong of a text for what its form is."""
    if text.startswith("\0"):
        yield text[1:]
        return
    if not text:
        return
    found = judged.control(text)
    if found:
        at = max(found.start() - 40, 0)
        yield f"{found.group()!r} is left: {text[at : at + 80]!r}"
    try:
        if form == "json":
            json.loads(text, parse_constant=_none)
        elif form == "jsonl":
            for line in text.splitlines():
                json.loads(line, parse_constant=_none)
        elif form == "junit":
            ElementTree.fromstring(text)
        elif form == "csv":
            rows = list(csv.reader(io.StringIO(text)))
            if len({len(row) for row in rows}) > 1:
                yield f"rows of {sorted({len(row) for row in rows})} cells"
            if any(cell.startswith(("=", "+", "@")) for row in rows for cell in row):
                yield "a cell that is a formula"
        elif form == "md":
            live = re.search(
                r"(?<!\\)<[a-zA-Z/!]|(?<!\\)\]\((?:javascript|https?):|(?<!\\)!\[", text
            )
            if live and "canary" in text:
                yield f"markup is left: {text[max(live.start() - 30, 0) : live.start() + 60]!r}"
    except (ValueError, ElementTree.ParseError) as error:
        yield f"no {form}: {error}"


def _none(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def unguarded(text: str) -> str:
    """Return a page without its policy."""
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text, count=1)


def _shown(browser: Any, text: str, folder: Path) -> list[str]:
    """Open a page, stir it, and say what ran, asked or is live."""
    file = folder / "shown.html"
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
    browser.size(1280, 900)
    if 'id="trouble"' in text:
        browser.open(file)
    else:
        browser.requests.clear()
        browser.errors.clear()
        browser.send("Page.navigate", url=file.as_uri())
        browser.wait(lambda: browser.evaluate("document.readyState === 'complete'"))
    browser.evaluate(STIR)
    live = browser.evaluate(LIVE)
    problems = []
    if live["hit"] != "undefined":
        problems.append("the canary ran")
    problems += [f"a live link {each!r:.80}" for each in live["links"][:3]]
    problems += [f"a stranger {each!r}" for each in live["strangers"][:3]]
    problems += ["handlers of events"] if live["handlers"] else []
    problems += [f"the page says {each!r:.200}" for each in browser.errors[:3]]
    asked = [
        url for url in browser.requests if not url.startswith(("file:", "data:", "blob:", "about:"))
    ]
    return problems + [f"{url!r:.100} was asked" for url in asked[:3]]


@contextlib.contextmanager
def _browser() -> Iterator[Any]:
    """Yield a browser; None where there is none, and the pages are not opened."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "browser"))
    from chromium import Chromium, find_chromium

    program = find_chromium()
    if program is None:
        print("payloads: no Chromium here, so pages are not opened", flush=True)
        yield None
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        opened = Chromium(program, Path(profile))
        try:
            yield opened
        finally:
            opened.close()
