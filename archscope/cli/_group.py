"""The group of commands, found by their files; help imports none of them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import click

from archscope.analyses import ANALYSES
from archscope.cli._command import COMMANDS, UNPLACED
from archscope.cli._config import KEY, read_config
from archscope.cli._help import explained
from archscope.errors import did_you_mean
from archscope.version import __version__

_EPILOG = """\
\b
Examples:
  archscope params --depth 24
  archscope params resnet50
  archscope params ./net.py:UNet --input-shape 1,3,224,224
  archscope params --depth 24 --total -f json
  archscope rf --dilations 2,2,2
  archscope compare gpt2 gpt2-medium
  archscope report --depth 24 -o report.html
  archscope time resnet18 --input-size 64 --pass train
  archscope list transformer

Results go to stdout, everything else to stderr. Exit codes: 0 ok, 1 the analysis failed, 2 bad
usage, 3 a threshold was crossed (--strict, --assert, --fail-on), 130 interrupted. --debug shows
tracebacks.
"""


def summaries() -> dict[str, str]:
    """Return the line of every command, in the order of the help, without importing any.

    An analysis that has no command of its own is one by its name.
    """
    own = ((name, f"{text[:1].upper()}{text[1:]}.") for name, text in ANALYSES.summaries().items())
    found = {**dict(own), **COMMANDS.summaries()}
    places = {name: int(text) for name, text in COMMANDS.stated("order").items()}
    return dict(sorted(found.items(), key=lambda each: (places.get(each[0], UNPLACED), each[0])))


class LazyGroup(click.Group):
    """Imports a command only when it is asked for."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]  # Click takes `--` out of these
        try:
            name, command, rest = super().resolve_command(ctx, args)
            if name is not None and command is not None and KEY in ctx.meta:
                defaults = ctx.meta[KEY].options(name, flags_of(command, ctx))
                ctx.default_map = {name: defaults}
            return name, command, rest
        except click.NoSuchOption:
            raise
        except click.UsageError as error:  # Click knows no name that is not loaded
            meant = did_you_mean(word, list(summaries())) or _as_network(word) or _as_list(word)
            raise click.UsageError(error.message + meant, ctx) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return _with_variables(cmd_name, explained(COMMANDS.get(cmd_name).click))
        if cmd_name not in ANALYSES:
            return None
        from archscope.cli._analysis import command_of

        return command_of(ANALYSES.get(cmd_name))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and examples first."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_commands(ctx, formatter)
        self.format_epilog(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(summaries().items()))


def _as_network(word: str) -> str:
    """Return how to ask about a word that names a network; empty where it names none."""
    from archscope import presets
    from archscope.families import FAMILIES

    is_file = "/" in word or ".py" in word or ":" in word
    is_known = word.lower() in (*FAMILIES.names(), *presets.names())
    return (
        f" For a network write a command first: archscope params {shlex.quote(word)}"
        if (is_file or is_known)
        else ""
    )


def _as_list(word: str) -> str:
    """Return where a word that names no command stands, if anywhere."""
    from archscope.cli.list import WORDS

    return (
        f" Write `archscope list {word}`"
        if word in WORDS
        else " `archscope --help` lists all commands"
    )


def _with_variables(name: str, command: click.Command) -> click.Command:
    """Return a command whose options are read from the variables of their flags.

    Click takes the name that the value has in Python, which another word may hold there.
    """
    for option in command.params:
        if isinstance(option, click.Option) and option.envvar is None and not option.multiple:
            flag = max(option.opts, key=len).removeprefix("--").replace("-", "_")
            if flag != option.name:
                option.envvar = f"ARCHSCOPE_{name}_{flag}".upper()
    return command


def flags_of(command: click.Command, ctx: click.Context) -> Mapping[str, click.Option]:
    """Return every option that a file may set, by its long flags without dashes."""
    inner = command.context_class(command, parent=ctx, resilient_parsing=True)
    asked = getattr(command, "all_params", None)
    options = asked(inner) if asked else command.get_params(inner)
    return {
        flag.removeprefix("--"): option
        for option in options
        if isinstance(option, click.Option)
        for flag in option.opts
        if flag.startswith("--")
    }


def _configure(ctx: click.Context, option: click.Parameter, path: str | None) -> None:
    if ctx.resilient_parsing:
        return
    config = read_config(path)
    if config is not None:
        config.check(list(summaries()))
        ctx.meta[KEY] = config


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "ARCHSCOPE",
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="archscope", message="%(prog)s %(version)s")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    is_eager=True,
    expose_value=False,
    callback=_configure,
    help="File with defaults for options. [default: archscope.toml, or tool.archscope in "
    "pyproject.toml]",
)
def group(**_: Any) -> None:
    """Parameters, FLOPs, receptive field and time of a network, before anyone trains it.

    Every count is an exact integer, labelled with its convention and computed by two independent
    engines that must agree. What cannot be counted is reported, never taken as zero.
    """
