"""Networks that hold, change and reach what networks do in the wild: each is left as it was found.

The kinds of networks, the verbs and what is compared are those of the tests.
"""

from __future__ import annotations

import contextlib
import random
import signal
import warnings
from collections.abc import Callable
from functools import partial

from found import Tally

import archscope
from archscope.analyses import ANALYSES
from archscope.errors import ArchscopeError
from tests.running import interrupted
from tests.running.awkward import KINDS
from tests.running.fingerprint import fingerprint, of_process
from tests.running.test_harm import VERBS


def verbs() -> dict[str, Callable[..., object]]:
    """Return all verbs of the tests, and every analysis besides."""
    asked = {name: partial(archscope.analyse, name) for name in ANALYSES.names()}
    return {**{f"analyse {name}": ask for name, ask in asked.items() if name != "time"}, **VERBS}


def harm(count: int, seed: int) -> Tally:
    """Ask each verb of each kind of network; look at the network, its inputs and the process."""
    tally = Tally("harm")
    tasks = [(kind, name) for kind in KINDS for name in verbs()]
    random.Random(seed).shuffle(tasks)
    for kind, name in tasks[:count]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problems, end = _harmed(kind, verbs()[name])
        tally.add(f"{name} of what {kind}", problems, end)
    return tally


def _harmed(kind: str, ask: Callable[..., object]) -> tuple[list[str], str]:
    model, inputs = KINDS[kind]()
    model.train()
    for module in list(model.modules())[1:2]:
        module.eval()
    before, process, end, problems = fingerprint(model, inputs), of_process(), "answered", []
    try:
        ask(model, *inputs)
    except ArchscopeError as error:
        end = "refused"
        problems += ["more than a line is said"] if "\n" in str(error) else []
    except Exception as error:
        end = "crashed"
        problems.append(f"raised {type(error).__name__}: {error}")
    after = of_process()
    problems += [f"{name} is changed" for name, was in process.items() if after[name] != was]
    problems += ["the network is changed"] if fingerprint(model, inputs) != before else []
    return problems, end


def interrupts(count: int, seed: int) -> Tally:
    """Interrupt each verb so often at random moments, once and twice, and look at all again."""
    tally = Tally("interrupts")
    usual = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, verb in interrupted.VERBS.items():
                for times, share in (("once", count - count // 2), ("twice", count // 2)):
                    came, changed = interrupted.tried(verb, share, times == "twice", seed)
                    tally.tried += share
                    tally.found += changed
                    tally.ends["came in time"] += came
                    if changed:
                        print(f"interrupts: {name}, {times}: {changed} times", flush=True)
    finally:
        signal.signal(signal.SIGINT, usual)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return tally


with contextlib.suppress(AttributeError):
    interrupted.trials.MOST_OPERATORS = 100
