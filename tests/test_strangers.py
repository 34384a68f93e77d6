"""What another package brings is there everywhere with no edit; a broken one ends nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.warm import Warm

FILES = {
    "stranger/__init__.py": "",
    "stranger/widths.py": '''"""How wide layers are."""

from dataclasses import dataclass

from archscope.analyses import Analysis
from archscope.assertions import Found, Quantity
from archscope.columns import column
from archscope.results import Headline, Note, Section
from archscope.specs import check, option


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthRow:
    path: str = column("Module", kind="path")
    width: int = column("Width", kind="count")


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthTotals:
    widest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthSettings:
    at_least: int = option(1, "outputs below which a layer is left out", low=1)

    def __post_init__(self):
        check(self)


WIDTHS = Section(
    analysis="widths",
    name="widths",
    row_type=WidthRow,
    totals_type=WidthTotals,
    caption="Layers by their width",
)


def run(subject, *, at_least=1):
    rows = [
        WidthRow(path=path, width=module.weight.shape[0])
        for path, module in subject.model.named_modules()
        if hasattr(module, "weight") and module.weight.shape[0] >= at_least
    ]
    widest = max((row.width for row in rows), default=0)
    return (
        WIDTHS.filled(
            rows,
            totals=WidthTotals(widest=widest),
            notes=(Note(level="info", text="widths are outputs"),),
            headline=(Headline(name="Widest layer", value=widest, kind="count"),),
        ),
    )


def widest(report, dimension):
    return Found(values=(report.totals_of("widths.widths").widest,))


ANALYSIS = Analysis(
    name="widths",
    summary="how wide each layer is",
    run=run,
    quantities=(Quantity(name="widest", dimensions=("count",), read=widest),),
    settings=WidthSettings,
    sections=(WIDTHS,),
)
''',
    "stranger/squares.py": '''"""Names a network of one square layer: square:7."""

from archscope.loaders import Loader
from archscope.subject import Inputs, Network, Subject


def made(text):
    import torch

    size = int(text.partition(":")[2])
    return Subject(
        name=text,
        model=torch.nn.Linear(size, size),
        inputs=Inputs(args=(torch.zeros(1, size),)),
        origin=text,
    )


def load(text, request):
    def subject():
        return made(text)

    return Network(name=text, origin=text, subject=subject, whole=subject)


LOADER = Loader(
    name="square",
    summary="one square layer, e.g. square:7",
    accepts=lambda text: text.startswith("square:"),
    spec=lambda text: None,
    load=load,
)
''',
    "stranger/shouting.py": '''"""Writes titles in capitals."""

from archscope.present import Format

FORMAT = Format(
    name="shouting",
    summary="the title, loud",
    suffixes=(".loud",),
    render=lambda report, view: report.title.upper() + "\\n",
)
''',
    "stranger/drawn.py": '''"""Draws widths."""

from archscope.present.html.charts import Chart, Drawing, section


def draw(reports):
    for report in reports:
        found = section(report, "widths.widths")
        if found:
            trace = {"type": "bar", "x": [row.width for row in found.rows]}
            yield Drawing(
                name="widths",
                title="Widths drawn",
                caption="How wide.",
                figure={"data": [trace], "layout": {"height": 200, "margin": {}}},
            )


CHART = Chart(name="widths", summary="widths", chapter="widths", order=1, draw=draw)
''',
    "stranger/rules.py": '''"""What the operator of this package looks at: its place."""

from archscope.dependence.rules import RuleSet, pointwise

RULES = RuleSet()


@RULES.of("stranger::stranger_twice")
def twice(node, zeros):
    """Each element from the one at its place."""
    return pointwise(node, zeros)
''',
    "stranger/products.py": '''"""What the operator of this package costs."""

from archscope.counting.custom import FormulaSet

FORMULAS = FormulaSet()


@FORMULAS.of("stranger::stranger_twice")
def twice(x, *, result):
    """Three for each element."""
    return 3 * result.numel()
''',
    "net.py": '''"""A convolution and an operator that torch does not know."""

import torch
from torch import nn


@torch.library.custom_op("stranger::stranger_twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


@twice.register_fake
def _(x):
    return torch.empty_like(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, x):
        return torch.ops.stranger.stranger_twice(self.conv(x))
''',
    "stranger/hello.py": '''"""Says hello."""

import click

from archscope.cli._command import Command


@click.command()
def command():
    """Say hello."""
    click.echo("hello from a stranger")


COMMAND = Command(name="hello", summary="Says hello.", click=command)
''',
    "stranger/broken.py": "raise RuntimeError('no such luck\\nand more')\n",
    "stranger/wrong.py": "FAMILY = 7\n",
    "stranger-1.0.dist-info/entry_points.txt": """[archscope.analyses]
widths = stranger.widths:ANALYSIS
[archscope.loaders]
square = stranger.squares:LOADER
[archscope.present]
shouting = stranger.shouting:FORMAT
[archscope.present.html.charts]
widths = stranger.drawn:CHART
[archscope.dependence.rules]
twice = stranger.rules:RULES
[archscope.counting.custom]
twice = stranger.products:FORMULAS
[archscope.cli]
hello = stranger.hello:COMMAND
""",
    "stranger-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n",
}

BROKEN = {
    **FILES,
    "stranger-1.0.dist-info/entry_points.txt": """[archscope.families]
broken = stranger.broken:FAMILY
wrong = stranger.wrong:FAMILY
[archscope.analyses]
gone = stranger.nowhere:ANALYSIS
""",
}
SMALL = ("cnn", "--depth", "2", "--channels", "4", "--input-size", "8")


def laid(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package that brings one of each kind."""
    return laid(tmp_path_factory.mktemp("stranger"), FILES)


