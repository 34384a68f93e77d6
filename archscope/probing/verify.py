"""Holds what the graph says of an output against the network itself, run with random weights.

Roads that know no rule. A change of some positions that changes the unit shows that it sees one of
them, and so does a gradient: a bound from within. NaN in some positions that leaves the unit a
number shows that it sees none of them: a bound from without, for what lets NaN through. Where both
meet, what the unit sees is proven. Where a change contradicts the graph, there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf, prod
from time import monotonic

import torch
from torch import nn

from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.record.argument_names import input_tensors
from archscope.probing.axes import AxesEvidence
from archscope.probing.claims import Claim, claims, has_room
from archscope.probing.draws import copies, draws, limits_of, rounding_of
from archscope.probing.evidence import ContradictionError, Evidence, NotRepeatedError
from archscope.probing.holding import Held, NotHeldError, held_reductions
from archscope.probing.outputs import OutputsEvidence
from archscope.probing.proof import (
    RANKED,
    Asked,
    Level,
    Proof,
    Shown,
    misprinted,
    missing,
    not_run,
    outgrown,
    sees_one,
    shown_by,
    stray,
)
from archscope.probing.runs import (
    QUIET,
    NoDataError,
    NotCopiedError,
    OutOfTimeError,
    fresh_input,
    runner,
)
from archscope.probing.tokens import tokens_of
from archscope.probing.trials import Trial
from archscope.subject import Inputs

SECONDS = 120.0
"""Time after which nothing more is tried."""
PATIENCE = 4.0
"""Seconds in which a first pass tells how long passes take."""
LEAST_DRAWS = 2
"""Draws of weights and inputs that are made also where the first shows all."""
FAST = 0.03
"""Seconds of a pass above which fewer positions are tried alone."""
CONTRADICTION = "a change of positions outside the set changes the output"
NOT_HELD = (
    "what it sees without reductions over all positions was not tried: these cannot be told from "
    "the rest"
)
PASSES = 30
"""Forward passes that a proof takes where all goes well; an input on which they are too slow is
made smaller."""
SLOWER = 1.5
"""Times its share of positions that a pass must take to be called slower than was thought."""
WEIGHTS_LIMIT = 4 << 30
"""Bytes of all weights in float64."""


class TooSlowError(Exception):
    """A pass over an input takes so many seconds that a proof on it cannot be finished."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def verify(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    *,
    seconds: float = SECONDS,
    axes_chosen: bool = False,
) -> Proof:
    """Return whether the chosen output sees what the graph says.

    The answer is tried on the given input, and where its window was found on a larger one, there
    or on a smaller one on which the network sees the same. That outputs see other places along an
    axis that is none of positions is held against it, unless the user chose the axes.
    """
    start = monotonic()
    shown: list[Shown] = []
    reasons: list[str] = [hindrance(model)]
    gaps: list[str] = []
    if not any(reasons):
        until = start + seconds
        for one in _tried(
            model, inputs, found, seconds=seconds, until=until, axes_chosen=axes_chosen
        ):
            if isinstance(one, Shown):
                shown.append(one)
            else:
                (gaps if one == NOT_HELD else reasons).append(one)
    if not (shown or gaps or any(reasons)):
        reasons.append("the unit sees nothing, as the graph says, and nothing was tried")
    levels: list[Level] = [one.level for one in shown if one.level != "not run"]
    if levels and (any(reasons) or len(levels) < len(shown)):
        levels.append("bounded")
    reasons += [one.reason for one in shown]
    return Proof(
        level=max(levels, key=RANKED.index, default="not run"),
        reason="; ".join(dict.fromkeys(filter(None, reasons))),
        gaps=tuple(gaps),
        shown=tuple(shown),
        seconds=monotonic() - start,
        limit=seconds,
    )


def _tried(
    model: nn.Module,
    inputs: Inputs,
    found: Receptive,
    *,
    seconds: float,
    until: float,
    axes_chosen: bool,
) -> Iterator[Shown | str]:
    """Yield what was shown of each claim, or why it was not tried.

    A pass over a larger input may take longer than its share: then a smaller one is tried.
    """
    pace, is_own_shown = 0.0, False

    def affordable(positions: float) -> bool:
        return PASSES * pace * positions <= seconds

    try:
        pace = _seconds_per_position(model, inputs, found)
        waiting = claims(model, inputs, found, affordable)
        may_begin_again = True
        while (claim := next(waiting, None)) is not None:
            if isinstance(claim, str):
                yield claim
                continue
            if claim.is_own and is_own_shown:
                continue
            held = held_reductions(claim.exam, claim.target) if claim.local else None
            if claim.local and held is None:
                yield NOT_HELD
                continue
            try:
                yield _show(
                    model, claim, held, found,
                    seconds=seconds, until=until, axes_chosen=axes_chosen,
                    usual=pace * prod(claim.sizes) if may_begin_again else inf,
                )  # fmt: skip
            except TooSlowError as late:
                pace = late.seconds / prod(claim.sizes)
                waiting = claims(model, inputs, found, affordable)
                continue
            is_own_shown |= claim.is_own
            may_begin_again &= claim.is_own
    except Exception as error:  # the user's own forward, in another number type
        yield _said(error)


