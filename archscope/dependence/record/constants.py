"""What is known of the constants of one forward pass: their values, or where weights are masked.

A weight counts as anything: a zero in it says nothing, it may be how the weight begins. A zero in a
mask does, and it stays one in a weight that the mask is multiplied into; so does -inf in what is
added to scores. Both are followed through what is made of weights, by element of memory, so that
views need no rules. A constant without values that is not made of weights may be any mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy

from archscope.dependence.record.aliases import bound, written_by
from archscope.dependence.record.fact_rules import MOST_ELEMENTS, Facts, facts_of, facts_of_values
from archscope.dependence.record.fixed_elements import COMPARED
from archscope.dependence.record.operators import is_view
from archscope.dependence.record.recipes import memory_of, named, stands_for
from archscope.running.twin import bodiless

_SMOOTH = frozenset(
    (
        *("cos", "sin", "rsqrt", "reciprocal", "tanh", "log", "erf", "embedding"),
        *("native_layer_norm", "_fused_rms_norm", "native_group_norm", "native_batch_norm"),
    )
)
"""Operators whose results are hardly ever zero or low: what they are of no longer matters."""
_WEIGHED = frozenset(("mm", "bmm", "addmm", "baddbmm", "convolution", "_convolution"))
"""Operators that take weights: one of zeros and ones that is not trained is no mask there."""
_KERNELS = frozenset(("mm", "bmm", "convolution", "_convolution"))
"""Those in which weights of more than one axis are multiplied, and no scores are added."""
_LAYERS = _WEIGHED - {"baddbmm"} | {"linear", "mkldnn_rnn_layer", "_cudnn_rnn", "lstm", "gru"}
"""Operators that make of anything, by weights that are learned, what is no mask any more."""
_SHAPED = ("new_", "zeros_like", "ones_like", "full_like")
"""Operators that take no more from a tensor than its shape."""


@dataclass(slots=True)
class _Memory:
    """What is known of the elements of one piece of memory."""

    reference: StorageWeakRef | None
    """Keeps its name from being given to another."""
    facts: Facts
    """Of all of its elements, in their order; empty: nothing."""
    is_unread: bool
    """Whether it holds values that are not known, and are no weights."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What an operator on constants is about to make."""

    facts: Facts
    """What is known of its first result."""
    is_unread: bool
    """Whether it is made of values that are not known, and are no weights."""
    written: list[Tensor]
    """The tensors that it writes to."""


