"""The page as text: same bytes for the same results, small, safe by its escaping, and complete."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from base64 import b85decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.errors import UsageError
from archscope.present import html
from archscope.present import json as json_format
from archscope.present.html import assets
from archscope.present.html.charts import CHARTS, drawings, growth
from archscope.present.html.charts._style import LOOKS, label
from archscope.present.html.charts.gridding import multiplied
from archscope.present.html.document import Settings, render
from archscope.present.html.findings import findings, looked_at
from archscope.present.html.lead import picture
from archscope.present.html.svg import svg
from archscope.present.html.tables import MOST_LINES, full_list, table
from archscope.present.html.tiles import tiles
from archscope.results import Report, View
from archscope.saved import read_text
from archscope.studies.names import short_names

LARGEST = 2_300_000
"""Bytes that a page may have, with up to 1,000 different layers."""
Make = Callable[[str], Report]


def data(page: str) -> dict[str, Any]:
    """Return what the page's script reads."""
    found = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)
    assert found
    unpacked: dict[str, Any] = json.loads(gzip.decompress(b85decode(found[1].replace(",", "<"))))
    return unpacked


@pytest.fixture(scope="module")
def gridded() -> Report:
    return archscope.report("cnn", dilations=(2, 2, 2), channels=(4,), input_size=32)


@pytest.fixture(scope="module")
def full() -> Report:
    return archscope.report("cnn", dilations=(1, 2, 3), channels=(4,), input_size=32)


def test_the_same_results_give_the_same_bytes(gridded: Report, full: Report) -> None:
    page = render((gridded, full))

    assert render((gridded, full)) == page
    assert render((read_text(gridded.to("json")), read_text(full.to("json")))) == page


def test_a_saved_report_is_the_same_page(each: Report) -> None:
    if each.command == "rf":  # its rows belong to no analysis
        return
    assert html.render(read_text(each.to("json")), View()) == html.render(each, View())


def test_the_json_in_the_page_is_the_report(each: Report) -> None:
    files = data(html.render(each, View()))["files"]

    assert [file["text"] for file in files] == [json_format.render(each, View())]
    assert re.fullmatch(r"archscope-[a-z0-9-]{1,60}\.json", files[0]["name"])


def test_names_from_outside_stand_escaped(sample: Make) -> None:
    page = html.render(sample("evil"), View())
    head, tail = page.split('<script type="text/plain" id="plotly">')

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in head
    assert head.count("<script") == 0
    assert len(re.findall(r"<script\b", tail)) == 2
    assert "\x1b" not in page


def test_the_page_holds_all_and_may_run_only_its_own(gridded: Report) -> None:
    page = render((gridded,))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    allowed = policy[1].replace("&#39;", "'")

    assert not re.search(r"https?:", re.sub(r"<script.*", "", page, flags=re.S))
    assert allowed.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in allowed
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert [assets.hash_of(text) in allowed for text in scripts] == [True]
    assert assets.hash_of(assets.plotly_script()) in allowed
    assert len(page.encode()) < 2_050_000


def test_plotly_can_come_from_elsewhere(gridded: Report) -> None:
    beside = render((gridded,), Settings(assets="directory"))
    served = render((gridded,), Settings(assets="cdn"))

    assert '<script id="plotly-address" src="plotly.min.js"></script>' in beside
    assert len(beside.encode()) < 100_000
    address = re.search(r'src="(https://cdn\.plot\.ly/plotly-[0-9.]+\.min\.js)" integrity', served)
    assert address
    assert f"{address[1]};" in served.replace("&#39;", "'")


