"""The command of an analysis that brings none: its settings are flags, its sections choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from archscope import specs
from archscope.analyses import Analysis
from archscope.assertions import example_of
from archscope.cli._claims import assert_option
from archscope.cli._fields import option_of, text_of
from archscope.cli._model import ModelCommand, read_model
from archscope.cli._numbers import Count
from archscope.cli._output import Output, output_options
from archscope.errors import UsageError
from archscope.library import analyse_network
from archscope.study import claims_of, require, require_good
from archscope.subject import Request


def command_of(analysis: Analysis) -> click.Command:
    """Return the command that asks `analysis`, under its name."""

    @output_options
    @_claimed(analysis)
    def callback(
        model: str | None,
        fields: Mapping[str, str],
        output: Output,
        claims: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        claimed = claims_of(analysis.name, claims)
        shown = {name: options.pop(name) for name in _SHOWN if name in options}
        view = output.view(**shown)
        given = {name: text for name, text in options.items() if text is not None}
        settings = {name: text_of(text) for name, text in given.items()}
        _require_asked(analysis, shown["by"], given)
        network = read_model(model, Request(fields=fields))
        report = analyse_network(analysis.name, network, settings)
        output.show(report, view)
        require(claimed, report)
        require_good(analysis.name, report)

    return _AnalysisCommand(
        settings=analysis.settings,
        name=analysis.name,
        callback=callback,
        help=f"{analysis.summary[:1].upper()}{analysis.summary[1:]}.",
        epilog=_epilog(analysis),
        params=[
            click.Argument(["model"], required=False),
            *map(option_of, specs.fields(analysis.settings) if analysis.settings else ()),
            *_view_options(analysis),
            *reversed(callback.__click_params__),  # type: ignore[attr-defined]
        ],
    )


class _AnalysisCommand(ModelCommand):
    """A command whose settings may have another name, where the network has no field of it."""

    def __init__(self, *, settings: type | None, **parts: Any) -> None:
        super().__init__(**parts)
        declared = specs.fields(settings) if settings else ()
        self._others = {field.also: field.flag for field in declared if field.also}

    def words(self, ctx: click.Context, args: list[str]) -> list[str]:
        fields = set(self.field_names(ctx)) if self._others else set()
        flags = {specs.flag_of(name): flag for name, flag in self._others.items()
                 if name not in fields}  # fmt: skip
        cut = [word.partition("=") for word in args]
        return ["".join((flags.get(name, name), *rest)) for name, *rest in cut]


def _require_asked(analysis: Analysis, by: str | None, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` where rows are to be shown that are not asked for."""
    for section in analysis.declared():
        wanted = section.asked_by if section.name == by else ()
        if not all(given.get(name) for name in wanted):
            flags = " and ".join(specs.flag_of(name) for name in wanted)
            raise UsageError(f"--by {by} needs {flags}")


def _claimed(analysis: Analysis) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--assert` where there is anything to claim."""
    known = analysis.claimable()
    claims = analysis.claims or tuple(map(example_of, known[:4]))
    return assert_option(*claims) if claims else lambda command: command


def _epilog(analysis: Analysis) -> str | None:
    if not analysis.examples:
        return None
    lines = (f"  {example}\n" for example in analysis.examples)
    return "\b\nExamples:\n" + "".join(lines)


_SHOWN = ("by", "sort", "top", "max_depth", "expand", "total")
"""Options that choose what is shown of the answer."""


def _view_options(analysis: Analysis) -> list[click.Option]:
    names = [section.name for section in analysis.declared()]
    totals = click.Option(["--total"], is_flag=True, help="Show only the totals.")
    has_totals = any(section.totals_type for section in analysis.declared())
    return [
        click.Option(
            ["--by"],
            type=click.Choice(names),
            hidden=len(names) < 2,
            help=f"What each row is. [default: {' '.join(names[:1])}]",
        ),
        click.Option(
            ["--sort"],
            metavar="COLUMN",
            help="Sort by this, largest first. [default: as they come]",
        ),
        click.Option(["--top"], type=Count(min=1), help="Show only the first rows, this many."),
        click.Option(
            ["--max-depth"],
            type=Count(min=1),
            help="Show modules down to this nesting depth.",
        ),
        click.Option(["--expand"], is_flag=True, help="Show every copy of a repeated block."),
        *([totals] if has_totals else []),
    ]
