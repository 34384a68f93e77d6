"""Questions that can be asked of a subject: one folder each, with the constant `ANALYSIS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from archscope.records import frozen
from archscope.registry import Registry, resolve
from archscope.results import Section

if TYPE_CHECKING:
    from archscope.assertions import Quantity

Needs = Literal["name", "shapes", "whole", "data"]
"""`name`: the `Network` as it was named, of which a family tells much without torch, and the rest
can be built. `shapes`: without data, blocks that repeat built once. `whole`: without data, every
block. `data`: every block, with weights and inputs."""


@frozen
class Analysis:
    """A question that can be asked of a `Subject`."""

    name: str
    """What the user types, e.g. `params`."""
    summary: str
    """One line for `archscope list`."""
    run: Callable[..., tuple[Section, ...]]
    """`run(subject, **settings)`, of a `Subject` or, where it needs a name, of a `Network`; raises
    `ArchscopeError` where there is no answer at all."""
    needs: Needs = "shapes"
    """The form in which it needs a network."""
    takes_files: bool = False
    """Whether it also takes a `Holding`: a file's list of tensors, without torch."""
    settings: type | None = None
    """A frozen dataclass whose fields come from `specs.option`: keywords of `run`, and flags of the
    command that an analysis has which brings none of its own."""
    reported: bool = True
    """Whether a page of everything asks for it by default."""
    sections: tuple[Section | str, ...] = ()
    """Those that it may return, without rows: so that a saved one is read back. Of questions that
    are seldom asked the addresses, e.g. `archscope.analyses.rf.erf.rows:ERF`: their types are made
    when they are wanted."""
    examples: tuple[str, ...] = ()
    """Command lines for the help of a command of its own making, e.g. `archscope train gpt2`."""
    quantities: tuple[Quantity, ...] | str = ()
    """What can be claimed of its answer, e.g. `--assert "rf >= 255"`, or the address of these."""
    claims: tuple[str, ...] = ()
    """Claims for the help of `--assert`, e.g. `step_peak <= 24GiB`; empty: some are made up."""
    failure: str = ""
    """Address of what says of a `Report` why its answer is bad news by itself, in a line, or None:
    the command ends with 3 then. Empty: no answer is."""

    def claimable(self) -> tuple[Quantity, ...]:
        """Return what can be asserted about its answer."""
        found = self.quantities
        return tuple(resolve(found)) if isinstance(found, str) else found

    def declared(self) -> tuple[Section, ...]:
        """Return its sections, those that are given by address too."""
        return tuple(resolve(each) if isinstance(each, str) else each for each in self.sections)


ANALYSES = Registry("analysis", "archscope.analyses", "ANALYSIS", Analysis)