def layered(report: Report, blocks: int) -> Report:
    """Return a report of so many blocks, each of eight modules, no two of the same size."""
    modules = report.section("modules")
    row = modules.rows[-1]
    rows = [dataclasses.replace(modules.rows[0], trainable=0)]
    for number in range(blocks):
        for part in range(8):
            size = 1_000 + 8 * number * 7 + part * 13
            path = f"blocks.{number}" + f".part{part}" * (part > 0)
            own = size * (part > 0)
            rows.append(
                dataclasses.replace(
                    row,
                    path=path,
                    type=f"Part{part}",
                    trainable=own or 9_000 + number,
                    own_trainable=own,
                    flops=own * 999,
                    own_flops=own * 999,
                    macs=own * 999,
                    own_macs=own * 999,
                    params_form=f"{size}*{part}",
                    macs_form=f"{size}*{part}*999",
                )
            )
    changed = dataclasses.replace(modules, rows=tuple(rows))
    return dataclasses.replace(report, sections=(changed, *report.sections[1:]))


def test_a_thousand_different_layers_fit(gridded: Report) -> None:
    deep = archscope.receptive_field([1 + number % 9 for number in range(1_000)])
    modules = layered(gridded, 125)  # 1,000 modules of eight to a block
    joined = dataclasses.replace(modules, sections=(*modules.sections[:4], *deep.sections))
    page = render((joined,))

    assert len(page.encode()) < LARGEST
    assert page.count("<tr") < 300


def test_a_table_is_as_deep_as_it_is_short_enough(gridded: Report) -> None:
    report = layered(gridded, 60)
    section = report.section("modules")
    made = table(report, section, "Modules")

    assert len(made.body) <= MOST_LINES
    assert made.shortened
    assert made.body[-1][0].text == "+ 404 more"  # 60 x 7 parts less the 16 that are shown
    assert made.total == table(report, section, "again").total


def test_lists_hold_every_row_in_the_order_of_its_values(gridded: Report) -> None:
    section = gridded.section("modules")
    found = full_list(gridded, section)
    columns = {column["title"]: column for column in found["columns"]}
    params = columns["Params"]

    assert found["rows"] == len(section.rows)
    assert [params["values"][place] for place in params["index"]] == [
        f"{row.trainable:,}" for row in section.rows
    ]
    by_place = sorted(zip(params["index"], section.rows, strict=True), key=lambda pair: pair[0])
    assert [row.trainable for _, row in by_place] == sorted(row.trainable for row in section.rows)
    assert columns["Module"]["index"] is None  # names, all different, stand row by row
    assert columns["Module"]["values"] == [row.path or "(model)" for row in section.rows]


def test_unknown_values_come_last_in_a_list(sample: Make) -> None:
    report = sample("partial")
    (flops,) = [
        column
        for column in full_list(report, report.sections[0])["columns"]
        if column["title"] == "FLOPs*"
    ]
    assert flops["values"][-1] == "unknown"


def test_every_chart_says_what_it_is() -> None:
    for name, chart in CHARTS.all().items():
        assert chart.name == name
        assert chart.summary
        assert not chart.summary.endswith(".")
        assert chart.draw(()) is not None


def figures(*reports: Report) -> dict[str, dict[str, Any]]:
    found = [drawing for _, drawing in drawings(reports)]
    assert len({drawing.name for drawing in found}) == len(found)
    for drawing in found:
        assert re.fullmatch(r"[a-z0-9-]+", drawing.name)
        assert drawing.caption.endswith((".", "position"))
        traces = [multiplied(dict(trace)) for trace in drawing.figure["data"]]
        go.Figure({"data": traces, "layout": drawing.figure["layout"]})  # raises on what is unknown
    return {drawing.name: dict(drawing.figure) for drawing in found}


def test_charts_are_drawn_of_whatever_a_report_holds(each: Report) -> None:
    figures(each)
    figures(each, each)


def test_charts_of_a_stack(gridded: Report, full: Report) -> None:
    holed = figures(gridded)
    cells = {tuple(row) for row in holed["gridding"]["data"][0]["z"]}

    assert holed.keys() >= {"growth", "gridding", "paths", "maps", "profile"}
    assert len(holed["gridding"]["data"][1]["x"]) == 13 * 13 - 49  # a cross on each hole
    assert (None,) * 13 in cells
    assert holed["gridding"]["data"][0]["text"][6][6] == "49"  # 7 paths along each axis
    filled = figures(full)
    assert len(filled["gridding"]["data"]) == 1
    assert "within" in filled  # the map of the first layer is seen with holes
    both = figures(gridded, full)
    assert both.keys() >= {"networks", "gridding-0", "gridding-1", "within-1"}


