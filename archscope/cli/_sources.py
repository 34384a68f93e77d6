"""Where the value of an option came from, where it was not the command line."""

from __future__ import annotations

import click
from click.core import ParameterSource

from archscope.errors import and_


def said_by(ctx: click.Context, name: str) -> str:
    """Return the variable or the file that set an option, empty where the command line did."""
    source = ctx.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        option = next((each for each in ctx.command.params if each.name == name), None)
        if option is not None and isinstance(option.envvar, str):
            return option.envvar
        return f"{ctx.auto_envvar_prefix}_{name.upper()}"
    return "the configuration file" if source is ParameterSource.DEFAULT_MAP else ""


def _commands_with(flag: str, group: click.Context) -> list[str]:
    """Return the commands that have an option of their own, whatever network is named."""
    commands = group.command
    assert isinstance(commands, click.Group)
    return [
        name
        for name in commands.list_commands(group)
        if (command := commands.get_command(group, name))
        and any(flag in param.opts for param in command.params)
    ]


def with_source(error: click.ClickException) -> str:
    """Return an error's line, with where a value that cannot be came from."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None and error.ctx.parent:
        name = error.option_name
        if any(name in option.opts for option in error.ctx.parent.command.params):
            return f"{name} goes before the command: archscope {name} ..."
        if others := _commands_with(name, error.ctx.parent):
            return f"{error.ctx.command_path} has no option {name}; it belongs to {and_(others)}"
    if not isinstance(error, click.BadParameter) or error.param is None or error.ctx is None:
        return error.format_message()
    source = said_by(error.ctx, error.param.name or "")
    if source:
        hint = error.param_hint or error.param.get_error_hint(error.ctx)
        error.param_hint = f"{hint} (from {source})"
    return error.format_message()
