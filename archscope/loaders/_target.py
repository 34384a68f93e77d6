"""What stands behind the colon: a module class, a function that makes one, or one that is made.

`Net`, `make(depth=12)`, `zoo.build(3, name="small")`. Arguments are literals; nothing is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError, did_you_mean
from archscope.subject import unwrapped

if TYPE_CHECKING:
    from torch import nn

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_NAMED = 6
"""Names that a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A name in a module, and what it is called with."""

    name: str
    """Dotted, e.g. `Net`."""
    args: tuple[Any, ...] = ()
    """Positional arguments."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments."""
    called: bool = False
    """Whether it was written with parentheses."""
    part: str = ""
    """Dotted; which part of what it returns is meant: `unet` of `make().unet`."""


def parse(text: str) -> Target:
    """Return what `text` names; raises `UsageError`.

    A part of what is made follows it: `make().unet`.

    >>> parse("make(12, norm='batch')").kwargs
    {'norm': 'batch'}
    """
    if _DOTTED.fullmatch(text):
        return Target(name=text)
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        call = None
    part: list[str] = []
    while isinstance(call, ast.Attribute):
        part.insert(0, call.attr)
        call = call.value
    if not isinstance(call, ast.Call) or not _DOTTED.fullmatch(ast.unparse(call.func)):
        raise UsageError(f"{text!r} is neither a name nor a call; write e.g. Net or make(depth=12)")
    name = ast.unparse(call.func)
    if any(keyword.arg is None for keyword in call.keywords):
        raise UsageError(f"{text!r}: write each argument of {name} by its name, without **")
    return Target(
        name=name,
        args=tuple(_literal(name, value) for value in call.args),
        kwargs={str(k.arg): _literal(name, k.value) for k in call.keywords},
        called=True,
        part=".".join(part),
    )


def _literal(name: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise UsageError(
            f"argument {ast.unparse(value)!r} of {name} is not a literal: only numbers, strings, "
            "True, False, None, and lists, tuples and dictionaries of these are read"
        ) from None


def find(module: ModuleType, target: Target, where: str) -> Any:
    """Return the object that a module holds under the target's name; raises `UsageError`."""
    found: Any = module
    for part in target.name.split("."):
        if not hasattr(found, part):
            near = did_you_mean(part, [name for name in dir(found) if not name.startswith("_")])
            raise UsageError(f"{where} has no {part!r}.{near or _what_it_has(found)}")
        found = getattr(found, part)
    return found


def _what_it_has(holder: Any) -> str:
    """Return the public names that a file of the user's defines itself; a package has others'."""
    if not isinstance(holder, ModuleType) or hasattr(holder, "__path__"):
        return ""
    own = [
        name
        for name, value in vars(holder).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == holder.__name__
    ]
    if not own:
        return " Imported, it defines nothing."
    more = f", and {len(own) - _NAMED} more" if len(own) > _NAMED else ""
    return f" It defines {', '.join(own[:_NAMED])}{more}."


def maker(
    found: Any, target: Target, arguments: Mapping[str, Any], where: str
) -> Callable[[], Any]:
    """Return what makes the network; raises `UsageError` where the arguments do not fit.

    `where` names the target in messages, e.g. `./net.py:Net`.
    """
    from torch import nn

    kwargs = {**target.kwargs, **arguments}
    if isinstance(found, nn.Module) or _holds_network(found):
        if target.called or kwargs:
            raise UsageError(f"{where} is a network already; it takes no arguments")
        return lambda: found
    plain = isinstance(found, type) and not issubclass(found, nn.Module)
    if plain and not target.called:  # with parentheses it may be what holds one
        raise UsageError(f"{where} is a class, but not a torch.nn.Module")
    if not callable(found):
        raise UsageError(
            f"{where} is {_kind(found)}; name a torch.nn.Module, its class, or a function that "
            "returns one"
        )
    _check_arguments(found, target.name, target.args, kwargs)
    return lambda: found(*target.args, **kwargs)


def _holds_network(found: Any) -> bool:
    """Return whether an object, made already, has a network in it: a pipeline, a trainer."""
    from archscope.running.wrapped_networks import networks_in

    if isinstance(found, type | ModuleType) or inspect.isroutine(found):
        return False
    return bool(networks_in(found))


def _part_of(made: Any, part: str, where: str) -> Any:
    for name in filter(None, part.split(".")):
        if not hasattr(made, name):
            near = did_you_mean(name, [n for n in dir(made) if not n.startswith("_")])
            raise UsageError(f"{where}: {_kind(made)} has no {name!r}.{near}")
        made = getattr(made, name)
    return made


def _check_arguments(
    found: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    try:
        signature = _signature(found)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        names = [n for n, p in signature.parameters.items() if p.kind not in (2, 4)]
        strange = next((key for key in kwargs if key not in names), "")
        raise UsageError(
            f"{name}{_words(signature)}: {error}.{did_you_mean(strange, names) if strange else ''} "
            f"Give arguments as {name}(KEY=VALUE) or by --model-arg KEY=VALUE"
        ) from None


def _signature(found: Any) -> inspect.Signature:
    """Return what something is called with; a module without `__init__` takes no arguments.

    That of `nn.Module` is written with `*args, **kwargs`, and refuses each.
    """
    from torch import nn

    if getattr(found, "__init__", None) is nn.Module.__init__:
        return inspect.Signature()
    return inspect.signature(found)


def _words(signature: inspect.Signature) -> str:
    """Return a signature without annotations: `(channels, depth=4)`."""
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(plain))


def network_of(made: Any, where: str, found: Any, part: str = "") -> nn.Module:
    """Return what was made, or a part of it, or what that holds; raises `UsageError`.

    `where` names what was `found` in messages, e.g. `./net.py:Net`.
    """
    from archscope.running.wrapped_networks import held_network

    call = ".".join(filter(None, (where if made is found else f"{where}()", part)))
    made = _part_of(made, part, where)
    try:
        return unwrapped(held_network(made, lambda name: f"name one, e.g. {call}.{name}")[0])
    except UsageError as error:
        if inspect.iscoroutine(made):
            made.close()  # else Python warns that nobody awaited it
        raise UsageError(f"{where} returned {error}") from None


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    word = "module" if isinstance(value, ModuleType) else type(value).__name__
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"
