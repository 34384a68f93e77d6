"""Measures many variants of one network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeGuard

from archscope.amounts import size
from archscope.errors import InterruptedRunError, UsageError
from archscope.library._named import OWN, own_words
from archscope.results import Convention, Report
from archscope.studies.sweep.answer import Choice, sections
from archscope.studies.sweep.choosing import goal, switches_among
from archscope.studies.sweep.outcomes import Outcome
from archscope.studies.sweep.rows import FLOPS, Layout
from archscope.study import assemble
from archscope.subject import Request
from archscope.sweeping.axes import kind_of
from archscope.sweeping.conditions import condition_of, fields_of
from archscope.sweeping.executors import Limits, prepare_pool
from archscope.sweeping.planning import Asked, Planned, planned
from archscope.sweeping.presentation import (
    Wish,
    check_wish,
    layout_of,
    measures_of,
    plotted,
    plotted_fields,
)
from archscope.sweeping.running import HERE, Memory, Plan, Store, Watch, outcomes, run
from archscope.sweeping.store import read, writing

Words = str | Iterable[str] | None


def sweep(
    model: str = "",
    *,
    measure: Words = None,
    where: str | None = None,
    pareto: Words = None,
    sort: str | None = None,
    group: str | None = None,
    plot: Words = None,
    zip: Words = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    sample_rate: str | float | None = None,
    iso: str | None = None,
    solve: str | None = None,
    workers: int | None = None,
    executor: str | None = None,
    memory_limit: int | str | None = None,
    store: str | Path | None = None,
    retry: str = "",
    device: str = "auto",
    dtype: str = "fp32",
    runs: int = 100,
    method: str | None = None,
    **fields: Any,
) -> Report:
    """Measure every combination of given values of a network's fields, one row per variant.

    >>> found = sweep("cnn", depth=range(4, 7), channels=[16, 32], measure=["params", "rf"])
    >>> [row.params for row in found.section("sweep.variants").rows]
    [7408, 28640, 9728, 37888, 12048, 47136]

    `model` is the name of a family, a published network or a network of your own, or a sentence;
    without it, the fields determine the family. In `fields` (for a network of your own, in
    `model_arg`) a list, a range or another iterable is an axis, and a tuple a single value; a text
    is read as on the command line, e.g. `"16:256:*2"`. `zip` names axes that vary together; `limit`
    takes only the first variants, `sample` draws some at random.

    `measure` names what is measured, e.g. `["params", "macs", "rf", "coverage", "latency"]`.
    `where` is a condition such as `"params < 100k and rf >= 1s"`: variants that violate it are left
    out; if it cannot be decided, the row says why. `pareto` marks the Pareto-optimal variants in
    the measures that it names, `sort` puts the best first, `group` adds a summary row per value of
    a field, `plot` names what a page draws: x, y and colour.

    With `iso="params=124M", solve="d_model"` that field of each variant is set to the value at
    which the measure comes closest to the target; the row gives the deviation.

    `store` is an SQLite file that keeps every result at once: the same call continues an
    interrupted sweep, and `retry="failed"` repeats the failed variants.

    A variant that cannot be built or counted is a row with the reason. `workers` processes, or
    those of an `executor` such as `"dask://10.0.0.1:8786"`, share the work; a script that uses them
    needs `if __name__ == "__main__":`. Passes are timed one after the other in this process.
    """
    own = own_words(fields)
    axes = {name: value for name, value in fields.items() if name not in OWN}
    asked = plan_sweep(
        model,
        Request(fields=axes, method=method, **own),
        measure=measure,
        where=where,
        pareto=pareto,
        sort=sort,
        group=group,
        plot=plot,
        zip=zip,
        limit=limit,
        sample=sample,
        seed=seed,
        sample_rate=None if sample_rate is None else str(sample_rate),
        iso=iso,
        solve=solve,
        device=device,
        dtype=dtype,
        runs=runs,
    )
    if retry not in ("", "failed"):
        raise UsageError(f"retry is {retry!r}; it can be 'failed'")
    return run_sweep(
        asked,
        workers=workers,
        executor=executor,
        memory_limit=memory_limit,
        store=store,
        retry=bool(retry),
    )


def plan_sweep(
    model: str,
    request: Request,
    *,
    measure: Words = None,
    where: str | None = None,
    pareto: Words = None,
    sort: str | None = None,
    group: str | None = None,
    plot: Words = None,
    zip: Words = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    sample_rate: str | None = None,
    iso: str | None = None,
    solve: str | None = None,
    **timing: Any,
) -> Planned:
    """Return a sweep that can be run; raises `UsageError` before any work. See `sweep`."""
    asked = Asked(
        model=model,
        request=request,
        measures=_words(measure),
        wish=Wish(where=where, pareto=_words(pareto), sort=sort, group=group, plot=_words(plot)),
        zipped=_words(zip),
        limit=limit,
        sample=sample,
        seed=seed,
        sample_rate=sample_rate,
        iso=iso,
        solve=solve,
        timing=timing,
    )
    return planned(asked)


def _words(given: Words) -> tuple[str, ...]:
    """Return words in a text with commas between, or in a list."""
    several = given.split(",") if isinstance(given, str) else given or ()
    return tuple(word.strip() for word in several if word.strip())


def run_sweep(
    sweep: Planned,
    *,
    workers: int | None = None,
    executor: str | None = None,
    memory_limit: int | str | None = None,
    store: str | Path | None = None,
    retry: bool = False,
    watch: Watch = lambda progress: None,
) -> Report:
    """Run what was planned and return the report; see `sweep`.

    A Ctrl-C raises `InterruptedRunError`, a `KeyboardInterrupt` with the `report` until then.
    """
    limits = Limits(workers=workers, memory=memory_of(memory_limit))
    is_shared = executor or (workers or 1) > 1 or memory_limit is not None
    plan = Plan(
        executor=(executor or "processes") if is_shared else HERE, limits=limits, retry=retry
    )
    if plan.executor != HERE:
        prepare_pool(plan.executor)
    variants = sweep.variants()
    with _opened(store, sweep) as opened:
        try:
            run(sweep.question, variants, opened, plan, watch)
        except KeyboardInterrupt:
            raise InterruptedRunError(_report(sweep, outcomes(variants, opened))) from None
        return _report(sweep, outcomes(variants, opened))


def _opened(path: str | Path | None, sweep: Planned) -> AbstractContextManager[Store]:
    return nullcontext(Memory()) if path is None else writing(Path(path), sweep.kept)


def show_sweep(
    store: str | Path,
    *,
    where: str | None = None,
    pareto: Words = None,
    sort: str | None = None,
    group: str | None = None,
    plot: Words = None,
) -> Report:
    """Return the report of a sweep that is kept in a file, also while it runs. No torch.

    Raises `UsageError` where the file is no store, or what is asked was not measured.
    """
    kept = read(Path(store))
    names, rate = kept.question.get("measures"), kept.question.get("sample_rate")
    axes = kept.question.get("axes")
    if not (_are_words(names) and _are_words(axes)):
        raise UsageError(f"{store} is damaged: it names no axes and measures")
    fields = switches_among(kept.outcomes)
    wish = Wish(where=where, pareto=_words(pareto), sort=sort, group=group, plot=_words(plot))
    lacking = [each for each in measures_of(wish, fields, rate) if each not in names]
    if lacking:
        raise UsageError(f"{lacking[0]} was not measured in {store}; there are {', '.join(names)}")
    kinds = tuple((axis, kind_of(each.value(axis) for each in kept.outcomes)) for axis in axes)
    layout = layout_of(kinds, names, rate, group)
    check_wish(wish, layout, fields)
    title = _title_of_file(str(kept.question.get("title", "sweep")), len(kept.outcomes))
    return _made(title, layout, wish, fields, kept.outcomes, kept.question)


def _title_of_file(title: str, variants: int) -> str:
    """Return the title of the last sweep that a file keeps; where it has those of others, it says.

    >>> _title_of_file("sweep · cnn · depth 4,5 · 2 variants", 4)
    'sweep · cnn · depth 4,5 · 2 variants, 4 in the file'
    """
    count = re.search(r" ([\d,]+)(?: of [\d,]+)? variants?$", title)
    differs = count is not None and int(count[1].replace(",", "")) != variants
    return f"{title}, {variants:,} in the file" if differs else title


def _are_words(names: Any) -> TypeGuard[list[str]]:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def memory_of(given: int | str | None) -> int | None:
    """Return bytes: `4GiB`, or how many; raises `UsageError`."""
    if given is None or isinstance(given, int):
        return given
    found = size(given)
    if found is None:
        raise UsageError(f"memory limit: {given!r} is not a size; write e.g. 4GiB")
    return found


def _report(sweep: Planned, found: Iterable[Outcome]) -> Report:
    """Return the report of a sweep, as far as its variants are answered."""
    wish = sweep.wish
    fields = fields_of(sweep.spec, sweep.space.axes)
    return _made(sweep.title, sweep.layout, wish, fields, tuple(found), sweep.question.kept())


def _made(
    title: str,
    layout: Layout,
    wish: Wish,
    fields: Mapping[str, bool],
    found: Sequence[Outcome],
    asked: Mapping[str, Any],
) -> Report:
    """Return the report of outcomes, as a wish chooses among them."""
    names = tuple(fields)
    choice = Choice(
        where=None if wish.where is None else condition_of(wish.where, fields),
        pareto=tuple(goal(word, names) for word in wish.pareto),
        sort=None if wish.sort is None else goal(wish.sort, names, ranked=True),
    )
    drawn = plotted(wish, layout)
    counts = any(each.measure == FLOPS for each in layout.measured)
    return assemble(
        "sweep",
        title,
        {
            **layout.kept,
            **({"pareto": plotted_fields(wish.pareto, layout)} if wish.pareto else {}),
            **({"plot": drawn} if drawn else {}),
            "question": dict(asked),
        },
        sections(layout, found, choice),
        _convention() if counts else None,
    )


def _convention() -> Convention:
    from archscope.analyses.params.analysis import FVCORE

    return FVCORE
