"""The module under study: all that an analysis sees of what the user asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from archscope import specs
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import InputShape

if TYPE_CHECKING:
    from torch import nn

    from archscope.stored.tensors import Stored
    from archscope.theory.outline import Outline
    from archscope.theory.saved_activations import SavedActivations, Way


_WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
"""Classes that run another module, by name, and the attribute that holds it."""


@frozen
class Inputs:
    """The arguments of one call of the module's forward; tensors at any depth of nesting."""

    args: tuple[Any, ...] = ()
    """Positional arguments."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments."""

    def shapes(self) -> tuple[InputShape, ...]:
        """Return the tensors among the arguments, by their place."""
        arguments = {**{str(i): arg for i, arg in enumerate(self.args)}, **self.kwargs}
        return tuple(_tensors("", arguments))

    def shape_hint(self) -> str:
        """Return what to do where a shape stands in place of a tensor, as other tools take it."""
        given = (*self.args, *self.kwargs.values())
        shape = next((tuple(each) for each in given if _is_shape(each) and each), None)
        return "" if shape is None else f" A shape is not an input: give input_shape={shape}."


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(type(size) is int for size in value)


def _tensors(path: str, value: Any) -> Iterator[InputShape]:
    if isinstance(value, Mapping):  # first: some look attributes up among their keys
        for key, item in value.items():
            yield from _tensors(f"{path}.{key}" if path else str(key), item)
    elif getattr(value, "is_nested", False):  # its parts differ in their shapes
        yield from _tensors(path, value.unbind())
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        dtype = str(value.dtype).removeprefix("torch.")
        yield InputShape(name=path, shape=tuple(value.shape), dtype=dtype)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _tensors(f"{path}.{number}", item)


@frozen
class Repeat:
    """A block that was built once and stands for several of the same kind."""

    path: str
    """Dotted path of the block that exists, e.g. `blocks.0`."""
    copies: tuple[str, ...]
    """Dotted paths of all the blocks that it stands for, itself first, in order."""
    shared: bool = False
    """Whether these are one block that runs so many times: its weights count once."""


@frozen
class Stretch:
    """Blocks of a list that follow each other over and over, of which most were left out.

    A period of one or several blocks stands three times in front, and once behind.
    """

    before: tuple[str, ...]
    """Paths of the second period."""
    middle: tuple[str, ...]
    """Paths of the third, which stands for all that were left out."""
    after: tuple[str, ...]
    """Paths of the one behind."""


@frozen
class Subject:
    """A module, what to call it with, and where it came from."""

    name: str
    """One line that tells a reader what was studied."""
    model: nn.Module
    """The module; an analysis leaves it as found."""
    inputs: Inputs | None
    """What forward is called with; None where only parameters can be counted."""
    origin: str
    """`family:transformer`, `memory`, a file."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The spec's fields as JSON values; empty for a network that was handed over in memory."""
    repeats: tuple[Repeat, ...] = ()
    """Blocks that stand for more than themselves; disjoint, in order of execution."""
    outline: Outline | None = None
    """What the network looks at, where its family tells; an analysis may answer from it alone."""
    whole: Callable[[], nn.Module] | None = None
    """Makes it anew with every block, on torch's current default device; None: it is as it is."""
    shorter: Callable[[int], Subject | None] | None = None
    """Makes it anew with the first, last and two more of blocks that follow each other over and
    over, of a period that is so often a multiple of one block; None where that leaves none out."""
    stretches: tuple[Stretch, ...] = ()
    """Where it was made shorter so."""
    at_batch: Callable[[int], Subject] | None = None
    """Makes it anew for another number of sequences or images; None: nobody knows how."""
    saved_activations: Callable[[Way], SavedActivations] | None = None
    """What a training step keeps in closed form; None: a run has to tell."""
    example: Callable[[], str] | None = None
    """Makes the text of an example of inputs that fits it; None: that of an image."""

    def required_inputs(self, verb: str) -> Inputs:
        """Return what forward is called with; raises `UsageError` where `verb` was given none."""
        if self.inputs is None:
            example = self.example() if self.example else "torch.zeros(1, 3, 224, 224)"
            raise UsageError(f"{self.name}: {verb} needs an example input, e.g. {example}")
        return self.inputs