Run = Callable[..., CompletedProcess[str]]
Said = Callable[..., str]


@pytest.fixture(scope="module")
def run(warm: Warm) -> Run:
    """Return what runs a command, or code, where the packages of a folder are installed."""

    def ran(folder: Path, *arguments: str, code: str = "") -> CompletedProcess[str]:
        what = ("-c", code) if code else ("-m", "archscope", *arguments)
        return warm.run(*what, folder=folder, paths=(str(folder),))

    return ran


@pytest.fixture(scope="module")
def said(run: Run) -> Said:
    """Return what runs the same and gives what it says, which has to be no warning."""

    def ran(folder: Path, *arguments: str, code: str = "") -> str:
        done = run(folder, *arguments, code=code)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        return done.stdout

    return ran


def test_they_are_listed(installed: Path, said: Said) -> None:
    listed = said(installed, "list")

    for summary in ("how wide each layer is", "one square layer", "the title, loud"):
        assert summary in listed
    help_text = said(installed, "--help")
    assert "How wide each layer is." in help_text
    assert "Says hello." in help_text


def test_an_analysis_is_a_command_with_its_settings_as_flags(
    installed: Path, said: Said, run: Run
) -> None:
    # a convolution has 4 outputs
    asked = ("widths", *SMALL, "--at-least", "3", "-f", "csv")
    found = said(installed, *asked, "--assert", "widest == 4")

    assert found.splitlines() == ["path,width", "blocks.0.conv,4", "blocks.1.conv,4"]
    assert said(installed, "widths", *SMALL, "--at-least", "5", "-f", "csv") == "path,width\n"
    helped = said(installed, "widths", "--help")
    assert len(helped.splitlines()) <= 60
    assert "--at-least INT" in helped
    assert "--assert CLAIM" in helped
    refused = run(installed, "widths", *SMALL, "--at-least", "0")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: Invalid value for '--at-least': 0 is not in the range")


def test_an_analysis_is_asked_in_python_and_read_back(installed: Path, said: Said) -> None:
    code = """
import archscope, torch
from archscope.saved import read_text

report = archscope.analyse("widths", "cnn", depth=2, channels=(4,), input_size=8)
own = archscope.analyse("widths", torch.nn.Linear(2, 5), settings={"at_least": 2})
assert own.totals.widest == 5, own
again = read_text(report.to("json"))
assert again == report and again.totals.widest == 4
print(report.find("widths.widths").rows[0])
"""
    assert "width=4" in said(installed, code=code)


def test_it_stands_in_the_page_of_everything_and_in_its_own(installed: Path, said: Said) -> None:
    said(installed, "report", *SMALL, "-o", "all.html")
    said(installed, "widths", *SMALL, "-f", "html", "-o", "own.html")

    for name in ("all.html", "own.html"):
        page = (installed / name).read_text(encoding="utf-8")
        assert '<section id="widths">' in page
        assert "Layers by their width" in page
        assert "Widest layer" in page
        assert "Widths drawn" in page


def test_a_loader_names_networks_and_a_format_writes(installed: Path, said: Said) -> None:
    found = json.loads(said(installed, "params", "square:7", "-f", "json"))

    assert found["totals"]["trainable"] == 7 * 7 + 7
    assert said(installed, "params", *SMALL, "-f", "shouting").startswith("CNN · 2-D")
    said(installed, "params", *SMALL, "-o", "x.loud")
    assert (installed / "x.loud").read_text().startswith("CNN · 2-D")


def test_a_command_of_its_own_runs(installed: Path, said: Said) -> None:
    assert said(installed, "hello") == "hello from a stranger\n"


def test_a_rule_makes_an_operator_known(installed: Path, said: Said) -> None:
    asked = ("rf", "./net.py:Net", "--input-shape", "1,1,16", "-f", "json")

    found = json.loads(said(installed, *asked))
    assert found["totals"]["complete"]
    assert found["totals"]["receptive_field"] == [3]


def test_a_formula_counts_an_operator(installed: Path, said: Said) -> None:
    asked = ("params", "./net.py:Net", "--input-shape", "1,1,16", "-f", "json")

    found = json.loads(said(installed, *asked))
    assert found["totals"]["complete"]
    # 16 positions of 3 taps, and 3 more for each
    assert found["totals"]["macs"] == 16 * 3 + 16 * 3


def test_what_is_broken_is_left_out_with_one_warning(tmp_path: Path, run: Run) -> None:
    folder = laid(tmp_path, BROKEN)

    listed = run(folder, "list")
    assert listed.returncode == 0
    warnings = listed.stderr.splitlines()
    assert sorted(warnings) == [
        "Warning: analysis 'gone' of stranger (stranger.nowhere:ANALYSIS) cannot be imported: "
        "No module named 'stranger.nowhere'; it is left out",
        "Warning: family 'broken' of stranger (stranger.broken:FAMILY) cannot be imported: "
        "no such luck; it is left out",
        "Warning: family 'wrong' of stranger (stranger.wrong:FAMILY): FAMILY is of type int, not "
        "Family; it is left out",
    ]
    counted = run(folder, "params", *SMALL, "--total")
    assert counted.returncode == 0
    assert "Traceback" not in counted.stderr
    measured = run(folder, "list", "measures")
    assert (measured.returncode, measured.stdout.split()[0]) == (0, "params")
    asked = run(folder, "params", "broken")
    assert asked.returncode == 1
    assert asked.stderr.startswith("Error: family 'broken' of stranger")
    assert len(asked.stderr.splitlines()) == 1
