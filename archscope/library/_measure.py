"""Answers what is measured of one network: each analysis runs at most once, and only if asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archscope import study
from archscope.assertions import Dimension, Found
from archscope.errors import ArchscopeError, ForwardError, UsageError, failure_of
from archscope.library._analyse import read_settings
from archscope.library._bounded import bound_subject
from archscope.library._params import count_subject
from archscope.library._rf import see_network
from archscope.library._time import time_network
from archscope.library._timed import time_subject
from archscope.results import Report
from archscope.studies.measures import measure, settings_of
from archscope.subject import Holding, Network, Subject

_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "params": ("freeze",),
    "rf": ("graph", "output", "unit", "studied", "axes", "verify"),
    "time": (
        "device",
        "dtype",
        "step",
        "warmup",
        "runs",
        "budget",
        "compiled",
        "gpu",
        "channels_last",
        "autocast",
        "cudnn_benchmark",
        "attention_kernel",
    ),
}
"""What may be set of the analyses that have commands of their own."""


class Answers:
    """What is known of one network, found out when it is first asked for."""

    def __init__(
        self,
        network: Network | Subject,
        *,
        names: tuple[str, ...] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        sample_rate: str | float | None = None,
        without_inputs: Callable[[], Network] | None = None,
    ) -> None:
        """Tell of a network; `names` are all the measures that will be asked for.

        `without_inputs` is the same network where nothing is called, for parameters alone.
        """
        self._network = network
        self._settings = settings or {}
        self._sample_rate = sample_rate
        self._without_inputs = without_inputs
        self._names = names
        self._found: dict[str, Report | ArchscopeError] = {}
        self._lacks: ArchscopeError | None = None  # why no work was counted, or not all of it

    def look(self, name: str, dimension: Dimension) -> Found:
        """Return what is known of a measure; raises `ArchscopeError` where its analysis fails."""
        wanted = measure(name)
        found = wanted.of(self.report(wanted.analysis), dimension)
        in_full = found.values and not found.bound
        if not in_full and wanted.analysis == "params" and self._lacks is not None:
            raise self._lacks
        return found

    def known(self, name: str) -> Found:
        """Return what is known of a measure in its first dimension, without inputs too."""
        wanted = measure(name)
        report = self.report(wanted.analysis)
        if isinstance(self._lacks, ForwardError):
            raise self._lacks
        return wanted.of(report)

    def reports(self) -> tuple[Report, ...]:
        """Return the answers that are there by now."""
        return tuple(each for each in self._found.values() if isinstance(each, Report))

    def report(self, analysis: str) -> Report:
        """Return the answer of an analysis; raises `ArchscopeError` where it fails."""
        if analysis not in self._found:
            try:
                self._found[analysis] = self._report(analysis)
            except (Exception, SystemExit) as error:  # one network must not end all others
                self._found[analysis] = failure_of(error)
        found = self._found[analysis]
        if isinstance(found, ArchscopeError):
            raise found
        return found

    def _report(self, analysis: str) -> Report:
        given = dict(self._settings.get(analysis, {}))
        check_settings(analysis, given)
        asked = settings_of(analysis, self._names, given)
        if analysis == "params":
            return self._counted(asked)
        if analysis == "rf":
            return self._seen(asked)
        if analysis == "time":
            return self._timed(asked)
        chosen = read_settings(analysis, asked)
        if isinstance(self._network, Subject):
            return study.analyse(analysis, self._network, **chosen)
        return study.ask(analysis, self._network, **chosen)

    def _counted(self, asked: dict[str, Any]) -> Report:
        freeze = asked.pop("freeze", ())
        asked["freeze"] = (freeze,) if isinstance(freeze, str) else tuple(freeze)
        if isinstance(self._network, Subject):
            return self._until_it_fails(self._network, asked)
        network = self._network
        try:
            subject = study.countable(network, in_full=bool(asked.get("nonzero")))
        except UsageError as error:
            if self._without_inputs is None:
                raise
            subject = study.made(self._without_inputs().subject)
            self._lacks = error
        return self._until_it_fails(subject, asked)

    def _until_it_fails(self, subject: Subject | Holding, asked: dict[str, Any]) -> Report:
        """Return the count of a subject; its parameters are known also where its forward fails."""
        try:
            return count_subject(subject, **asked)
        except ForwardError as error:
            if not isinstance(error.report, Report):
                raise
            self._lacks = error
            return error.report

    def _seen(self, asked: dict[str, Any]) -> Report:
        settings = {"sample_rate": self._sample_rate, **asked}
        for name in ("unit", "axes"):
            if name in settings:
                each = settings[name]
                settings[name] = (each,) if isinstance(each, int) else tuple(each)
        if isinstance(self._network, Subject):
            return study.analyse("rf", self._network, **settings)
        return see_network(self._network, **settings)

    def _timed(self, asked: dict[str, Any]) -> Report:
        gpu = asked.pop("gpu", None)
        network = self._network
        if isinstance(network, Subject):
            network.required_inputs("time")
        counted = self.report("params")
        if gpu is not None:
            subject = network if isinstance(network, Subject) else study.made(network.subject)
            return bound_subject(subject, gpu, **asked)
        if isinstance(network, Subject):
            return time_subject(network, counted, copy=True, **asked)
        return time_network(network, counted=counted, **asked)


def check_settings(analysis: str, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` with the names that there are for a setting that an analysis lacks."""
    if analysis not in _SETTINGS:
        read_settings(analysis, given)
        return
    known = _SETTINGS[analysis]
    for name in given:
        if name not in known:
            raise UsageError(f"{analysis} has no setting {name!r}; there are {', '.join(known)}")