def _seconds_per_position(model: nn.Module, inputs: Inputs, found: Receptive) -> float:
    """Return the time of a pass over the given input, by its positions."""
    given = found.given
    x = fresh_input(model, input_tensors(inputs)[given.input], 0)
    run = runner(model, inputs, given, found.target.value, seed=1)
    run = replace(run, until=monotonic() + PATIENCE)
    times: list[float] = []
    while not times or (len(times) < 5 and sum(times) < PATIENCE / 2):  # the first is slower
        begin = monotonic()
        try:
            with torch.no_grad():
                run(x.clone())
            times.append(monotonic() - begin)
        except OutOfTimeError as late:  # later modules tend to take longer than the first
            share = late.returned / len(given.graph.calls) / 2
            times.append((monotonic() - begin) / share)
    return max(min(times), 1e-6) / prod(given.sizes)


def _show(
    model: nn.Module,
    claim: Claim,
    held: Held | None,
    found: Receptive,
    *,
    seconds: float,
    until: float,
    axes_chosen: bool,
    usual: float,
) -> Shown:
    """Ask one claim's unit, and say what came out.

    Raises `TooSlowError` where a pass takes clearly longer than `usual`, too long for a proof.
    """
    asked = Asked()
    try:
        out_of_time = _ask(model, claim, held, asked, seconds=seconds, until=until, usual=usual)
    except ContradictionError:
        return shown_by(claim, asked, "refused", CONTRADICTION)
    except NotRepeatedError:
        return not_run(claim, "the network gives another output when it is run again")
    except NotHeldError:
        return not_run(claim, NOT_HELD)
    except TooSlowError:
        raise
    except Exception as error:  # the user's own forward, in another number type
        return not_run(claim, _said(error))
    late = "the time was up" if out_of_time else ""
    if asked.evidence is None or asked.axes is None:
        return not_run(claim, late or "with random weights its output is not a number")
    beside = "" if axes_chosen else stray(claim, asked.axes)
    if beside and sees_one(claim):
        return shown_by(claim, asked, "refused", beside)
    printed = misprinted(claim, found)
    reasons = [*filter(None, (beside, outgrown(claim, found), missing(claim, asked)))]
    if reasons:
        reason = "; ".join(filter(None, (*reasons, printed, late)))
        return shown_by(claim, asked, "bounded", reason)
    return shown_by(claim, asked, "refused" if printed else "verified", printed)


def _ask(
    model: nn.Module,
    claim: Claim,
    held: Held | None,
    asked: Asked,
    *,
    seconds: float,
    until: float,
    usual: float,
) -> bool:
    """Ask in draw after draw, until all is shown; return whether the time was up before."""
    exam, graph = claim.exam, claim.exam.graph
    like = input_tensors(claim.inputs)[exam.input]
    tokens = None if like.is_floating_point() else tokens_of(model, exam, like)
    is_number = like.is_floating_point() or tokens is not None
    for draw in draws(exam):
        run = runner(
            model, claim.inputs, exam, claim.target,
            seed=draw.seed, positive=draw.positive, until=until, tokens=tokens, held=held,
        )  # fmt: skip
        x = fresh_input(model, like, draw.seed) if tokens is None else tokens.drawn(draw.seed)
        try:
            trial = Trial(
                run,
                QUIET * x.abs() if draw.positive and x.is_floating_point() else x,
                axes=exam.axes,
                unit=claim.unit,
                step=draw.step,
                width=copies(claim),
                rounding=rounding_of(exam),
            )
            if not trial.is_sound:
                continue
            if asked.evidence is None:
                taken = _pass_seconds(trial)
                if taken > SLOWER * usual and PASSES * taken > until - monotonic():
                    raise TooSlowError(taken)
                limits = limits_of(seconds / taken, sees_all=claim.is_own)
                asked.evidence = Evidence(claim, limits, has_nan=is_number)
                asked.axes = AxesEvidence(exam)
                asked.outputs = OutputsEvidence(claim)
            asked.draws += 1
            try:
                _ask_draw(asked, trial, claim, with_gradient=is_number and has_room(graph))
            finally:
                asked.runs += trial.runs
        except OutOfTimeError:
            return True
        if asked.draws >= LEAST_DRAWS and asked.is_done:
            return False
    return False


def _ask_draw(asked: Asked, trial: Trial, claim: Claim, *, with_gradient: bool) -> None:
    """Ask all that is open in one draw: of the unit, of the axes beside, of all units."""
    assert asked.evidence is not None
    assert asked.axes is not None
    assert asked.outputs is not None
    asked.evidence.draw(trial, with_gradient=with_gradient)
    asked.axes.draw(trial)
    if sees_one(claim):
        asked.axes.ask_for_lengths(trial, claim.exam.axes)
    asked.outputs.draw(trial, positions=asked.evidence.limits.watched)


def _pass_seconds(trial: Trial) -> float:
    """Return the time of one pass; a first one that seems slow may be so for other reasons."""
    if trial.seconds < FAST:
        return FAST
    begin = monotonic()
    trial.repeats()
    return max(min(trial.seconds, monotonic() - begin), FAST)


def hindrance(model: nn.Module) -> str:
    """Return why the network cannot be run at all; empty where it can."""
    weights = 8 * sum(tensor.numel() for tensor in model.parameters())
    if weights <= WEIGHTS_LIMIT:
        return ""
    return (
        f"its weights would take {weights / 1e9:,.0f} GB in float64; a smaller network of the same "
        "build can be verified"
    )


def _said(error: Exception) -> str:
    if isinstance(error, NoDataError | NotCopiedError):
        return str(error)
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
