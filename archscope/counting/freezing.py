"""Which parameters patterns of names freeze."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from torch import nn

from archscope.errors import UsageError, did_you_mean
from archscope.running.attributes import parameters_of, part_of
from archscope.subject import Repeat
from archscope.theory.patterns import matches


def frozen_by(
    model: nn.Module, patterns: Sequence[str], repeats: Sequence[Repeat] = ()
) -> frozenset[int]:
    """Return the `id`s of the parameters that patterns of names freeze, as in a shell.

    A pattern that names a module means all that it holds; a tensor with several names is frozen by
    any of them. Copies of a block that is there once have names too. Raises `UsageError` for a
    pattern that names nothing.
    """
    if not patterns:
        return frozenset()
    unused = dict.fromkeys(patterns)
    found = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        for pattern in patterns:
            if any(matches(each, pattern) for each in _names(name, repeats)):
                found.add(id(parameter))
                unused.pop(pattern, None)
    for pattern in unused:
        modules = [name for name, module in model.named_modules() if name and any(_held(module))]
        near = did_you_mean(pattern, modules) or f" Modules are {', '.join(modules[:3])} ..."
        raise UsageError(f"freeze: {pattern!r} names no parameter, and no module with any.{near}")
    return frozenset(found)


def tells_copies_apart(
    model: nn.Module, patterns: Sequence[str], repeats: Iterable[Repeat]
) -> bool:
    """Return whether patterns freeze some copies of a block that is there once, and others not."""
    for repeat in repeats:
        block = part_of(model, repeat.path)
        for name, _ in block.named_parameters():
            copies = {_is_frozen(f"{copy}.{name}", patterns) for copy in repeat.copies}
            if len(copies) > 1:
                return True
    return False


def _is_frozen(name: str, patterns: Iterable[str]) -> bool:
    return any(matches(name, pattern) for pattern in patterns)


def _held(module: nn.Module) -> Iterator[bool]:
    return (True for _ in parameters_of(module))


def _names(name: str, repeats: Sequence[Repeat]) -> Iterator[str]:
    """Yield the names of a parameter in every copy of its block."""
    block = next((r for r in repeats if name.startswith(f"{r.path}.")), None)
    if block is None:
        yield name
        return
    yield from (copy + name[len(block.path) :] for copy in block.copies)