@pytest.fixture(scope="module")
def timed() -> Report:
    return archscope.report("cnn", depth=2, channels=(4,), input_size=8, time=True)


def with_roof(report: Report, peak: float, bandwidth: float) -> Report:
    """Return a report as of a card whose peak and bandwidth are known."""
    known = {"dense peak": peak, "memory bandwidth": bandwidth}
    conditions = report.section("conditions")
    rows = tuple(
        dataclasses.replace(row, value=known.get(row.name, row.value)) for row in conditions.rows
    )
    others = tuple(section for section in report.sections if section is not conditions)
    return dataclasses.replace(
        report, sections=(*others, dataclasses.replace(conditions, rows=rows))
    )


def test_charts_of_times_say_where_they_were_taken(timed: Report) -> None:
    found = {drawing.name: drawing for _, drawing in drawings((timed,))}
    figures(timed)

    assert "roofline" not in found, "no cited peak of a CPU is known: there is no roof"
    for name in ("latency", "time-by-type", "runs"):
        assert "CPU" in found[name].caption
    bar = found["latency"].figure["data"][0]
    row = timed.section("passes").rows[0]
    assert bar["x"] == [1e3 * row.median_s]
    assert bar["error_x"]["array"] == [1e3 * (row.p95_s - row.median_s)]


def test_a_roof_bends_where_the_peak_is_reached(timed: Report) -> None:
    card = with_roof(timed, peak=2e12, bandwidth=1e11)
    roof = figures(card)["roofline"]["data"][0]

    assert roof["name"] == "roof: 2.000 TFLOP/s, 100.0 GB/s"
    assert (roof["x"][1], roof["y"][1], roof["y"][2]) == (20, 2e12, 2e12)  # 2e12 / 1e11
    assert roof["y"][0] == roof["x"][0] * 1e11


def test_times_of_several_networks_are_a_line(timed: Report) -> None:
    found = figures(timed, dataclasses.replace(timed, title="cnn · other"))

    assert found["latency"]["data"][0]["type"] == "scatter"
    assert len(found["latency"]["data"][0]["error_y"]["array"]) == 2
    assert "per-block" in found


@pytest.mark.parametrize("dilations", [(2,) * 20, (1, 2, 4, 8, 16)])
def test_a_large_map_is_sent_as_one_row(dilations: tuple[int, ...]) -> None:
    report = archscope.receptive_field(dilations)
    found = figures(report)["gridding"]["data"]
    heat = multiplied(dict(found[0]))["z"]
    counts = [row.paths for row in report.section("positions").rows]

    assert "z" not in found[0]
    assert len(heat) == len(heat[0]) == len(counts)
    assert (len(found) == 2) == (0 in counts)
    for place, count in enumerate(counts):
        assert (heat[place][0] is None) == (count == 0)


def test_branches_together_are_no_product_of_axes() -> None:
    report = archscope.receptive_field(branches=[[6], [12], [18]])
    heat, holes = figures(report)["gridding"]["data"]
    cells = [cell for row in heat["z"] for cell in row]

    assert len(heat["z"]) == 37
    assert sum(cell is not None for cell in cells) == report.totals.reached == 25
    assert heat["z"][18][18] == 3  # the centre, through every branch
    assert heat["z"][0][18] == 1  # the tap of dilation 18
    assert sum(cell == 1 for row in holes["z"] for cell in row) == 37 * 37 - 25


def test_path_counts_beyond_a_double_are_drawn() -> None:
    report = archscope.receptive_field([1] * 60, spatial_dims=1)
    trace = figures(report)["paths"]["data"][0]
    most = report.totals.most_paths

    assert most > 2**64
    assert max(trace["y"]) == pytest.approx(len(str(most)), abs=1.1)  # as a power of 10
    assert "×10^" in trace["customdata"][60]


