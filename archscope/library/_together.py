"""Times several networks in turns, in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.library._decoding import decode_macs
from archscope.library._named import network_of, refuse_inputs, subject_of
from archscope.library._params import count_subject
from archscope.library._timed import in_words, timed_as
from archscope.results import Report
from archscope.study import assemble, made
from archscope.subject import Network, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.analyses.time.settings import Settings

_NOT_TOGETHER = {"gpu": None, "cuda_graph": None}


def time_together(
    *models: nn.Module | str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Report:
    """Time several networks in turns, A B B A, so that drift of the machine cancels in their ratio.

    >>> report = time_together("cnn:dilations=1/1", "cnn:dilations=2/2", runs=5, budget=5.0)
    >>> [row.ratio for row in report.section("ratios").rows]  # doctest: +SKIP
    [None, 1.02]

    Each is a module, called with `args` and `kwargs`, or the name of a network; `settings` are
    keywords of `time`. All are compared with the first: section `ratios` has the median of the
    ratios of each turn with its 95% confidence interval, beside the times in seconds. Raises
    `ArchscopeError` if the networks do not fit into memory together.
    """
    if len(models) < 2:
        raise UsageError("time_together compares networks with the first; give two or more")
    if all(isinstance(each, str) for each in models):
        refuse_inputs((*args, *(kwargs or {})))
    networks: list[Network | Subject] = [
        network_of(each, {})
        if isinstance(each, str)
        else subject_of(each, tuple(args), dict(kwargs or {}))
        for each in models
    ]
    names = [each if isinstance(each, str) else type(each).__name__ for each in models]
    return time_networks(networks, names, **timed_as(in_words(settings)))


def time_networks(
    networks: Sequence[Network | Subject], names: Sequence[str], **settings: Any
) -> Report:
    """Time networks in turns, `names` being what each is called; see `time_together`."""
    from archscope.analyses.time.analysis import CONVENTION, title
    from archscope.analyses.time.fit import built
    from archscope.analyses.time.settings import Settings
    from archscope.analyses.time.together import together
    from archscope.timing.devices import resolve
    from archscope.timing.precision import DTYPES, check

    said = next(
        (name for name, plain in _NOT_TOGETHER.items() if settings.get(name) != plain), None
    )
    if said is not None:
        raise UsageError(f"--{said.replace('_', '-')} is for one network; name only one")
    settings.pop("gpu", None)
    copies = any(isinstance(each, Subject) for each in networks)
    asked = Settings(**settings, copy=copies)
    device = resolve(asked.device)
    if asked.step == "decode" and asked.context is None:
        raise UsageError("--pass decode of several networks needs --context, e.g. --context 1024")
    dtype = DTYPES[check(asked.dtype, device)]
    subjects: dict[str, Subject] = {}
    counted: dict[str, int | None] = {}
    for name, network in zip(_apart(names), networks, strict=True):
        counted[name] = _macs(network, asked)
        subjects[name] = network if isinstance(network, Subject) else built(network, device, dtype)
    first = next(iter(subjects.values()))
    head = title(replace(first, name=" against ".join(reversed(subjects))), asked)
    return assemble(
        "time", head, {"networks": list(names)}, together(subjects, counted, asked), CONVENTION
    )


def _macs(network: Network | Subject, asked: Settings) -> int | None:
    """Return the multiply-accumulates of the pass that is timed; None: of a training step."""
    if asked.step == "decode":
        return decode_macs(network, asked.context or 0)
    if asked.step == "train":
        return None
    sketch = network if isinstance(network, Subject) else made(network.subject)
    macs: int | None = count_subject(sketch).totals.macs
    return macs


def _apart(names: Sequence[str]) -> list[str]:
    """Return names of which no two are alike."""
    found: list[str] = []
    for name in names:
        again = 2
        told = name
        while told in found:
            told, again = f"{name} ({again})", again + 1
        found.append(told)
    return found
