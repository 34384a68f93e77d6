"""Reproduces how often the exact coverage criterion and the rules of thumb are right.

    python benchmarks/gridding_criterion.py            every table
    python benchmarks/gridding_criterion.py --ordered  and all 3,257,424 ordered sequences

Every multiset of 2 to 6 dilations from 1 to 12 is spread out bit by bit (brute force); then the
exact criterion, HDC's M_2 <= K (Wang et al. 2018) and the common-factor rule say what they think.
Last, 10,000 random stacks of mixed kernels, strides and dilations go through `archscope rf` itself,
and all that it reports of an axis is listed again position by position.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, permutations
from math import gcd
from random import Random

import archscope
from archscope.theory.bits import spread
from archscope.theory.combs import Comb
from archscope.theory.coverage import is_full
from archscope.theory.hdc import hdc_distance

LARGEST = 12
LAYERS = range(2, 7)
RANDOM_STACKS = 10_000
LARGEST_WINDOW = 300
Rates = tuple[int, ...]
Rule = Callable[[Rates], bool]

# Expected numbers come from an independent brute force in NumPy over the same multisets.
MULTISETS = 18_551
FULL_BY_LAYERS = {2: 3, 3: 18, 4: 140, 5: 714, 6: 2731}
LITERAL_BY_LAYERS = {2: (6, 3), 3: (38, 20), 4: (288, 148), 5: (1384, 670), 6: (5061, 2330)}
# Kernel: (false passes, false fails) of M2 <= K with r1 = 1.
OTHER_KERNELS = {2: (1_127, 0), 5: (0, 153), 7: (0, 41)}
# Sequences, agreements, false passes, false fails of the literal rule.
ORDERED = (3_257_424, 2_370_651, 191_337, 695_436)


def passes(rates: Rates, kernel: int = 3) -> bool:
    distance = hdc_distance(rates)
    return distance is not None and distance <= kernel


RULES: dict[str, tuple[Rule, tuple[int, int, int]]] = {
    "M2 <= K literally": (passes, (6_777, 3_171, 0)),
    "M2 <= K and gcd 1": (lambda r: passes(r) and gcd(*r) == 1, (6_538, 2_932, 0)),
    "M2 <= K and r1 = 1": (lambda r: passes(r) and r[0] == 1, (3_606, 0, 0)),
    "gcd 1 alone": (lambda r: gcd(*r) == 1, (17_424, 13_818, 0)),
}


def multisets() -> Iterator[Rates]:
    for layers in LAYERS:
        yield from combinations_with_replacement(range(1, LARGEST + 1), layers)


def brute_force(rates: Rates, kernel: int) -> bool:
    seen = 1
    for rate in rates:
        seen = spread(seen, kernel, rate)
    return not seen & seen + 1


def criterion(rates: Rates, kernel: int) -> bool:
    return is_full(Comb(taps=kernel, rate=rate, layer=at) for at, rate in enumerate(rates))


def report(what: str, found: object, expected: object) -> bool:
    print(f"{'ok  ' if found == expected else 'FAIL'}  {what}: {found}, expected {expected}")
    return found == expected


def judged(rule: Rule, full: dict[Rates, bool]) -> tuple[int, int, int]:
    """Return how many the rule passes, passes wrongly and fails wrongly."""
    says = {rates: rule(rates) for rates in full}
    return (
        sum(says.values()),
        sum(says[rates] and not full[rates] for rates in full),
        sum(full[rates] and not says[rates] for rates in full),
    )


def check_criterion() -> Iterator[bool]:
    for kernel in (2, 3, 5, 7):
        agreed = sum(brute_force(r, kernel) == criterion(r, kernel) for r in multisets())
        yield report(f"criterion agrees with brute force, kernel {kernel}", agreed, MULTISETS)


def check_rules(full: dict[Rates, bool]) -> Iterator[bool]:
    counts = {n: sum(full[rates] for rates in full if len(rates) == n) for n in LAYERS}
    yield report("fully covered, by layers", counts, FULL_BY_LAYERS)
    yield report("fully covered", sum(counts.values()), 3_606)
    for name, (rule, expected) in RULES.items():
        yield report(f"{name}: passes, false passes, false fails", judged(rule, full), expected)
    for layers, expected_two in LITERAL_BY_LAYERS.items():
        some = {rates: is_solid for rates, is_solid in full.items() if len(rates) == layers}
        found = judged(passes, some)[:2]
        yield report(f"M2 <= K literally, {layers} layers: passes, false", found, expected_two)


def check_other_kernels() -> Iterator[bool]:
    for kernel, expected in OTHER_KERNELS.items():
        full = {rates: brute_force(rates, kernel) for rates in multisets()}

        def rule(rates: Rates, kernel: int = kernel) -> bool:
            return passes(rates, kernel) and rates[0] == 1

        found = judged(rule, full)[1:]
        yield report(f"M2 <= K and r1 = 1, kernel {kernel}: false passes, fails", found, expected)


def check_ordered(full: dict[Rates, bool]) -> Iterator[bool]:
    tried = agreed = false_passes = false_fails = 0
    for rates, is_solid in full.items():
        for order in set(permutations(rates)):
            says = passes(order)
            tried += 1
            agreed += says == is_solid
            false_passes += says and not is_solid
            false_fails += is_solid and not says
    found = (tried, agreed, false_passes, false_fails)
    yield report("ordered: tried, agreed, false passes, false fails", found, ORDERED)


def listed(stack: list[tuple[int, int, int]]) -> tuple[list[int], int]:
    """Return the paths from each position of one output's window, and the jump; by definition."""
    paths, jump = [1], 1
    for kernel, stride, dilation in stack:
        step = dilation * jump
        longer = [0] * (len(paths) + (kernel - 1) * step)
        for tap in range(kernel):
            for position, number in enumerate(paths):
                longer[position + tap * step] += number
        paths, jump = longer, jump * stride
    return paths, jump


