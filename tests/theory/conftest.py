"""The definitions themselves, slow and plain, to hold the closed forms against."""

from __future__ import annotations

from collections import Counter

import pytest

from archscope.theory.layers import Stack


class BruteForce:
    """Sets and counts of positions, listed one by one."""

    @staticmethod
    def count_paths(stack: Stack) -> tuple[Counter[int], int]:
        """Return the number of paths per position, counted from the first one, and the jump."""
        paths, jump = Counter({0: 1}), 1
        for layer in stack:
            longer: Counter[int] = Counter()
            for position, number in paths.items():
                for tap in range(layer.kernel):
                    longer[position + tap * layer.dilation * jump] += number
            paths, jump = longer, jump * layer.stride
        return paths, jump

    @staticmethod
    def runs(seen: set[int]) -> list[tuple[int, int]]:
        """Return the (first, last) positions of every run of neighbours."""
        found: list[tuple[int, int]] = []
        for position in sorted(seen):
            if found and found[-1][1] == position - 1:
                found[-1] = (found[-1][0], position)
            else:
                found.append((position, position))
        return found

    @staticmethod
    def solid_core(seen: set[int]) -> int:
        """Return the length of the longest of the runs nearest to the centre."""

        def distance(run: tuple[int, int]) -> float:
            first, last = run
            return max(first - centre, centre - last, 0)

        centre = max(seen) / 2
        every = BruteForce.runs(seen)
        nearest = min(map(distance, every))
        return max(run[1] - run[0] + 1 for run in every if distance(run) == nearest)


@pytest.fixture(scope="session")
def brute_force() -> BruteForce:
    return BruteForce()
