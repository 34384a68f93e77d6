"""The families: a page each with its fields, and the published networks that are made of it."""

from __future__ import annotations

from typing import Any

from archscope import presets, specs
from archscope.families import FAMILIES
from archscope.presets import Preset
from archscope.specs import Field
from generate.markdown import cited, code, escaped, table


def pages() -> dict[str, str]:
    """Return the page of every family by its path."""
    published: dict[str, list[Preset]] = {}
    for preset in presets.all():
        published.setdefault(preset.family, []).append(preset)
    return {
        f"families/{name}.md": _page(name, family, published.get(name, []))
        for name, family in FAMILIES.all().items()
    }


def overview() -> str:
    """Return the table of all families."""
    counts: dict[str, int] = {}
    for preset in presets.all():
        counts[preset.family] = counts.get(preset.family, 0) + 1
    rows = (
        (f"[{code(name)}](families/{name}.md)", escaped(summary), str(counts.get(name, "")))
        for name, summary in FAMILIES.summaries().items()
    )
    return table(("family", "what it is", ">published networks"), rows)


def _page(name: str, family: Any, published: list[Preset]) -> str:
    fields = specs.flags(family.spec)
    parts = [
        f"# {name}\n",
        f"{escaped(family.summary[:1].upper() + family.summary[1:])}.\n",
        f"`archscope params {name}` counts it with its defaults; fields after the name, or flags, "
        f"change it; `archscope.build({name!r})` is a real `nn.Module`. "
        f"`archscope list {name}` prints this table.\n",
        "## Fields\n",
        table(
            ("field, flag", "default", "may be", "what it is"),
            (_field(family.spec, field) for field in fields),
        ),
    ]
    if published:
        parts += [
            "## Published networks\n",
            "Each can be used by its name, e.g. "
            f"`archscope params {published[0].name}`; any field can be changed.\n",
            table(("name", "its authors print", "source"), map(_published, published)),
        ]
    return "\n".join(parts)


def _field(spec: type, field: Field) -> tuple[str, ...]:
    kinds = specs.belongs(spec, field.name)
    text = f"{code(kinds)}: {escaped(field.help)}" if kinds else escaped(field.help)
    default = field.default
    shown = specs.listed(default) if isinstance(default, tuple) else specs.typed(default)
    return f"{code(field.name)}<br>{code(field.flag)}", code(shown), _may_be(field), text


def _may_be(field: Field) -> str:
    if field.choices:
        words = ", ".join(map(code, field.choices))
        return f"list of {words}" if field.kind == "list" else words
    low = "" if field.low is None else f" ≥ {field.low:.12g}"
    high = "" if field.high is None else f" ≤ {field.high:.12g}"
    return f"{field.kind}{low}{high}"


def _published(preset: Preset) -> tuple[str, ...]:
    figures = "; ".join(
        escaped(
            f"{figure.text} {figure.quantity}" + (f" ({figure.counts})" if figure.counts else "")
        )
        for figure in preset.published
    )
    source = f"as {code(preset.same_as)}" if preset.same_as else cited(preset.source)
    return code(preset.name), figures, source
