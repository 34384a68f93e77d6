"""Questions about several networks: one folder each, with the constant `STUDY`. No torch.

The files beside the folders are what all questions share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    of_config: str = ""
    """The address of what declares those sections whose types follow from a report's config; it
    raises `UsageError` for a config that tells none. Empty: there are none such."""

    def declared(self, config: Mapping[str, Any] | None = None) -> tuple[Section, ...]:
        """Return its sections, those that are given by address, or by a config, too."""
        fixed = tuple(resolve(each) if isinstance(each, str) else each for each in self.sections)
        return fixed + (tuple(resolve(self.of_config)(config)) if config and self.of_config else ())


STUDIES = Registry("study", "archscope.studies", "STUDY", Study, folders_alone=True)