class Constants:
    """The constants of one forward pass that are made of weights, or whose values are not known."""

    def __init__(self, weights: Iterable[Tensor] = ()) -> None:
        self._of: dict[int, _Memory] = {}
        self._names: dict[Any, int] = {}
        for weight in weights:
            if not is_lazy(weight) and not _is_constant(weight):
                self.learn(weight)

    def learn(self, tensor: Tensor) -> None:
        """Say that a tensor counts as anything."""
        self._of[memory_of(tensor)] = _Memory(_reference(tensor), Facts(), is_unread=False)

    def fill(self, tensor: Tensor, value: float) -> None:
        """Say that all elements of a tensor without values are a number: it is no mask."""
        facts = Facts()
        if tensor.numel() <= MOST_ELEMENTS:
            facts = facts_of_values(torch.full((tensor.numel(),), float(value)))
        self._of[memory_of(tensor)] = _Memory(_reference(tensor), facts, is_unread=False)

    def before(self, func: Any, name: str, args: Any, kwargs: Any, tensors: Any) -> _Made | None:
        """Take in an operator on constants that is about to run; None: there is nothing to note."""
        if not any(map(self._is_made, tensors)) or name.startswith(_SHAPED):
            return None
        for tensor in tensors:
            if self._is_learned(tensor) and memory_of(tensor) not in self._of:
                self.learn(tensor)
        if is_view(func):
            return None
        written = written_by(func, args, kwargs)
        for tensor in written:
            if memory_of(tensor) not in self._of:
                facts = self._facts_of_memory(tensor)
                self._of[memory_of(tensor)] = _Memory(_reference(tensor), facts, is_unread=False)
        over = name in ("copy", "fill", "zero")
        read = [t for t in tensors if not (over and written and t is written[0])]
        return _Made(
            facts=facts_of(name, bound(func, args, kwargs), self._facts),
            is_unread=any(map(self._is_unread, read)) and not self._ends_masks(name, read),
            written=written,
        )

    def _ends_masks(self, name: str, tensors: list[Tensor]) -> bool:
        """Return whether what an operator makes is hardly ever zero or low, whatever it is of."""
        learned = (one for one in tensors if self._is_learned(one) and not self._is_unread(one))
        return name in _SMOOTH or (name in _LAYERS and any(True for _ in learned))

    def after(self, made: _Made, out: Any) -> None:
        """Note what an operator made."""
        results = out if isinstance(out, list | tuple) else [out]
        tensors = made.written or [one for one in results if isinstance(one, Tensor)]
        for number, tensor in enumerate(tensors):
            chosen = not (tensor.is_floating_point() or tensor.is_complex())  # by what is learned
            facts = Facts() if number else made.facts
            self._set(tensor, facts, unread=made.is_unread or chosen, part=bool(made.written))

    def seen(self, constant: Tensor, operator: str) -> Tensor:
        """Return a constant as the rule of an operator is to see it.

        What is made of weights is a parameter without values, or where it is masked 0 and -inf
        among ones; what may be any mask has no values.
        """
        if not self._is_made(constant):
            is_mask = isinstance(constant, nn.Parameter) and operator not in _WEIGHED
            return constant.detach() if is_mask else constant
        if self._is_unread(constant):
            return constant if constant.is_meta else constant.to("meta")
        is_kernel = operator in _KERNELS and constant.dim() > 1
        facts = self._facts(constant, own=not is_kernel)
        if facts and operator not in COMPARED:
            return self._named(stands_for(facts.stand_in(constant), constant, facts.zero), constant)
        if constant.is_meta and isinstance(constant, nn.Parameter):
            return self._named(constant, constant)
        bare = bodiless(constant.detach())
        if not bare.is_meta:
            return constant
        shown = nn.Parameter(bare, requires_grad=False)
        return self._named(stands_for(shown, constant, None), constant)

    def _named(self, shown: Tensor, constant: Tensor) -> Tensor:
        """Say of what is shown for a learned constant which one that is: its memory tells."""
        memory = memory_of(constant)
        if memory not in self._of or constant.layout is not torch.strided:
            return shown
        place = constant.storage_offset(), tuple(constant.shape), constant.stride()
        key = memory, constant.dtype, constant._version, *place
        return named(shown, self._names.setdefault(key, len(self._names)))

    def zeros_of(self, tensor: Tensor) -> Tensor | None:
        """Return where a constant is zero, whatever is learned; None: nowhere."""
        return self._facts(tensor).zero

    def is_plain(self, tensor: Tensor) -> bool:
        """Return whether a tensor's values stand for themselves."""
        return not self._is_made(tensor)

    def _is_made(self, tensor: Tensor) -> bool:
        """Return whether a tensor's values do not stand for themselves."""
        return tensor.is_meta or self._is_learned(tensor)

    def _is_learned(self, tensor: Tensor) -> bool:
        known = memory_of(tensor) in self._of
        return known or (isinstance(tensor, nn.Parameter) and not _is_constant(tensor))

    def _is_unread(self, tensor: Tensor) -> bool:
        memory = self._of.get(memory_of(tensor))
        if memory is not None:
            return memory.is_unread
        return tensor.is_meta and not isinstance(tensor, nn.Parameter)

    def _facts(self, tensor: Tensor, *, own: bool = True) -> Facts:
        """Return what is known of a tensor's elements, with `own` by a weight's own values too."""
        if not self._is_made(tensor):
            return facts_of_values(tensor)
        memory = self._of.get(memory_of(tensor))
        found = Facts() if memory is None else memory.facts.viewed(tensor)
        if own and not found and isinstance(tensor, nn.Parameter) and not tensor.is_meta:
            return facts_of_values(tensor).low_alone()  # no training leads there
        return found

    def _set(self, tensor: Tensor, facts: Facts, *, unread: bool, part: bool) -> None:
        """Note of a tensor, which may be a part of its memory, what is known of its elements."""
        name = memory_of(tensor)
        memory = self._of.get(name)
        if memory is None or not part:
            memory = self._of[name] = _Memory(_reference(tensor), Facts(), is_unread=False)
        memory.is_unread = memory.is_unread or unread
        if tensor.layout is torch.strided and tensor.numel() <= MOST_ELEMENTS:
            memory.facts = memory.facts.written(tensor, facts)
        else:
            memory.facts = Facts()

    def _facts_of_memory(self, tensor: Tensor) -> Facts:
        """Return what is known of all elements of the memory that a tensor is a part of."""
        if tensor.is_meta or tensor.layout is not torch.strided:
            return Facts()
        size = tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)
        return facts_of_values(tensor.detach().as_strided((size,), (1,), 0))


def _is_constant(parameter: Tensor) -> bool:
    """Return whether a parameter is a mask or an index, which is not trained."""
    if parameter.is_meta or parameter.requires_grad:
        return False
    if type(parameter).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return False  # packed weights, which know few operators
    if not parameter.is_floating_point() or parameter.layout is not torch.strided:
        return not (parameter.is_floating_point() or parameter.is_complex())
    if not 1 < parameter.numel() <= MOST_ELEMENTS:
        return False
    values = parameter.detach()
    some = values.flatten()[:64]
    if not bool(((some == 0) | (some == 1)).all()):
        return False
    return bool(((values == 0) | (values == 1)).all()) and bool((values == 0).any())


def _reference(tensor: Tensor) -> StorageWeakRef | None:
    try:
        return StorageWeakRef(tensor.untyped_storage())
    except (NotImplementedError, RuntimeError):
        return None