def test_short_names_tell_networks_apart(gridded: Report, full: Report) -> None:
    assert short_names((gridded,)) == ("",)
    assert short_names((gridded, full)) == ("dilations 2,2,2", "dilations 1,2,3")
    other = replace(full, title="lenet5 · lenet · channels 6,16")
    assert short_names((gridded, full, other)) == ("dilations 2,2,2", "dilations 1,2,3", "lenet5")
    called = replace(other, title="Net(rates=(2, 3), of=[1, 2]), eval · ./net.py")
    assert short_names((gridded, called))[1] == "Net(rates=(2, 3), of=[1, 2])"
    assert short_names((other, other)) == ("lenet5", "lenet5 (2)")
    assert short_names((other, other), ("a.json", "b.json")) == ("a.json", "b.json")
    assert len({*short_names((gridded,) * 30)}) == 30


def test_labels_are_no_markup() -> None:
    assert label("<a href='x'>&amp;</a>") == "&lt;a href='x'&gt;&amp;amp;&lt;/a&gt;"
    assert label("x" * 100) == "x" * 24 + "…" + "x" * 23
    assert "\x1b" not in label("\x1b[31m")


@pytest.mark.parametrize("name", ["constructor", "toString", "__proto__"])
def test_a_category_is_not_called_what_every_object_has(name: str) -> None:
    """Plotly draws such a bar nowhere, and the page says what is no number."""
    assert label(name) == f"{name} "
    assert label(f"{name}s") == f"{name}s"


def test_the_line_of_growth_counts_the_layers_that_widen_it() -> None:
    layers = (nn.Conv1d(1, 1, kernel) for kernel in (3, 1, 5))
    report = archscope.rf(nn.Sequential(*layers), torch.zeros(1, 1, 30))

    (drawing,) = growth.draw([report])
    assert "7 after 2 layers that widen it." in drawing.caption


def test_captions_hold_nothing_that_steers(sample: Make) -> None:
    one, two = sample("gpt2"), sample("frozen")
    page = render((replace(one, title="a\x1b[31m\ud800 · b"), replace(two, title="c · b")))
    texts = page.partition('<script type="text/plain" id="plotly">')[0]

    assert "\x1b" not in texts
    assert "\ud800" not in texts
    assert "Each bar is 100%. Params a\\x1b[31m\\ud800 · b: most" in texts


def test_looks_differ_without_colour_too() -> None:
    assert len({look.pattern for look in LOOKS}) == len(LOOKS)
    assert len({look.symbol for look in LOOKS}) == len(LOOKS)
    assert len({look.color for look in LOOKS}) == len(LOOKS)


def test_tiles_and_findings_say_what_is_wrong(gridded: Report, sample: Make) -> None:
    field = next(tile for tile in tiles(gridded) if tile.name == "Receptive field")
    assert (field.value, field.level) == ("13×13", "warning")
    first = findings(gridded)[0]
    assert first.word == "WARNING"
    assert first.text.startswith("Gridding: 120 of 169 positions")
    assert any("--dilations 1,2,3" in detail for detail in first.details)

    bound = next(tile for tile in tiles(sample("partial")) if tile.name.startswith("FLOPs"))
    assert bound.value == "≥ 1.000 k"
    assert bound.level == "warning"


def test_findings_of_gpt2(sample: Make) -> None:
    texts = [finding.text for finding in findings(sample("gpt2"))]

    assert any("24 has 7,087,872 parameters and 8.866 G FLOPs" in text for text in texts)
    assert any(text.startswith("lm_head uses the weights of tok_emb") for text in texts)
    assert any("15.3% of the FLOPs need no weights" in text for text in texts)


def test_a_comparison_tells_what_differs_and_where() -> None:
    report = archscope.compare("cnn:channels=4,input_size=8", "cnn:channels=8,input_size=8")
    page = render((report,))

    (said,) = (finding.text for finding in findings(report) if finding.level == "fact")
    assert said == (
        "channels 8 has 3.41× the parameters of channels 4 and does 3.45× the FLOPs. Parameters "
        "change most in the spatial convolutions, from 408 to 1.392 k. FLOPs change most in the "
        "spatial convolutions, from 25.34 k to 87.55 k."
    )
    assert "408 to 1.392 k parameters." in page
    assert '<p class="said">Changed: ' in page


