"""What every family, analysis and format must be; a new file is tested before anyone writes one."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

import click
import pytest
import torch

import archscope
from archscope import specs
from archscope.analyses import ANALYSES, Analysis
from archscope.analyses.params.analysis import CONVENTIONS
from archscope.cli._command import COMMANDS
from archscope.cli._group import group, summaries
from archscope.cli._model import ModelCommand
from archscope.columns import columns
from archscope.counting.others import TOOLS
from archscope.dependence.rules import RULE_SETS
from archscope.errors import SpecError, UsageError
from archscope.families import FAMILIES
from archscope.library import count_subject, params
from archscope.loaders import LOADERS
from archscope.loaders.family import network
from archscope.present import FORMATS
from archscope.present.html.charts import CHARTS
from archscope.registry import Registry
from archscope.results import Report, Section, View
from archscope.studies import STUDIES
from archscope.subject import Inputs, Network, Subject
from tests.families.test_folding import NETWORKS
from tests.light import LIGHT

PACKAGE = Path(archscope.__file__).parent
families = pytest.mark.parametrize("name", FAMILIES.names())
analyses = pytest.mark.parametrize("name", ANALYSES.names())
formats = pytest.mark.parametrize("name", FORMATS.names())


def test_the_built_in_names() -> None:
    assert set(FAMILIES.names()) >= {"cnn", "transformer"}
    assert set(ANALYSES.names()) >= {"params"}
    assert set(FORMATS.names()) >= {"csv", "json", "jsonl", "md", "table"}


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'transformer'"):
        FAMILIES.get("tranformer")


EVERY = {
    "families": FAMILIES,
    "analyses": ANALYSES,
    "formats": FORMATS,
    "loaders": LOADERS,
    "charts": CHARTS,
    "commands": COMMANDS,
    "counters": TOOLS,
    "rules": RULE_SETS,
    "studies": STUDIES,
}


@pytest.mark.parametrize("kind", EVERY)
def test_every_public_file_has_its_constant(kind: str) -> None:
    """Where this fails, a file stands in the folder that is no such thing: begin it with `_`."""
    registry: Registry[Any] = EVERY[kind]

    assert {name: type(registry.get(name)) for name in registry.names()}


def test_a_stray_file_is_left_out_with_one_warning(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "archscope", copy_function=os.symlink)
    for stray in ("families/stray.py", "present/stray.py", "analyses/stray/__init__.py"):
        (tmp_path / "archscope" / stray).parent.mkdir(exist_ok=True)
        (tmp_path / "archscope" / stray).write_text("FAMILY = FORMAT = 3\n")
    done = subprocess.run(
        [sys.executable, "-m", "archscope", "rf", "cnn", "--depth", "2", "-o", "x.md"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr
    warning = "Warning: format 'stray' (archscope.present.stray): FORMAT is of type int, not Format"
    assert f"{warning}; it is left out" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["families", "analyses", "formats", "loaders", "commands"])
def test_a_summary_is_known_without_importing_what_it_is_of(kind: str) -> None:
    registry: Registry[Any] = EVERY[kind]

    assert registry.summaries() == {name: x.summary for name, x in registry.all().items()}


@families
def test_a_family_says_what_it_is(name: str) -> None:
    family = FAMILIES.get(name)

    assert family.name == name
    assert family.summary
    assert "\n" not in family.summary
    assert dataclasses.is_dataclass(family.spec)
    assert family.spec.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not hasattr(family.spec(), "__dict__"), "slots"


@families
def test_every_field_of_a_spec_is_a_flag(name: str) -> None:
    for field in specs.fields(FAMILIES.get(name).spec):
        assert field.help, field.name
        assert not field.help.endswith("."), field.name
        assert field.flag == field.flag.lower()
        field.check(field.default)


@families
def test_a_spec_reads_back_what_it_writes(name: str) -> None:
    spec_type = FAMILIES.get(name).spec
    spec = spec_type()
    texts = {
        key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in specs.values(spec).items()
    }

    assert specs.made(spec_type, texts) == spec


@families
def test_numbers_below_their_range_are_refused(name: str) -> None:
    spec_type = FAMILIES.get(name).spec
    for field in specs.fields(spec_type):
        if field.kind in ("integer", "list"):
            low = -1
            value = (low,) if field.kind == "list" else low
            with pytest.raises(SpecError, match=field.name):
                spec_type(**{field.name: value})


def light(family: str) -> dict[str, Any]:
    """Return fields of a network of few blocks, some of them alike."""
    has_depth = "depth" in {field.name for field in specs.fields(FAMILIES.get(family).spec)}
    return LIGHT.get(family, {"depth": 4} if has_depth else {})


@cache
def counted(family: str) -> Report:
    """Return the count of a family's light network, for all that look at it."""
    return params(family, **light(family))


