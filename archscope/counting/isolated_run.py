"""Runs another counter apart: on a copy, its output caught, all that it replaced put back."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from archscope.counting.others import Figures, Tool
from archscope.errors import first_line
from archscope.running.as_written import uncompiled
from archscope.running.attributes import parameters_of
from archscope.running.twin import Original, own, twin_of
from archscope.subject import Inputs

_LONGEST = 120
"""Characters of an error that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one tool."""

    tool: Tool
    version: str | None = None
    """None where it is not installed."""
    figures: Figures | None = None
    """None where it gave none."""
    reason: str = ""
    """Why it gave none; empty where it did."""


def run(tool: Tool, model: nn.Module, inputs: Inputs) -> Outcome:
    """Count `model` with `tool`; model, inputs, torch and random numbers are as found after."""
    if find_spec(tool.package) is None:
        return Outcome(tool=tool, reason=f"not installed: pip install {tool.package}")
    installed = _version(tool.package)
    if not tool.on_shapes and any(parameter.is_meta for parameter in parameters_of(model)):
        reason = "needs data, and the network is too large to be run here"
        return Outcome(tool=tool, version=installed, reason=reason)
    try:
        twin = twin_of(Original(model, inputs), weight=own)
        # What one compiles stays in torch; after one that failed, flex_attention always fails.
        with _quiet(), _torch_as_found(), uncompiled():
            found = tool.count(twin.model, twin.inputs)
    except (Exception, SystemExit) as error:
        return Outcome(tool=tool, version=installed, reason=f"failed: {_why(error)}")
    return Outcome(tool=tool, version=installed, figures=found)


def _why(error: BaseException) -> str:
    """Return the first error of a chain in one line: tools wrap what the model itself raised."""
    while error.__cause__ is not None:
        error = error.__cause__
    line = first_line(error)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _version(package: str) -> str | None:
    if package == "torch":
        return str(torch.__version__)
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


@contextmanager
def _quiet() -> Iterator[None]:
    disabled = logging.root.manager.disable
    level = logging.getLogger("fvcore").level
    nowhere = io.StringIO()
    try:
        with redirect_stdout(nowhere), redirect_stderr(nowhere), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)
            yield
    finally:
        logging.disable(disabled)
        logging.getLogger("fvcore").setLevel(level)


@contextmanager
def _torch_as_found() -> Iterator[None]:
    """Put back the functions of torch that a tool replaced, also where it raised half-way."""
    modules = [(module, dict(vars(module))) for module in (torch, functional)]
    methods = dict(vars(Tensor))
    gradients = torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_grad_enabled(gradients)
        for module, names in modules:
            _put_back(module, names)
        for name in set(vars(Tensor)) - set(methods):
            delattr(Tensor, name)
        for name, method in methods.items():
            if vars(Tensor).get(name) is not method and callable(method):
                setattr(Tensor, name, method)


def _put_back(module: ModuleType, names: dict[str, Any]) -> None:
    # What is new stays: a part of torch that was imported meanwhile.
    for name, value in names.items():
        if callable(value) and vars(module).get(name) is not value:
            setattr(module, name, value)
