"""MODEL and the flags that describe it, generated from the specs of the networks it can name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from archscope import specs
from archscope.cli._arguments import read_arguments
from archscope.cli._complete import MODEL
from archscope.cli._fields import fields_by_name, fields_in_full, option_of, text_of
from archscope.cli._help import ExplainedCommand, entries
from archscope.cli._help_page import Group
from archscope.cli._sources import said_by
from archscope.errors import (
    LoadError,
    SpecError,
    UsageError,
    and_,
    is_out_of_memory,
    memory_ran_out,
)
from archscope.subject import Network, Request

_NAMED = "archscope.cli.named"
_GENERAL = "archscope.cli.general"
_REQUEST = "archscope.cli.request"
_NUMBERS = re.compile(r"[\d\s.,;:/+x×-]*")
"""Words that are values of flags: no network is called so."""


class _Repeated(click.Option):
    """An option that may be given several times, or once in a configuration file."""

    def __init__(self, flag: str, metavar: str, help: str) -> None:
        super().__init__([flag], multiple=True, metavar=metavar, help=help)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        return super().type_cast_value(ctx, (value,) if isinstance(value, str) else value)


_OWN = (
    _Repeated(
        "--input-shape",
        metavar="[NAME:][DTYPE:]SHAPE",
        help="An input of forward(), e.g. 1,3,224,224 or ids:int64<30522:1,128; repeatable.",
    ),
    _Repeated(
        "--input",
        metavar="NAME=VALUE",
        help="An input that is not a tensor, e.g. t=0.5 or return_dict=false; repeatable.",
    ),
    click.Option(
        ["--inputs"],
        metavar="FILE.py:FUNCTION",
        type=click.Path(),
        help="All inputs, returned by a function of yours: a tensor, a tuple, a dictionary of "
        "names, or (tuple, dictionary). [default: archscope_inputs() in the network's file]",
    ),
    click.Option(
        ["--method"], metavar="NAME", help="The method to call, e.g. encode. [default: forward]"
    ),
    _Repeated(
        "--model-arg",
        metavar="KEY=VALUE",
        help="An argument of its class or function, as JSON; repeatable.",
    ),
)
"""The flags of a network that archscope does not build itself."""
_OWN_HEADING = "A network of your own (./file.py:Net, package:make, timm:NAME, hf:FOLDER)"


_ONE_MODEL = (
    ". One MODEL is taken: a sentence of layers needs quotes, and `archscope compare` puts several "
    "networks side by side"
)


class ModelCommand(ExplainedCommand):
    """A command with MODEL and one flag for each field that MODEL may have.

    The flags are those of the general families, and of the network that the command line names.
    What was given arrives as `fields`: names and texts, since each field reads its own text.
    """

    groups: tuple[tuple[str, type], ...] = ()
    """Other spec types whose fields are among those flags, each under its heading in the help."""
    lists_families: bool = True
    """Whether its help lists the fields of the general families where MODEL names none."""
    reads_general: bool = True
    """Whether flags alone may describe a network, one of a general family."""
    also: tuple[str, ...] = ()
    """What may stand in place of MODEL, for completion."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for param in self.params:
            if isinstance(param, click.Argument) and param.name in ("model", "models"):
                param.type = MODEL

    def field_names(self, ctx: click.Context) -> Iterable[str]:
        """Return the fields that its flags are, for completion."""
        return self._fields(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_NAMED] = tuple(_named_by(self._free_words(args)))
        ctx.meta[_GENERAL] = self._wants_general(ctx, args)
        words = self.words(ctx, args)
        try:  # a network that a file or the environment describes is an answer's, not the help's
            return super().parse_args(ctx, words or ["--"] * self._is_described(ctx))
        except click.NoSuchOption as unknown:
            _say_whose(ctx, unknown)
            raise
        except click.UsageError as error:
            if error.message.startswith("Got unexpected extra argument"):
                raise UsageError(error.message + _ONE_MODEL) from error
            raise

    def _free_words(self, args: list[str]) -> Iterator[str]:
        """Yield the words that may name a network: no flags, and no values of those known here."""
        options = (param for param in (*self.params, *_OWN) if isinstance(param, click.Option))
        valued = {flag for option in options if not option.is_flag for flag in option.opts}
        for before, word in zip(["", *args], args, strict=False):
            if before not in valued and not word.startswith("-"):
                yield word

    def words(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what was typed as Click is to read it."""
        return args

    def _is_described(self, ctx: click.Context) -> bool:
        """Return whether a file or the environment has a field of a network for this command."""
        prefix = f"{ctx.auto_envvar_prefix}_"
        said = {*(ctx.default_map or ())}
        said |= {n.removeprefix(prefix).lower() for n in os.environ if n.startswith(prefix)}
        return not said.isdisjoint(self._fields(ctx))

    def _wants_general(self, ctx: click.Context, args: list[str]) -> bool:
        """Return whether a flag may be of a general family; importing those takes its time."""
        if not self.reads_general:
            return False
        prefix = f"{ctx.auto_envvar_prefix}_"
        if not self.groups or ctx.default_map or any(n.startswith(prefix) for n in os.environ):
            return True
        known = {flag for param in (*super().get_params(ctx), *_OWN) for flag in param.opts}
        known -= {"-h", "--help"}  # help shows them all
        for _, spec in (*self.groups, *((name, spec) for name, spec, _ in ctx.meta[_NAMED])):
            known |= {field.flag for field in specs.flags(spec)}
        return not {word.partition("=")[0] for word in args if word.startswith("-")} <= known

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *_OWN, *map(option_of, self._fields(ctx).values())]

    def all_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return every option that it may have, whatever network is named."""
        from archscope.families import FAMILIES

        specs_ = [family.spec for family in FAMILIES.all().values()]
        specs_ += [spec for _, spec in self.groups]
        fields = {flag.name: flag for spec in specs_ for flag in specs.flags(spec)}
        return [*map(option_of, fields.values()), *super().get_params(ctx), *_OWN]

    def invoke(self, ctx: click.Context) -> Any:
        given = {name: ctx.params.pop(name) for name in self._fields(ctx)}
        ctx.params["fields"] = {k: text_of(v) for k, v in given.items() if v is not None}
        ctx.meta[_REQUEST] = _own_request(ctx)
        try:
            return self._invoke(ctx)
        except LoadError as error:
            from archscope.cli._users_code import show_traceback

            show_traceback(error)
            raise

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SpecError as error:
            error.said_by = said_by(ctx, error.field)
            raise
        except SystemExit as ended:  # in its forward: click's own way out is another
            code = f"exit code {ended.code!r}"
            raise LoadError(f"the network's forward ended the program with {code}") from ended
        except (MemoryError, RuntimeError) as full:
            if not is_out_of_memory(full):
                raise
            raise memory_ran_out(full, "; a smaller input takes less") from full

    def help_groups(self, ctx: click.Context, *, everything: bool) -> Iterator[Group]:
        yield from super().help_groups(ctx, everything=everything)
        of_own = tuple(entries(_OWN, ctx))
        yield Group(heading=_OWN_HEADING, label="your own network", entries=of_own)
        named = {spec: (name, values) for name, spec, values in ctx.meta.get(_NAMED, ())}
        own = dict(self.groups).values()
        for heading, spec in self._groups(ctx):
            name, values = named.get(spec, ("", {}))
            if named and not name:
                continue  # a network that is named has no other fields
            if everything or name or spec in own:
                yield fields_in_full(heading, name, spec, values)
            elif self.lists_families:
                yield fields_by_name(heading, spec)

    def _groups(self, ctx: click.Context) -> Iterator[tuple[str, type]]:
        """Yield the specs whose fields are flags, each with its name; those named go first."""
        general = _general() if ctx.meta.get(_GENERAL, True) else {}
        for name, spec, _ in ctx.meta.get(_NAMED, ()):
            if spec not in general:
                yield name, spec
        yield from self.groups
        for spec, name in general.items():
            yield name, spec

    def _fields(self, ctx: click.Context) -> dict[str, specs.Field]:
        found: dict[str, specs.Field] = {}
        taken = {param.name for param in self.params}
        for _, spec in self._groups(ctx):
            for field in specs.flags(spec):
                if field.name not in taken:  # a setting of the command goes first
                    found.setdefault(field.name, field)
        return found


def _general() -> dict[type, str]:
    """Return the specs of the families that flags alone may describe, each with its name."""
    from archscope import loaders
    from archscope.families import FAMILIES

    return {FAMILIES.get(name).spec: name for name in loaders.GENERAL}


def _say_whose(ctx: click.Context, unknown: click.NoSuchOption) -> None:
    """Raise `UsageError` where an unknown flag is a field of a family that nobody named."""
    from archscope.loaders.family import owners

    spelt = unknown.option_name.lower().replace("_", "-")
    flags = {flag for param in ctx.command.get_params(ctx) for flag in param.opts}
    if spelt != unknown.option_name and spelt in flags:
        raise UsageError(f"No such option '{unknown.option_name}'. Did you mean '{spelt}'?")
    families = owners(unknown.option_name.removeprefix("--").replace("-", "_"))
    if not families:
        return
    named = [name for name, _, _ in ctx.meta[_NAMED]]
    not_of = f", not of {named[0]}" if named else ""
    raise UsageError(
        f"{unknown.option_name} is a field of {and_(families)}{not_of}; e.g. "
        f"{ctx.command_path} {families[0]} {unknown.option_name} ..."
    )


def with_model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a `ModelCommand` callback its `network` instead of MODEL and the flags."""

    def callback(model: str | None, fields: Mapping[str, str], **options: Any) -> Any:
        return command(network=read_model(model, Request(fields=fields)), **options)

    callback.__doc__ = command.__doc__
    return click.argument("model", required=False)(callback)


def read_model(model: str | None, request: Request) -> Network:
    """Return the network that MODEL and the flags describe together, or the flags alone."""
    from archscope import loaders

    if model == "":
        raise UsageError("MODEL is empty; leave it out or name a network, e.g. resnet50")
    return loaders.load(model or "", with_own_words(request))


def with_own_words(request: Request) -> Request:
    """Return a request with what the flags say of a network of the user's own."""
    context = click.get_current_context(silent=True)
    own = context.meta.get(_REQUEST) if context else None
    return replace(own, fields=request.fields) if own else request


def read_models(models: Sequence[str], request: Request) -> Sequence[Network]:
    """Return the networks that stand side by side, each with the flags that are for it."""
    if not models:
        return ()
    from archscope import loaders

    if "" in models:
        raise UsageError("a MODEL is empty; name a network, e.g. resnet50")
    return loaders.load_each(models, with_own_words(request))


def _own_request(ctx: click.Context) -> Request:
    """Return what the flags say of a network of the user's own, and take them from the others."""
    given = {option.name: ctx.params.pop(option.name) for option in _OWN}
    flag = next((option.opts[0] for option in _OWN if given[option.name]), None)
    if flag is not None and ctx.params.get("model", "") is None:
        raise UsageError(
            f"{flag} is for a network of your own; name it, e.g. ./net.py:Net {flag} ..."
        )
    return Request(
        input_shapes=tuple(given["input_shape"]),
        input_values=read_arguments(given["input"], "--input", _PLACE),
        inputs_from=given["inputs"],
        method=given["method"],
        arguments=read_arguments(given["model_arg"]),
        parameters_alone=ctx.params.get("no_flops"),
    )


_PLACE = r"\w+(\.\w+)*"
"""Where an input goes: the name or the number of an argument, and dots into what it holds."""


def _named_by(words: Iterator[str]) -> Iterator[tuple[str, type, Mapping[str, Any]]]:
    """Yield the networks that these words name, each with its spec and own values.

    Which word is MODEL is known only after parsing, and parsing needs the flags.
    """
    for word in words:
        if _NUMBERS.fullmatch(word) or word.lower().endswith(".json"):
            continue
        from archscope import loaders

        word = loaders.spelt(word)
        loader = loaders.find(word)
        spec = loader.spec(word) if loader else None
        if loader is not None and spec is not None:
            yield word.partition(":")[0], spec, loader.values(word)
