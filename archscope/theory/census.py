"""The layers of a network in closed form, before any of them is built.

A census is counted from a spec in a fraction of a millisecond, by no engine: it is what a sweep or
a search prunes by. Tests hold it equal to both engines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from archscope.records import frozen
from archscope.theory.counts import ClosedForm

LINEAR, NORM, EMBEDDING = "linear", "norm", "embedding"
ATTENTION, EXPERTS, STATE_SPACE, RECURRENT = "attention", "experts", "state space", "recurrent"
ACTIVATION = "activation"
FUNCTIONS = "functions"
"""What functions do in the forward of a module which is no layer."""
OWN_PARAMETERS = "own parameters"
"""Parameters that a module holds itself which is no layer: class tokens, positions, scales."""


def convolution_kind(
    kernel: Collection[int], *, inputs: int, groups: int = 1, transposed: bool = False
) -> str:
    """Return what a convolution is called.

    >>> convolution_kind((3, 3), inputs=8, groups=8), convolution_kind((1,), inputs=8)
    ('depthwise conv 2d', 'pointwise conv 1d')
    """
    if transposed:
        kind = "transposed "
    elif groups == 1:
        kind = "pointwise " if set(kernel) == {1} else ""
    else:
        kind = "depthwise " if groups == inputs else "grouped "
    return f"{kind}conv {len(kernel)}d"


@frozen
class Counted:
    """A layer, or several identical ones, in closed form."""

    kind: str
    """Which type of layer it is, as `params --by type` calls it: `linear`, `depthwise conv 2d`."""
    form: ClosedForm
    """Its parameters and the multiply-accumulates of one run."""
    outputs: int
    """Elements of the output of one run."""
    times: int = 1
    """Runs in one forward pass."""
    copies: int = 1
    """Layers with weights of their own among these: fewer than runs where weights are shared."""
    frozen: bool = False
    """Whether its parameters are not trained."""

    @property
    def params(self) -> int:
        """Parameters of all copies."""
        return self.form.params_value * self.copies

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all runs."""
        return self.form.macs_value * self.times


@frozen
class Census:
    """The layers of a network in closed form, in the order in which they first run.

    >>> from archscope.theory.counts import linear
    >>> form = linear(rows=1, inputs=784, outputs=10, bias=True)
    >>> census = Census(layers=(Counted(kind="linear", form=form, outputs=10),))
    >>> census.params, census.macs, census.activations
    (7850, 7840, 10)
    """

    layers: tuple[Counted, ...]
    """What has parameters or multiplies; activations, pools and sums are not among them."""

    @property
    def trainable(self) -> int:
        """Parameters that are trained, shared ones once."""
        return sum(layer.params for layer in self.layers if not layer.frozen)

    @property
    def frozen(self) -> int:
        """Parameters that are not trained, shared ones once."""
        return sum(layer.params for layer in self.layers if layer.frozen)

    @property
    def params(self) -> int:
        """Parameters, shared ones once."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass, as both engines count them."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activations(self) -> int:
        """Elements of the outputs of all layers that multiply, in one forward pass.

        Radosavovic et al. 2020, Designing Network Design Spaces, section 3.1, count those of
        convolutions; linear layers and what attention answers stand beside them here. Scores of
        attention are no layer's output: a fused kernel never writes them.
        """
        return sum(each.outputs * each.times for each in self.layers if each.form.macs != "0")

    @property
    def runs(self) -> int:
        """Number of layer runs in one forward pass: a lower bound on kernel launches."""
        return sum(layer.times for layer in self.layers if layer.kind != OWN_PARAMETERS)


def repeated(layers: Iterable[Counted], *, times: int, copies: int) -> Iterator[Counted]:
    """Yield the layers of a block that runs so often, with so many sets of weights."""
    for layer in layers:
        yield Counted(
            kind=layer.kind,
            form=layer.form,
            outputs=layer.outputs,
            times=layer.times * times,
            copies=layer.copies * copies,
            frozen=layer.frozen,
        )
