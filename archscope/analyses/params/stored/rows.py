"""Row types of what a file holds: each tensor, each number type, and what its network lacks."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class TensorRow:
    """One tensor of a file."""

    path: str = column("Tensor", kind="path")
    """Dotted name."""
    shape: tuple[int, ...] = column("Shape", kind="shape")
    """As it is held."""
    dtype: str = column("Number type")
    """As torch calls it; of GGUF's own as there."""
    role: str = column("Role")
    """`parameter`, `packed`: stands for weights in fewer bits; `scale`: belongs to these;
    `buffer`."""
    parameters: int = column("Params", kind="count", share=True, held_by="same_as")
    """Parameters that it stands for."""
    buffers: int = column("Buffers", kind="count", idle="empty", drop=2)
    """Elements that are not parameters."""
    bytes: int = column("Bytes", kind="bytes", drop=1)
    """What it takes in the file."""
    own_parameters: int = column()
    own_buffers: int = column()
    own_bytes: int = column()
    stands_for: str = column("Stands for", idle="empty", drop=3, default="")
    """The weight that packed numbers stand for, where that has another name or shape."""
    same_as: str | None = column(kind="reference", default=None)
    """The tensor that holds the same numbers, which counts for both."""
    why: str = column("Why", idle="empty", drop=4, default="")
    """How its role is known, where its number type alone does not say."""
    file: str = column(default="")
    """The file that it stands in, of several."""


@frozen
class NumberTypeRow:
    """All tensors of one number type."""

    dtype: str = column("Number type")
    tensors: int = column("Tensors", kind="count")
    parameters: int = column("Params", kind="count", share=True, bar=True)
    """Parameters that they stand for."""
    buffers: int = column("Buffers", kind="count", drop=1)
    """Elements that are not parameters."""
    bytes: int = column("Bytes", kind="bytes", share=True)
    """What they take in the file."""
    bits: float | None = column("Bits per number", kind="number", none="–")
    """Bits for each parameter or element of a buffer; None where they stand for none."""


TENSORS = Section(
    analysis="params",
    name="tensors",
    row_type=TensorRow,
    caption="Tensors of the file",
    chapter="layers",
    folded=True,
)
NUMBER_TYPES = Section(
    analysis="params",
    name="number_types",
    row_type=NumberTypeRow,
    caption="Number types of the tensors",
    chapter="cost",
    folded=True,
)


@frozen
class NeededRow:
    """A tensor in which a file and the network of its configuration differ."""

    path: str = column("Tensor", kind="path")
    """Dotted name, as the network has it."""
    state: str = column("State")
    """`missing`, `not needed`, `other shape`, or `tied`: another name of it is there."""
    needed: tuple[int, ...] | None = column("Needed", kind="shape", none="–", default=None)
    """Its shape in the network; None where it has none."""
    found: tuple[int, ...] | None = column("In the file", kind="shape", none="–", default=None)
    """Its shape in the file; None where it is not there."""
    numbers: int = column("Numbers", kind="count")


NEEDED = Section(
    analysis="params",
    name="needed",
    row_type=NeededRow,
    caption="Where the file and the network of its configuration differ",
    chapter="layers",
    folded=True,
)