FOLDED_ELSEWHERE = {family for family, _ in NETWORKS.values()}
"""Families of which families/test_folding.py has networks with blocks of all their kinds."""


@pytest.mark.parametrize("name", sorted({*FAMILIES.names()} - FOLDED_ELSEWHERE))
def test_a_family_counts_the_same_folded_and_whole(name: str) -> None:
    family = FAMILIES.get(name)
    if family.blocks is None:
        pytest.skip("no blocks of it are alike")
    spec = family.spec(**light(name))
    folded = family.subject(spec)
    with torch.device("meta"):
        model = family.network(spec)

    ours = counted(name)
    whole = count_subject(dataclasses.replace(folded, model=model, repeats=()))

    assert ours.totals == whole.totals
    for section in ours.sections:
        assert section.rows == whole.section(section.name).rows, section.name


@families
def test_a_subject_is_built_without_memory(name: str) -> None:
    family = FAMILIES.get(name)
    spec = family.spec()
    subject = family.subject(spec)

    assert isinstance(subject, Subject)
    assert isinstance(subject.inputs, Inputs)
    assert subject.name == family.title(spec)
    assert subject.config == specs.values(spec)
    assert all(parameter.is_meta for parameter in subject.model.parameters())
    assert all(repeat.copies[0] == repeat.path for repeat in subject.repeats)


@families
def test_two_flags_of_one_name_are_of_one_kind(name: str) -> None:
    kinds = {field.name: field.kind == "switch" for field in specs.fields(FAMILIES.get(name).spec)}
    for other in FAMILIES.all().values():
        for field in specs.fields(other.spec):
            assert kinds.get(field.name, field.kind == "switch") == (field.kind == "switch")


@families
def test_a_field_is_called_like_no_option_of_a_command(name: str) -> None:
    commands = [group.get_command(click.Context(group), each) for each in summaries()]
    options = {
        flag
        for command in commands
        if isinstance(command, ModelCommand)
        for param in command.params
        for flag in param.opts
    }

    # `time` reads several sizes of the batch, and hands one on to the field.
    fields = {flag.flag for flag in specs.flags(FAMILIES.get(name).spec)} - {"--batch-size"}

    assert not options & fields


SMALL: dict[str, dict[str, Any]] = {
    "cnn": {"depth": 1, "channels": (4,), "input_size": 8},
    "transformer": {"depth": 1, "d_model": 32, "heads": 2, "vocab_size": 64, "seq_len": 8},
}
"""Networks that run in no time, of the general families."""


def tried(analysis: Analysis, name: str) -> Subject | Network:
    """Return what an analysis is tried on: a light network, or a small one with its weights."""
    family = FAMILIES.get(name)
    if analysis.needs == "name":
        return network(family, family.spec(**light(name)))
    if analysis.needs == "shapes" and analysis.reported:
        return family.subject(family.spec(**light(name)))
    if name not in SMALL:
        pytest.skip("runs for real, or a step of training; tried on the general families alone")
    spec = specs.made(family.spec, SMALL[name])
    if analysis.needs == "shapes":
        return family.subject(spec)
    model, inputs = family.network(spec), family.inputs(spec)
    return dataclasses.replace(family.subject(spec), model=model, inputs=inputs, repeats=())


def found(analysis: Analysis, family: str) -> Sequence[Section]:
    """Return what an analysis finds; `params` counted it before."""
    if analysis.name == "params":
        return counted(family).sections
    return analysis.run(tried(analysis, family))


@analyses
@pytest.mark.parametrize("family", FAMILIES.names())
@pytest.mark.usefixtures("one_thread", "few_sizes")
def test_an_analysis_answers_for_every_family(name: str, family: str) -> None:
    analysis = ANALYSES.get(name)
    assert analysis.name == name
    assert analysis.summary

    try:
        sections = found(analysis, family)
    except UsageError:
        if analysis.needs != "name":
            raise
        pytest.skip("it is not asked of such a network, e.g. a cache of what does not decode")
    assert sections
    for section in sections:
        assert all(type(row) is section.row_type for row in section.rows)
        declared = [each for each in analysis.declared() if each.address == section.address]
        assert [each.row_type for each in declared] == [section.row_type], "it can be read back"
        assert isinstance(section.totals, NoneType | section.totals_type)
        assert columns(section.row_type)
        assert any(column.title for column in columns(section.row_type))


@formats
@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_format_renders_every_report(name: str, family: str) -> None:
    form = FORMATS.get(name)
    report = counted(family)

    text = form.render(report, View())

    assert form.name == name
    assert form.summary
    assert text.endswith("\n")
    if family in SMALL:
        assert text == form.render(report, View()), "the same report gives the same text"


def test_conventions_are_told_apart() -> None:
    assert len({convention.name for convention in CONVENTIONS.values()}) == len(CONVENTIONS)
