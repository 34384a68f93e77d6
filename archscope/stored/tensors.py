"""What a file that holds a network says of its tensors; values are not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal

from archscope.records import frozen
from archscope.stored.reading import BadFileError

Role = Literal["parameter", "packed", "scale", "buffer"]
"""`packed`: numbers that stand for weights in fewer bits, or several to one. `scale`: what these
are multiplied by or shifted by; it is no parameter, and its bytes are part of the weights'."""


@frozen
class Entry:
    """A tensor as the file lists it."""

    name: str
    """Dotted name, as in a state dict."""
    shape: tuple[int, ...]
    """As it is held."""
    dtype: str
    """Number type, as torch calls it (`bfloat16`), of GGUF's own as there (`Q4_K`)."""
    bytes: int
    """Bytes that it takes, without padding."""
    place: tuple[Any, ...] = ()
    """Where its numbers stand: as many of one place are the same. Empty: unknown."""
    file: str = ""
    """The file that it stands in, of several; empty: there is one."""
    is_parameter: bool | None = None
    """What the file itself says; None: it does not tell parameters from buffers."""
    trains: bool = True
    """Whether its gradient is wanted, where the file says so."""

    @property
    def elements(self) -> int:
        """How many numbers are held."""
        count = 1
        for size in self.shape:
            count *= size
        return count


LONGEST = 1_000
"""Characters of a tensor's name."""
DEEPEST = 100
"""Parts of a tensor's name."""


@frozen
class Held:
    """A tensor, and what it is for."""

    entry: Entry
    role: Role
    numbers: int
    """Parameters, or elements of a buffer, that it stands for; 0 of scales, and of a tensor that
    another name holds."""
    bytes: int
    """Bytes that it adds to the file."""
    stands_for: str = ""
    """The name of the weight that packed numbers stand for; empty: its own."""
    shape: tuple[int, ...] | None = None
    """The shape of that weight, where it is known."""
    same_as: str = ""
    """The tensor that holds the same numbers and counts for both."""
    why: str = ""
    """How its role is known, where its type alone does not say."""
    active: int | None = None
    """Of the parameters those that one token uses, where the file says that it is not all."""


@frozen
class Step:
    """One operator of a graph, as the file lists it."""

    path: str
    """The module, or the node, that it belongs to."""
    operator: str
    """E.g. `Conv`, `aten.convolution.default`."""
    output_shape: tuple[int, ...] | None = None
    """Shape of its first result; None where the file does not tell and none can be found."""
    macs: int | None = None
    """Multiply-accumulates; 0 where it does none, None where they are unknown."""
    why: str = ""
    """Why they are unknown."""


@frozen
class Stored:
    """All that a file, or several that belong together, say of a network."""

    form: str
    """What the form is called, e.g. `safetensors`."""
    held: tuple[Held, ...]
    """Every tensor, in the order of the network where the file keeps it."""
    files: int = 1
    """How many files hold them."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of the network beside its tensors, as JSON values."""
    notes: tuple[str, ...] = ()
    """What a reader must know to read the numbers rightly."""
    steps: tuple[Step, ...] | None = None
    """The operators in order; None: the file holds no graph."""
    inputs: tuple[tuple[str, tuple[int, ...], str], ...] = ()
    """Name, shape and number type of what its graph is called with."""
    graph: Callable[[str], Any] | None = None
    """Makes a `torch.nn.Module` of it on a device, and its inputs; `meta`: on shapes alone. None:
    it cannot be."""
    no_graph: str = ""
    """Why it cannot, where there is a graph."""


def require_names(stored: Stored, shown: str) -> None:
    """Raise `BadFileError` for a name that no network has: its modules would never end."""
    for each in stored.held:
        name = each.entry.name
        if len(name) > LONGEST or name.count(".") >= DEEPEST:
            raise BadFileError(
                f"{shown} names a tensor by {len(name):,} characters in {name.count('.') + 1:,} "
                f"parts; {LONGEST:,} and {DEEPEST} are read: {name[:40]!r}..."
            )