def test_a_page_with_nothing_to_look_at_does_not_say_so() -> None:
    page = render((archscope.kv("gpt2"),))

    assert "What to look at" not in page
    assert "How it was obtained</a></h2>" in page
    assert '<p class="said">A step reads ' in page


def test_a_figure_for_a_notebook_offers_no_upload(gridded: Report) -> None:
    figure = gridded.figure("gridding")

    assert isinstance(figure, go.Figure)
    assert '"showSendToCloud": false' in figure.to_html(include_plotlyjs=False)
    assert '"displaylogo": false' in figure.to_html(include_plotlyjs=False)
    wanted = figure.to_html(include_plotlyjs=False, config={"displaylogo": True})
    assert '"displaylogo": true' in wanted
    with pytest.raises(UsageError, match=r"no chart called 'griding'.*Did you mean 'gridding'"):
        gridded.figure("griding")
    for name in figures(gridded):
        gridded.figure(name)


def test_the_command_that_makes_it_again_is_told(gridded: Report) -> None:
    page = render((gridded,))

    assert "archscope report cnn --channels 4 --dilations 2,2,2 --input-size 32" in page


def test_a_long_title_is_folded(gridded: Report) -> None:
    long = dataclasses.replace(gridded, title="net · " + "channels " * 2_000)
    page = render((long,))

    shown = re.search(r"<title>(.*?)</title>", page)
    assert shown
    assert len(shown[1]) < 300
    assert '<details class="subtitle">' in page


def test_a_part_that_leads_in_both_is_said_once_and_rightly() -> None:
    page = render((archscope.params("transformer", depth=2, ffn="moe:8/2", seq_len=16),))

    assert page.count("The experts hold") == 1
    assert "experts holds" not in page


def test_what_a_reader_would_act_on_comes_first(gridded: Report, full: Report) -> None:
    alone = [finding.level for finding in findings(gridded)]
    assert alone == sorted(alone, key=["warning", "ok", "fact", "info"].index)
    together = looked_at({"holes": gridded, "whole": full})

    assert (together[0].network, together[0].level) == ("holes", "warning")
    # What two networks both say is said once.
    assert looked_at({"one": gridded, "other": gridded}) == findings(gridded)
    # Three stand open; how the two differ is said beside all of theirs.
    assert f"and {len(together) + 1 - 3} more" in render((gridded, full))


def test_a_stage_that_is_slow_for_its_work_is_the_first_to_look_at(timed: Report) -> None:
    layers = timed.section("time.layers")
    # Work is 1 : 3, time 4 : 1.
    times = {"a": (0.004, 100), "b": (0.001, 300)}
    row = layers.rows[0]
    rows = [
        dataclasses.replace(row, path=path, time_s=time_s, macs=macs)
        for path, (time_s, macs) in times.items()
    ]
    told = dataclasses.replace(layers, rows=tuple(rows))
    others = tuple(each for each in timed.sections if each is not layers)
    report = dataclasses.replace(timed, sections=(*others, told))
    facts = [finding.text for finding in findings(report) if finding.level == "fact"]

    assert facts[0] == "a takes 80.0% of the time for 25.0% of the multiply-accumulates."


def test_the_picture_is_where_it_goes_and_what_one_output_sees(
    gridded: Report, full: Report
) -> None:
    def names(*reports: Report) -> list[str]:
        return [each.name for each in picture(drawings(reports), len(reports))]

    assert names(gridded) == ["profile", "gridding"]
    assert names(gridded, full) == ["gridding-0", "gridding-1"]
    assert names(gridded, full, gridded) == ["growth"]
    heights = [each.figure["layout"]["height"] for each in picture(drawings((gridded,)), 1)]
    assert max(heights) <= 300
    page = render((gridded,))
    assert page.index('id="picture"') < page.index('id="findings"') < page.index('id="layers"')
    assert page.count('id="gridding"') == 1, "a chart stands in one place"


