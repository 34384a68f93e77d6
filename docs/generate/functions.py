"""Functions and classes as their own docstrings and sources tell of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from generate.attributes import attributes
from generate.markdown import code, escaped, fenced, folded, said, table

_LONG = 88
_MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")


def signature(name: str, function: Any) -> str:
    """Return how a function is called, over several lines where one is too long."""
    found = inspect.signature(inspect.unwrap(function))
    parameters = [
        each.replace(annotation=_plain(each.annotation)) for each in found.parameters.values()
    ]
    short = found.replace(parameters=parameters, return_annotation=_plain(found.return_annotation))
    text = f"{name}{_text(short)}"
    if len(text) <= _LONG:
        return text
    cut = found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    inner = "".join(f"    {line},\n" for line in _parameters(cut))
    returned = "" if short.return_annotation is short.empty else f" -> {short.return_annotation}"
    return f"{name}(\n{inner}){returned}"


def _plain(annotation: Any) -> Any:
    """Return an annotation without the modules that its types live in."""
    if annotation is inspect.Parameter.empty or isinstance(annotation, str):
        return annotation if isinstance(annotation, type) else _Words(annotation)
    return _Words(_MODULES.sub("", inspect.formatannotation(annotation)))


class _Words(str):
    """An annotation that is written as it stands, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _text(found: inspect.Signature) -> str:
    return str(found)


def _parameters(found: inspect.Signature) -> Iterator[str]:
    """Yield the parameters of a signature, as they are written, with the bare `*` and `/`."""
    kind = None
    for each in found.parameters.values():
        if each.kind is each.KEYWORD_ONLY and kind not in (each.KEYWORD_ONLY, each.VAR_POSITIONAL):
            yield "*"
        yield str(each)
        kind = each.kind


def function(name: str, found: Any, *, level: str = "##", with_source: bool = False) -> str:
    """Return a function: how it is called, what it says of itself, and how it computes that."""
    parts = [f"{level} {code(name)}\n", fenced(signature(name, found), "python")]
    parts.append(said(inspect.getdoc(found) or ""))
    if with_source:
        parts.append(_source(found))
    return "\n".join(parts)


def _source(found: Any) -> str:
    return folded("as it is computed", fenced(_body(found), "python"))


def _body(found: Any) -> str:
    """Return the source of a function without its docstring."""
    plain = inspect.unwrap(found)
    source = inspect.cleandoc("\n" + inspect.getsource(plain))
    doc = plain.__doc__
    if doc is None:
        return source
    return re.sub(r'\n\s*r?"""' + re.escape(doc) + r'"""', "", source, count=1)


def class_(cls: type, *, level: str = "##", with_source: bool = False) -> str:
    """Return a class: what it is, its fields, its public methods."""
    parts = [f"{level} {code(cls.__name__)}\n", said(inspect.getdoc(cls) or "")]
    fields = [each for each in attributes(cls) if not each.name.startswith("_")]
    if fields:
        parts.append(
            table(
                ("field", "type", "what it is"),
                ((code(each.name), code(each.type), escaped(each.text)) for each in fields),
            )
        )
    for name, each in vars(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(each, property):
            parts += [
                f"{level}# {code(f'{cls.__name__}.{name}')}\n",
                said(inspect.getdoc(each) or ""),
            ]
            if with_source:
                parts.append(_source(each.fget))
        elif isinstance(each, FunctionType):
            title = f"{cls.__name__}.{name}"
            parts.append(function(title, each, level=f"{level}#", with_source=with_source))
    return "\n".join(parts)
