"""Which module a product belongs to, and which weight it applies, by the memory that it multiplies.

Memory that an operator only copies or converts belongs to the holders of what it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archscope.counting.ownership import Holders, deciding, held_tensors, holders_by_tensor, owner
from archscope.counting.uninitialised import kept_names, memory_of


class AppliedWeights:
    """The holders of the memory that weights lie in, and of what was made of them alone."""

    def __init__(self, model: nn.Module) -> None:
        self._holders = _holders_by_storage(model)
        self._names = kept_names(tensor for _, tensor in held_tensors(model))
        self._inherited: dict[int, Holders] = {}
        self._linear = {p for p, module in model.named_modules() if isinstance(module, nn.Linear)}

    def applied(
        self, operator: str, operands: Sequence[Tensor], running: str
    ) -> tuple[str, int | None]:
        """Return whose work a product is, and the weight that it applies: the last matrix held.

        What is no parameter, as by weight norm, may be a weight too; None: there is no weight.
        """
        held, weight = [], None
        for tensor in deciding(operator, operands):
            key = memory_of(tensor)
            holders = self._holders_of(key)
            if holders:
                held.append(holders)
                weight = key if tensor.ndim > 1 else weight
        made = self._computed(operator, operands, running) if weight is None else weight
        return owner(held, running), made

    def is_weightless(self, operator: str, operands: Sequence[Tensor]) -> bool:
        """Return whether what is multiplied is made by the network alone; a filter is a weight."""
        if "scaled_dot_product" in operator:
            return True  # queries may be learned, and are no layer's weight
        if "conv" in operator:
            return False
        return not any(self._holders_of(memory_of(tensor)) for tensor in operands)

    def hand_on(self, source: int | None, memory: int) -> None:
        """Take in new memory, and the one that it was made of, if of one alone.

        It may have been another tensor's before.
        """
        self._inherited.pop(memory, None)
        holders = None if source is None else self._holders_of(source)
        if holders:
            self._inherited[memory] = holders

    def _computed(self, operator: str, operands: Sequence[Tensor], running: str) -> int | None:
        """Return what stands for a weight that is no parameter.

        What a linear layer multiplies by is its weight however that was made, and so is a filter.
        """
        if running in self._linear:
            return hash(running)
        if "conv" not in operator:
            return None
        # Memory alone does not tell filters apart: the first one's may be the second's by now.
        return hash((running, *map(memory_of, operands[1:2])))  # a packed one is no tensor

    def _holders_of(self, storage: int) -> Holders | None:
        return self._holders.get(storage) or self._inherited.get(storage)


def _holders_by_storage(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each storage; a storage that different weights share has none."""
    holders = holders_by_tensor(model)
    found: dict[int, Holders] = {}
    for _, tensor in held_tensors(model):
        key = memory_of(tensor)
        if found.setdefault(key, holders[id(tensor)]) != holders[id(tensor)]:
            found[key] = ()
    return {key: paths for key, paths in found.items() if paths}
