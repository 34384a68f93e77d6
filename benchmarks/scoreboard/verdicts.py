"""What an answer is worth: exact, more by what its convention adds, unknown, wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERDICTS: Mapping[str, str] = {
    "exact": "the very number",
    "adds more": "up to a quarter more: it counts biases or elementwise work too",
    "says unknown": "another number, and it names what it did not count",
    "silent zero": "0 where there is work, without a word",
    "wrong": "another number, without a word",
    "crashed": "no answer: it raised, died or took too long",
}
"""Each verdict and what it means, the best first."""
FIELD_VERDICTS: Mapping[str, str] = {
    "exact": "right for every unit",
    "bound": "said to be a bound, and it holds",
    "unknown": "says that it does not know",
    "wrong": "less, or more without a word",
    "crashed": "no answer",
}


@dataclass(frozen=True)
class Verdict:
    """What one tool's answer to one case is worth."""

    tool: str
    case: str
    kind: str
    """One of the verdicts."""
    said: str
    """The number that came, or why none did."""
    right: str
    """The number that is right."""
    wrong_params: bool = False
    """Whether it counts parameters, and not right."""
    harm: tuple[str, ...] = ()
    """What it left changed in the network or the process."""
    seconds: float = 0.0
    bytes: int = 0
    published: bool = False


def of_count(
    tool: str, answer: Mapping[str, Any], macs: int, params: int, *, published: bool
) -> Verdict:
    """Return the verdict on a count."""
    said = answer.get("macs")
    kind = _kind(answer, macs)
    counted = answer.get("params")
    return Verdict(
        tool=tool,
        case=answer["case"],
        kind=kind,
        said=answer.get("crash") or ("unknown" if said is None else f"{said:,.0f}"),
        right=f"{macs:,}",
        wrong_params=counted is not None and round(counted) != params,
        harm=tuple(answer.get("harm", ())),
        seconds=answer["seconds"],
        bytes=answer.get("bytes", 0),
        published=published,
    )


def _kind(answer: Mapping[str, Any], macs: int) -> str:
    if "crash" in answer:
        return "crashed"
    said = answer["macs"]
    if said is not None and round(said) == macs:
        return "exact"
    if said is not None and macs < said <= 1.25 * macs:
        return "adds more"
    if said is None or answer["unknown"]:
        return "says unknown"
    return "wrong" if said else "silent zero"


def of_field(tool: str, answer: Mapping[str, Any]) -> Verdict:
    """Return the verdict on a receptive field."""
    kind = "crashed" if "crash" in answer else answer["kind"]
    return Verdict(
        tool=tool,
        case=answer["case"],
        kind=kind,
        said=answer.get("crash", kind),
        right="gradients",
        seconds=answer["seconds"],
    )
