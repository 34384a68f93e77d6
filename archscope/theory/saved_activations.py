"""What a training step keeps for its backward, tensor by tensor, in closed form.

A family tells its spec as `SavedActivations`: `saved_activations(spec, way)`. Each block of memory
stands once, at the part that asks for it first, as torch's autograd keeps it; parameters are none
of it. Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models,
section 4, count the same.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from archscope.records import frozen
from archscope.theory.counts import Symbols, evaluate, substitute

NumberType = Literal["activation", "fp32", "byte", "int64"]
"""`activation`: that of weights and activations, of 2 or 4 bytes. `byte`: a mask."""
Division = Literal["whole", "sequence", "tensor"]
"""What of it one card of several keeps (Korthikanti et al. 2022, section 4.2). `tensor`: its share
wherever weights are split by tensor parallelism. `sequence`: all of it, unless there is sequence
parallelism beside. `whole`: always all of it."""
Holds = Literal["activation", "input", "buffer"]
"""`input`: what the network is called with, `buffer`: what it holds beside weights, as the averages
of a batch norm. Both are there whatever is kept."""
SIZES = {"fp32": 4, "byte": 1, "int64": 8}
"""Bytes of the number types that do not depend on the activations'."""


@frozen
class Way:
    """How a step runs, as far as it changes what is kept."""

    attention: Literal["flash", "math"] = "flash"
    """`flash`: a fused kernel, which keeps no scores. `math`: they are tensors like any other."""
    selective: bool = False
    """Whether what attention makes on the way to its answer is computed again (Korthikanti et al.
    2022, section 5)."""
    every: int = 0
    """Each so many-th block keeps what it is called with alone and runs again; 1 is all, 0 none."""
    dropout: bool = False
    """Whether there is dropout on attention's weights and on what each part of a block returns, as
    in what is published; a card keeps a byte for each element."""


@frozen
class SavedTensor:
    """One block of memory that is kept.

    >>> symbols = {"b": 8, "s": 1024, "d": 768}
    >>> kept = SavedTensor(what="ln_1", form="b*s*d", symbols=symbols, division="sequence")
    >>> kept.bytes(activation=2), kept.formula(2), kept.numbers(2)
    (12582912, '2*b*s*d', '2*8*1024*768')
    >>> kept.bytes(activation=2, tensor_parallel=4, sequence_parallel=True)
    3145728
    """

    what: str
    """What it is: the module whose answer it is, or a word for what is made on the way."""
    by: str = ""
    """The module of the part that asks for it first, e.g. `attn.qkv`; empty: the part itself."""
    form: str
    """Formula of its elements, e.g. `b*s*d`."""
    symbols: Symbols
    """Value of each symbol."""
    type: NumberType = "activation"
    division: Division = "whole"
    axis: str = ""
    """The symbol of what is divided among cards, e.g. `h` for heads: the card with most gets its
    share rounded up; empty: the elements are."""
    holds: Holds = "activation"
    minor: bool = False
    """Whether published formulas leave it out: statistics of norms, masks that all heads share."""

    @property
    def elements(self) -> int:
        """Its elements on one card without parallelism."""
        return evaluate(self.form, self.symbols)

    def bytes(
        self, *, activation: int, tensor_parallel: int = 1, sequence_parallel: bool = False
    ) -> int:
        """Return what the card that keeps most of it keeps; `activation`: bytes of that type."""
        shares = self.shares(tensor_parallel, sequence_parallel)
        size = SIZES.get(self.type, activation)
        if shares == 1:
            return size * self.elements
        if not self.axis:
            return size * -(-self.elements // shares)
        along = self.symbols[self.axis]
        return size * (self.elements // along * -(-along // shares))

    def shares(self, tensor_parallel: int, sequence_parallel: bool) -> int:
        """Return among how many cards it is divided."""
        divided = self.division == "tensor" or (self.division == "sequence" and sequence_parallel)
        return tensor_parallel if divided else 1

    def formula(self, activation: int) -> str:
        """Return the formula of its bytes on one card, e.g. `2*b*s*d`."""
        return _times(SIZES.get(self.type, activation), self.form)

    def numbers(self, activation: int) -> str:
        """Return the same with its numbers filled in, e.g. `2*8*1024*768`."""
        return substitute(self.formula(activation), self.symbols)


@frozen
class SavedPart:
    """A part of a network, a block or what stands before, between and after them."""

    path: str
    """Where it stands, e.g. `blocks.0`; of several that are alike the first."""
    tensors: tuple[SavedTensor, ...] = ()
    """What it asks for first, in order."""
    block: bool = False
    """Whether it is one of the blocks that stand in lists."""
    unknown: str = ""
    """Why what it keeps has no closed form; empty: it has one."""

    def bytes(
        self,
        *,
        activation: int,
        tensor_parallel: int = 1,
        sequence_parallel: bool = False,
        inputs: bool = True,
        minor: bool = True,
    ) -> int | None:
        """Return what the card that keeps most keeps of it; None where there is no closed form.

        `inputs`: with what is there whatever is kept. `minor`: with what published formulas leave
        out.
        """
        if self.unknown:
            return None
        return sum(
            each.bytes(
                activation=activation,
                tensor_parallel=tensor_parallel,
                sequence_parallel=sequence_parallel,
            )
            for each in self.tensors
            if (inputs or each.holds == "activation") and (minor or not each.minor)
        )


@frozen
class SavedActivations:
    """What a step keeps of a network, part by part."""

    parts: tuple[SavedPart, ...]
    """In the order in which they run; blocks that are alike are one object, as often as it runs."""
    paths: tuple[str, ...] = ()
    """Where each of the blocks stands, in order."""

    @property
    def blocks(self) -> tuple[SavedPart, ...]:
        """The blocks, in order."""
        return tuple(part for part in self.parts if part.block)

    @property
    def first(self) -> tuple[SavedPart, ...]:
        """What stands before the first block: embeddings."""
        return self.parts[: self._places()[0]]

    @property
    def last(self) -> tuple[SavedPart, ...]:
        """What stands behind the last block: a norm, heads."""
        return self.parts[self._places()[-1] + 1 :]

    @property
    def unknown(self) -> str:
        """Why there is no closed form of some part; empty: there is one of all."""
        return next((part.unknown for part in self.parts if part.unknown), "")

    def bytes(
        self,
        *,
        activation: int,
        tensor_parallel: int = 1,
        sequence_parallel: bool = False,
        inputs: bool = True,
        minor: bool = True,
    ) -> int | None:
        """Return the sum over all parts, as `SavedPart.bytes`; None where one has no form."""
        found = 0
        for part, times in self.alike():
            size = part.bytes(
                activation=activation,
                tensor_parallel=tensor_parallel,
                sequence_parallel=sequence_parallel,
                inputs=inputs,
                minor=minor,
            )
            if size is None:
                return None
            found += times * size
        return found

    def alike(self) -> list[tuple[SavedPart, int]]:
        """Return each part once, blocks that are alike too, and how often it runs."""
        times = Counter(map(id, self.parts))
        return [
            (part, times[id(part)]) for part in {id(part): part for part in self.parts}.values()
        ]

    def _places(self) -> tuple[int, ...]:
        found = tuple(number for number, part in enumerate(self.parts) if part.block)
        return found or (len(self.parts),)


def _times(size: int, form: str) -> str:
    if size == 1:
        return form
    return f"{size}*({form})" if "+" in form or "-" in form else f"{size}*{form}"
