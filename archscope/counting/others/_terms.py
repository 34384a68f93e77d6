"""What a tool's own formula for a kind of module is made of, term by term, at each call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook

Rule = Callable[[Any, tuple[Any, ...], Any], Mapping[str, int]]
"""Takes a module, the inputs and the output of a call; returns the terms of that call."""


class Terms:
    """Adds up the terms of all calls of the modules that have a rule; to be used in `with`."""

    def __init__(self, model: nn.Module, rules: Mapping[str, Rule]) -> None:
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._rules = rules
        self.found: dict[str, Counter[str]] = {}
        """Multiply-accumulates by path of the module, then by term."""

    def __enter__(self) -> Terms:
        self._handle = register_module_forward_hook(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.remove()

    def _note(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        rule, path = self._rules.get(type(module).__name__), self._paths.get(id(module))
        if rule is None or path is None:
            return
        try:
            terms = rule(module, args, output)
        except (AttributeError, IndexError, TypeError, ValueError):
            return  # a class of the user's of the same name, or a call that the tool fails at
        self.found.setdefault(path, Counter()).update(terms)
