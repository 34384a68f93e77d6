"""Questions about several networks: one folder each, with the constant `STUDY`. No torch.

The files beside the folders are what all questions share.
"""

from __future__ import annotations

from archscope.records import frozen
from archscope.registry import Registry, resolve
from archscope.results import Section


@frozen
class Study:
    """A question about several networks, answered from what analyses say of each."""

    name: str
    """What the user types, e.g. `compare`."""
    summary: str
    """One line."""
    sections: tuple[Section | str, ...] = ()
    """Those that it may return, without rows: so that a saved one is read back. Addresses stand for
    those whose types are made when they are wanted."""

    def declared(self) -> tuple[Section, ...]:
        """Return its sections, those that are given by address too."""
        return tuple(resolve(each) if isinstance(each, str) else each for each in self.sections)


STUDIES = Registry("study", "archscope.studies", "STUDY", Study, folders_alone=True)
