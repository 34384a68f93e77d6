"""How numbers are obtained: the formulas themselves, from the modules that compute them."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType, ModuleType
from typing import Any

import archscope.theory
from generate.attributes import constants
from generate.functions import class_, function
from generate.markdown import code, escaped, said, table


def pages() -> dict[str, str]:
    """Return a page for each module of formulas by its path."""
    return {f"formulas/{_word(home)}.md": _page(home) for home in homes()}


def overview() -> str:
    """Return the table of all modules of formulas."""
    rows = (
        (f"[{_word(home)}](formulas/{_word(home)}.md)", escaped(_first(home)),
         str(len(_functions(home))))
        for home in homes()
    )  # fmt: skip
    return table(("formulas of", "what they are", ">functions"), rows)


def homes() -> list[ModuleType]:
    """Return every module of formulas."""
    name = archscope.theory.__name__
    found = [each.name for each in iter_modules(archscope.theory.__path__, f"{name}.")]
    modules = [import_module(each) for each in found if not each.rpartition(".")[2].startswith("_")]
    return [home for home in modules if _functions(home) or _classes(home)]


def _page(home: ModuleType) -> str:
    parts = [f"# {_word(home).capitalize().replace('-', ' ')}\n", said(inspect.getdoc(home) or "")]
    parts.append(
        f"This page shows the code of `{home.__name__}` that computes the numbers. Published "
        "formulas cite their source; those without a citation are plain arithmetic.\n"
    )
    named = constants(home)
    if named:
        rows = ((code(each.name), code(each.type), escaped(each.text)) for each in named)
        parts += ["## Constants\n", table(("name", "value", "what it is"), rows)]
    for name, each in _functions(home).items():
        parts.append(function(name, each, with_source=True))
    for each in _classes(home):
        parts.append(class_(each, with_source=True))
    return "\n".join(parts)


def _classes(home: ModuleType) -> list[type]:
    return [
        each
        for name, each in vars(home).items()
        if isinstance(each, type) and each.__module__ == home.__name__ and not name.startswith("_")
    ]


def _functions(home: Any) -> dict[str, FunctionType]:
    return {
        name: each
        for name, each in vars(home).items()
        if not name.startswith("_")
        and callable(each)
        and isinstance(inspect.unwrap(each), FunctionType)
        and inspect.unwrap(each).__module__ == home.__name__
    }


def _word(home: ModuleType) -> str:
    return home.__name__.rpartition(".")[2].replace("_", "-")


def _first(home: ModuleType) -> str:
    return (inspect.getdoc(home) or "").partition("\n\n")[0]


def laws() -> str:
    """Return every published scaling law with its source."""
    from archscope.theory.scaling import LAWS

    rows = (
        (
            code(law.name),
            escaped(law.about),
            escaped(law.counts),
            escaped(law.source),
            escaped(law.trap),
        )
        for law in LAWS
    )
    return table(("law", "of", "its N", "source", "what a reader must know"), rows)


def cards() -> str:
    """Return every card whose peak is cited, with the address of what prints it."""
    from archscope.hardware import CARDS

    rows = (
        (code(card.word), *map(_tera, (card.fp32, card.tf32, card.fp16, card.bf16)),
         f"{card.bandwidth / 1e9:,.0f}", f"[{_host(card.source)}]({card.source})")
        for card in CARDS
    )  # fmt: skip
    heads = ("card", ">fp32", ">tf32", ">fp16", ">bf16", ">GB/s", "printed by")
    return table(heads, rows)


def _tera(rate: float | None) -> str:
    return "–" if rate is None else f"{rate / 1e12:,.1f}".removesuffix(".0")


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].removeprefix("www.")


def measures() -> str:
    """Return all that can be claimed, budgeted and swept."""
    from archscope.studies.measures import measures

    rows = (
        (code(each.name), code(each.analysis), escaped(each.quantity.help))
        for each in measures().values()
    )
    return table(("measure", "analysis", "what it is"), rows)
