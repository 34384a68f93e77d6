"""What the dispatcher saw of one forward pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from archscope.counting.operators import OperatorClass
from archscope.counting.path_lengths import PathLength
from archscope.counting.uninitialised import Unseen


@dataclass(slots=True)
class Tally:
    """What one operator did inside one module."""

    calls: int = 0
    elements: int = 0
    """Elements of all outputs that are not views."""
    macs: int = 0
    estimated_flops: int = 0
    """FLOPs of transforms and factorisations, which are no multiply-accumulates."""
    kind: OperatorClass = "unknown"
    source: str = ""
    """Whose formula counted it, which no second engine holds; empty for archscope's own."""


@dataclass(slots=True)
class DispatcherCount:
    """What one forward pass did, as far as it got."""

    work: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    """By (path of the module that owns the weights or runs the operator, operator)."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """How often each module's forward finished, by path."""
    input_shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Shapes of the positional tensors of each module's first call, by path."""
    output_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of the first tensor that each module returned first, by path."""
    depth: PathLength = field(default_factory=PathLength)
    """The longest path through the whole network."""
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    """Results that nothing seen has written, by the path of the module that used them first."""
    elsewhere: Set[str] = frozenset()
    """Paths of modules that ran in threads of the forward's own, where nothing is counted."""
    unlike: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Multiply-accumulates by closed form and as counted, where they differ, by path."""
    choices: set[tuple[str, str, int, int]] = field(default_factory=set)
    """Path of the module that ran, operator, of how many the largest were chosen, how many were."""
    sparse: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates by the entries that sparse operands store, by path."""
    fvcore_estimates: Counter[str] = field(default_factory=Counter)
    """What fvcore estimates for norms, pools and resampling, by path of the module that runs."""
    convolved_complex: set[str] = field(default_factory=set)
    """Paths of modules with complex convolutions, of which a trace shows three real ones."""
    weightless: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates of products that apply no weight, as attention's, by path."""
    transformed: bool = False
    """Whether a part ran within a transform of torch.func, a derivative forwards or a backward, of
    which a trace does not show all."""
    complex_macs: Counter[str] = field(default_factory=Counter)
    """Real multiply-accumulates that were made of complex ones, by path."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an operator that has a formula could not be counted."""
    failed_in: str | None = None
    """The module whose forward was running when an error was raised."""

    def macs(self, *, comparable: bool = False) -> Counter[str]:
        """Return the multiply-accumulates of each module's own work, by path.

        With `comparable` without those that no other engine could count.
        """
        found: Counter[str] = Counter()
        for (path, _), tally in self.work.items():
            if tally.macs and not (comparable and tally.source):
                found[path] += tally.macs
        return found
