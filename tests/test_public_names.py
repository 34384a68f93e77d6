"""What `import archscope` offers is what it says it offers."""

from __future__ import annotations

import inspect

import click
import pytest

import archscope
from archscope.cli._group import group, summaries
from archscope.cli._help import SHARED


def test_every_public_name_can_be_had_and_no_other() -> None:
    for name in archscope.__all__:
        assert getattr(archscope, name) is not None

    assert archscope.__all__ == sorted(archscope.__all__)
    assert set(archscope.__all__) <= set(dir(archscope))
    with pytest.raises(AttributeError, match="no attribute 'parms'"):
        archscope.parms  # noqa: B018


VIEWED = {"by", "sort", "top", "max_depth", "expand", "total", "explain", "exact"}
"""What of an answer a command shows; in Python it is a section, and a `View` of it."""
OF_THE_COMMAND_LINE = {
    "assert": "report.check(...)",
    "config": "a file with defaults",
    "lock": "a file of numbers",
    "parquet": "report.to_frame().to_parquet(...)",
    "show": "archscope.library.show_sweep",
    "assets": "report.save",
    "open": "a page in a browser",
    "title": "a page's heading",
    "pass": "a word of Python; the option is called step too",
}
"""Options that are no words of a verb, and what is there instead."""
OF_PYTHON = {
    "method": "a flag of networks of one's own",
    "images": "tensors",
    "args": "tensors",
    "kwargs": "tensors",
    "claims": "`assert` is a word of Python",
    "files": "arguments of a command line, told by their ending",
    "max": "a key of a budget in a file",
    "min": "a key of a budget in a file",
}
"""Words of a verb that are no options, and why."""


def words_of(command: click.Command) -> set[str]:
    """Return the options of a command's own, as Python writes them; a `--no-` is one without."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    flags = {
        flag.removeprefix("--").removeprefix("no-").replace("-", "_")
        for option in options
        if option.name not in SHARED
        for flag in option.opts
        if flag.startswith("--")
    }
    return flags - VIEWED


@pytest.mark.parametrize("name", [name for name in summaries() if hasattr(archscope, name)])
def test_a_verb_and_its_command_have_the_same_words(name: str) -> None:
    verb = getattr(archscope, name)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    said = {
        word
        for word, parameter in inspect.signature(verb).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    viewed = VIEWED & said  # of some questions, as of a sweep, they are a part

    assert words_of(command) - said - OF_THE_COMMAND_LINE.keys() == EXTRA.get(name, set())
    assert said - viewed - words_of(command) - OF_PYTHON.keys() == MORE.get(name, set())


EXTRA = {"sweep": {"strict"}}
MORE = {"check": {"sample_rate"}, "time": {"batch_size"}}
"""A sweep's failures are rows; what a file of budgets says of a network, `check` takes itself; and
batches are a field of families."""


def test_the_older_words_are_understood() -> None:
    asked = {"depth": 2, "input_size": 16}
    of = archscope.rf("cnn", of="blocks.0.conv", **asked)

    assert archscope.rf("cnn", output="blocks.0.conv", **asked).totals == of.totals
    assert of.totals.receptive_field == (3, 3)


def test_without_flops_parameters_alone_are_counted() -> None:
    found = archscope.params("cnn", depth=2, flops=False)

    assert (found.totals.trainable, found.totals.macs) == (64 * 3 * 9 + 64 + 64 * 64 * 9 + 64, None)
    assert found.convention is None
