"""How many multiply-accumulates go through torch's fused attention, module by module.

On shapes alone torch takes fused attention apart into products, where other counters may see one
operator that they do not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archscope.running.module_stack import ModuleStack

_NAMES = ("query", "key", "value")


class FusedAttention(TorchFunctionMode):
    """Notes every call of `scaled_dot_product_attention` of a forward pass within it."""

    def __init__(self) -> None:
        super().__init__()
        self.macs: Counter[str] = Counter()
        """Multiply-accumulates by the path of the module that was running."""
        self._original = functional.scaled_dot_product_attention
        self._noted = False
        """Whether the call that runs now was noted: its class may answer it, as nested ones do."""

    def following(self, stack: ModuleStack) -> FusedAttention:
        """Begin anew, on a network whose running module `stack` knows."""
        self.macs.clear()
        self._stack = stack
        return self

    def __enter__(self) -> FusedAttention:
        # torch calls it inside of functions of its own, where no such mode is heard.
        functional.scaled_dot_product_attention = self._replacement
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        functional.scaled_dot_product_attention = self._original

    def _replacement(self, *args: Any, **kwargs: Any) -> Tensor:
        self._note(args, kwargs)
        before, self._noted = self._noted, True
        try:
            return self._original(*args, **kwargs)
        finally:
            self._noted = before

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is self._original and not self._noted:
            self._note(args, kwargs or {})
        return func(*args, **(kwargs or {}))

    def _note(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        given = dict(zip(_NAMES, args, strict=False)) | dict(kwargs)
        q, k, v = (given[name] for name in _NAMES)
        if any(each.is_nested for each in (q, k, v)):
            return  # sizes of several lengths multiply to no number; kernels of it are seen by rows
        macs = prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
        self.macs[self._stack.current] += macs
