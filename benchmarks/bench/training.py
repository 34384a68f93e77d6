"""Memory of a training step, against counting the same network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.bench.rows import ARCHSCOPE, Cost, Row, against, program

CASES = {
    "resnet50 --batch-size 32": 3.0,
    "gpt3-175B": 1.5,
}
"""Networks, and the aims."""


def rows() -> Iterator[Row]:
    """Yield one row for each network."""
    for network, aim in CASES.items():
        words = network.split()

        def run(command: str, words: Sequence[str] = words) -> Cost:
            return program([*ARCHSCOPE, command, *words, "--total"])

        yield against(
            f"`memory {network}`",
            lambda run=run: run("memory"),  # type: ignore[misc]
            "`params` of it",
            lambda run=run: run("params"),  # type: ignore[misc]
            aim=aim,
            pairs=3,
        )