@frozen
class Sketch:
    """A network that was not built: what an analysis without torch sees of a `Subject`."""

    name: str
    """One line that tells a reader what was studied."""
    outline: Outline
    """What the network looks at."""
    origin: str
    """`family:transformer`, `stack`."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The spec's fields as JSON values."""
    whole: Callable[[], Subject] | None = None
    """Makes the real network, without data; None: whoever named it makes it."""


@frozen
class Holding:
    """What a file holds of a network: its tensors, and its operators where it has a graph."""

    name: str
    """One line that tells a reader what was studied."""
    stored: Stored
    """What the file says."""
    origin: str
    """`safetensors:model.safetensors`."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of the network beside its tensors, as JSON values."""
    inputs: Inputs | None = None
    """None: nothing is called."""


@frozen
class Published:
    """A figure that a network's authors print, to hold against what is counted."""

    quantity: str
    """What it is a figure of: a total of the `params` report, e.g. `trainable` or `macs`."""
    value: int
    """The figure, e.g. 110,000,000."""
    text: str
    """As it is printed, e.g. `110M`."""
    source: str
    """Where it stands, e.g. `Devlin et al. 2019, section 3`."""
    counts: str = ""
    """What it counts, where that is not the whole network."""
    reason: str = ""
    """Why it differs from what is counted, where it does."""


@frozen
class Network:
    """A network that was named and not built yet; each analysis takes the form that it needs."""

    name: str
    """One line that tells a reader what it is."""
    origin: str
    """`family:transformer`, `preset:gpt2`, `file:net.py`."""
    subject: Callable[[], Subject]
    """For counting: without data, blocks that repeat built once where that can be told."""
    whole: Callable[[], Subject]
    """For running: every block, weights and inputs random, on torch's current default device."""
    sketch: Callable[[], Sketch] | None = None
    """For what needs no torch; None where the network does not tell what its layers look at."""
    own: Callable[[], Subject] | None = None
    """With the weights that the user's code gives it; None where a name brings none."""
    published: tuple[Published, ...] = ()
    """What its authors say of it."""
    family: str = ""
    """The family that makes it; empty: none does."""
    spec: Any = None
    """The spec that the family makes it of."""
    holding: Callable[[], Holding] | None = None
    """What the file that names it holds; None: it is named by no such file."""
    described: bool = False
    """Whether a configuration beside that file describes the network, and not its own graph."""
    counted: Callable[[], Subject | Holding] | None = None
    """The form in which its parameters are counted, where that is not `subject`: a file's list of
    tensors needs no torch."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The spec's fields as JSON values; empty where there is no spec."""
        return {} if self.spec is None else specs.values(self.spec)

    def held(self) -> Subject:
        """Return the form whose weights have the network's own values, where there is one."""
        return self.subject() if self.own is None else self.own()


@frozen
class Request:
    """What a user says of a network beside its name."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of its spec, by name: values, or texts as typed."""
    input_shapes: tuple[str, ...] = ()
    """What its forward is called with, as typed: `1,3,224,224`, `ids:int64:1,128`."""
    input_values: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that are not tensors, by where they go: `t`, `0`, `batch.scale`."""
    inputs_from: str | None = None
    """What makes its inputs: a function of the user's, e.g. `./data.py:batch`."""
    method: str | None = None
    """What is called in forward's place, e.g. `encode`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the class or function that makes it."""
    parameters_alone: bool | None = None
    """Whether it needs no inputs; None where what is asked of it cannot do without."""


def as_network(subject: Subject) -> Network:
    """Return a module in memory as what a name would stand for."""
    return Network(
        name=subject.name,
        origin=subject.origin,
        subject=lambda: subject,
        whole=lambda: subject,
    )


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module that was compiled or replicated: it is what is counted."""
    while type(model).__name__ in _WRAPPERS and type(model).__module__.startswith("torch."):
        model = getattr(model, _WRAPPERS[type(model).__name__])
    return model