@pytest.mark.parametrize(
    ("command", "fields", "first"),
    [
        ("plan", {"gpu": "h100"}, "plan-stages"),
        ("kv", {"context": 64}, "kv-context"),
        ("scaling", {"tokens": 10**9}, "laws"),
        ("train", {}, "step-work"),
        ("time", {"gpu": "h100"}, "bounds"),
        ("compare", {}, "changes-params"),
        ("sweep", {}, "variants"),
    ],
)
def test_every_page_opens_with_its_picture(
    command: str, fields: dict[str, Any], first: str
) -> None:
    small: dict[str, Any] = {"depth": 2, "d_model": 8, "heads": 2, "seq_len": 8}
    if command == "compare":
        report = archscope.compare("lenet5", "mnist-convnet")
    elif command == "sweep":
        report = archscope.sweep("cnn", depth=[1, 2])
    else:
        report = getattr(archscope, command)("transformer", **small, **fields)
    shown = picture(drawings((report,)), 1)

    assert shown[0].name == first
    assert all(each.figure["layout"]["height"] <= 300 for each in shown)


def test_what_leads_a_page_is_drawn_without_a_script_too(gridded: Report) -> None:
    drawn = {each.name: svg(each.figure) for each in picture(drawings((gridded,)), 1)}

    assert set(drawn) == {"profile", "gridding"}
    assert drawn["gridding"].count('stroke="#D55E00"') == 120, "a cross on each hole"
    assert drawn["gridding"].count("<rect") == 49, "a box on what is seen"
    assert drawn["profile"].count("<rect") == 2 * 3 + 2, "bars and what stands for their names"
    for text in drawn.values():
        ElementTree.fromstring(text)
    pie = {"data": [{"type": "pie"}], "layout": {}}
    assert svg(pie) == ""


def test_lines_of_a_still_picture_end_where_a_number_is_missing() -> None:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": "a",
        "x": [1, 2, None, 10],
        "y": [1, 1, 2, 2],
    }
    text = svg({"data": [trace], "layout": {"xaxis": {"type": "log"}}})

    assert text.count("<polyline") == 2
    assert ">10<" in text


def test_parts_are_called_by_words() -> None:
    report = archscope.params("resnet18", input_size=32)
    drawn = figures(report)["components"]

    assert {trace["name"] for trace in drawn["data"]} >= {"spatial conv", "1×1 conv"}
    assert "conv_" not in json.dumps(drawn["data"])


def test_several_networks_are_one_comparison(gridded: Report, full: Report) -> None:
    page = render((gridded, full))

    assert page.count("<caption>Totals side by side</caption>") == 1
    opened = page.index('<details class="more network">')
    assert "Modules in order of execution" not in page[:opened]
    assert page.count('<details class="more network">') == 2
    assert "1×" in page[: page.index('id="picture"')], "numbers have ratios to the first"


def test_a_table_that_is_cut_ends_with_the_answer() -> None:
    report = archscope.rf("cnn", depth=60, dilations=list(range(1, 61)), spatial_dims=1)
    made = table(report, report.section("rf.layers"), "Layers")

    assert made.body[-1][0].text == "blocks.59.conv"
    assert made.body[-2][0].text.startswith("+ ")
    assert len(made.body) <= 18


class Scaled(nn.Module):
    """Looks at positions of its second input alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 4, 3)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        return self.conv(memory) * tokens.sum()


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (nn.LSTM(4, 4, batch_first=True), (torch.zeros(1, 30, 4),)),
        (nn.Conv1d(4, 4, 3), (torch.zeros(1, 4, 30),)),
        (Scaled(), (torch.zeros(1, 6, dtype=torch.long), torch.zeros(1, 4, 30))),
    ],
)
def test_the_line_of_the_whole_input_is_of_its_positions(
    model: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    report = archscope.rf(model, *inputs)

    assert growth._input_size(report) == 30
    assert ("of input memory" in report.title) == (len(inputs) > 1)