def streams(paths: list[int], jump: int) -> int:
    seen = [position for position, number in enumerate(paths) if number]
    apart = {far - near for near in seen for far in seen if far > near}
    return gcd(*(distance // jump for distance in apart if distance % jump == 0))


def longest_gap(paths: list[int]) -> int:
    holes = "".join("x" if number else "." for number in paths).split("x")
    return max(map(len, holes))


def agrees(stack: list[tuple[int, int, int]], axes: int) -> bool:
    kernels, strides, dilations = (list(numbers) for numbers in zip(*stack, strict=True))
    report = archscope.receptive_field(
        dilations, kernel_size=kernels, stride=strides, spatial_dims=axes
    )
    paths, jump = listed(stack)
    touched, totals = sum(map(bool, paths)), report.totals
    return (
        [row.paths for row in report.section("positions").rows] == paths
        and (totals.receptive_field, totals.reached_1d) == (len(paths), touched)
        and (totals.positions, totals.reached) == (len(paths) ** axes, touched**axes)
        and totals.is_full == all(paths) == (report.notes[0].level == "ok")
        and (totals.max_gap, totals.jump) == (longest_gap(paths), jump)
        and totals.streams == streams(paths, jump)
        and (totals.fewest_paths, totals.most_paths) == (min(paths), max(paths))
    )


def check_random() -> Iterator[bool]:
    random = Random(0)
    agreed = full = 0
    for _ in range(RANDOM_STACKS):
        layers = random.randint(1, 5)
        stack = [
            (random.randint(1, 5), random.choice((1, 1, 2, 3)), random.choice((1, 1, 2, 3, 4, 6)))
            for _ in range(layers)
        ]
        while len(listed(stack)[0]) > LARGEST_WINDOW:
            stack.pop()
        agreed += agrees(stack, random.randint(1, 3))
        full += all(listed(stack)[0])
    # Were all of one kind, agreement would prove little.
    yield report("random stacks of which some are full and some not", 2_000 < full < 8_000, True)
    yield report("random stacks on which `archscope rf` agrees", agreed, RANDOM_STACKS)


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage rules against brute force.")
    parser.add_argument("--ordered", action="store_true", help="also every order of every multiset")
    is_ordered = parser.parse_args().ordered
    full = {rates: brute_force(rates, 3) for rates in multisets()}
    results = [*check_criterion(), *check_rules(full), *check_other_kernels()]
    results += check_random()
    results += check_ordered(full) if is_ordered else []
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
