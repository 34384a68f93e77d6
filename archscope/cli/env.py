"""`archscope env`."""

from __future__ import annotations

import dataclasses
import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from archscope.cli._command import Command

_PACKAGES = ("click", "jinja2", "pandas", "plotly", "rich")


@click.command()
@click.option(
    "-f",
    "--format",
    "format_name",
    type=click.Choice(["table", "json"]),
    default="table",
    help="Output format. [default: table]",
)
def command(format_name: str) -> None:
    """Show versions and devices; paste it into a bug report."""
    found = _environment()
    if format_name == "json":
        click.echo(json.dumps(found, indent=1))
        return
    width = max(map(len, found))
    for name, value in found.items():
        if value != {}:
            click.echo(f"{name.ljust(width)}  {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return "not installed" if value is None else str(value)


def _environment() -> dict[str, Any]:
    import torch

    from archscope.study import environment
    from archscope.timing.devices import accelerator, name_of, total_bytes

    kind = accelerator()
    found = dataclasses.asdict(environment(kind or "cpu"))
    found |= {package: _version(package) for package in _PACKAGES}
    found["threads"] = torch.get_num_threads()
    found["cuda"] = torch.version.cuda or "none: this torch is a CPU build"
    for index in range(torch.accelerator.device_count() if kind else 0):
        device = torch.device(kind or "", index)
        size = total_bytes(device)
        found[str(device)] = name_of(device) + (f", {size / 2**30:.1f} GiB" if size else "")
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


COMMAND = Command(
    name="env",
    summary="Versions and devices, for a bug report.",
    order=90,
    click=command,
)
