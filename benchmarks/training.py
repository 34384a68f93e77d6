"""Holds what is told of a training step against real steps, and its two roads against each other.

    python -m benchmarks.training users presets            networks of tests/training, small presets
    python -m benchmarks.training timm transformers --every 10
    python -m benchmarks.training peft                     its adapters, and ours beside them
    python -m benchmarks.training presets --named cnn
    python -m benchmarks.training presets --published --log verdicts.jsonl
                                                           each published network as it is

What stands in the file of `--log` is not run again: what was interrupted goes on.

For each network: is what the forward keeps predicted to the byte, and the peak to one in a hundred,
with and without workspaces of kernels; and do both roads agree on its backward, all of it trained,
all but the last layer frozen, adapted, and recomputed? What differs is told, with its reason where
one is known. A network runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from archscope import loaders, presets
from archscope.analyses.finetune.ways import all_but, last_layer
from archscope.errors import ArchscopeError, UsageError
from archscope.families import FAMILIES
from archscope.running.process import process_as_found
from archscope.specs import fields
from archscope.study import weight_bytes
from archscope.subject import Inputs, Request, Subject
from archscope.training.optimisers import optimiser
from archscope.training.peak import peak
from archscope.training.real import measure, with_real_data
from archscope.training.recipe import Adapters, Recipe, Recompute
from archscope.training.step import run_step
from archscope.training.unfolding import unfolded
from archscope.training.work import count_step

LARGEST = 2**28
"""Bytes of weights of the largest network of which a real step is run."""
SMALLER = {"depth": 2, "text_depth": 2, "seq_len": 64, "target_len": 8, "input_size": 128}
"""Fields that presets have less of where a real step is run."""
KNOWN = {
    "LSTM": "fused kernels of recurrent layers keep a workspace",
    "RecursiveScriptModule": "the compiler of TorchScript keeps what it likes",
}
"""Why what is kept may differ, by the class of a module."""
NO_SUCH_WAY = (
    "no layer here is linear",
    "no block of this network",
    "nothing can be trained",
)
"""What is said of a way to train that a network has not."""
Made = Callable[[], Subject]


@dataclass(kw_only=True)
class Verdict:
    """What became of one network."""

    name: str
    unmade: str = ""
    """Why it could not be made or trained, then no more is said."""
    saved: Sequence[int] = (0, 0)
    """Bytes that the forward keeps: predicted, measured."""
    peaks: Sequence[int] = (0, 0, 0)
    """Bytes of the peak: predicted, measured without workspaces, and with them."""
    reason: str = ""
    """Why saved bytes differ."""
    beside: str = ""
    """What another road to the same says otherwise."""
    roads: dict[str, str] = field(default_factory=dict)
    """For each way to train `agree`, `one road` with whose, `none` where the network has it not,
    `raises` where its own forward refuses, or what is wrong."""


def main(typed: list[str]) -> int:
    """Print a line for each network, and how many are right; return 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="+", help="users, presets, or a source of strangers")
    parser.add_argument("--named", default="", help="only those whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="only each n-th")
    parser.add_argument("--published", action="store_true", help="presets as they are: roads alone")
    parser.add_argument("--seconds", type=int, default=150, help="the most that a network may take")
    parser.add_argument("--log", type=Path, help="file of verdicts: what stands there is not run")
    chosen = parser.parse_args(typed)
    known = _logged(chosen.log)
    verdicts = []
    for source in chosen.sources:
        found = [each for each in networks(source, chosen.published) if chosen.named in each[0]]
        for name, make in found[:: chosen.every]:
            judge = partial(judged, make, real=not chosen.published, beside=_beside(source, name))
            verdict = known.get(name) or apart(name, judge, chosen.seconds)
            verdicts.append(verdict)
            print(line(verdict), flush=True)
            if chosen.log is not None and name not in known:
                with chosen.log.open("a") as log:
                    log.write(json.dumps(asdict(verdict)) + "\n")
    for text in summary(verdicts):
        print(text)
    return int(any(is_wrong(each) for each in verdicts))


def _logged(log: Path | None) -> dict[str, Verdict]:
    """Return the verdicts that stand in a file already, by the network's name."""
    if log is None or not log.exists():
        return {}
    found = (Verdict(**json.loads(line)) for line in log.read_text().splitlines())
    return {each.name: each for each in found}


def networks(source: str, published: bool) -> Iterator[tuple[str, Made]]:
    """Yield the name and the maker of each network of a source."""
    if source == "users":
        users = import_module("tests.training.users.every").USERS
        yield from ((f"users {name}", partial(_of_user, make)) for name, make in users.items())
    elif source == "presets":
        for preset in presets.all():
            if preset.same_as is None:
                yield f"presets {preset.name}", partial(_of_preset, preset.name, published)
    else:
        strangers = import_module(f"benchmarks.strangers.sources.{source}")
        for one in strangers.networks():
            yield f"{source} {one.name}", partial(_of_stranger, one.make)


def _of_user(make: Callable[[], Any]) -> Subject:
    model, args = make()
    return _subject(model, args, {})


def _of_stranger(make: Callable[[], Any]) -> Subject:
    return _subject(*make())


def _subject(model: Any, args: Any, kwargs: Any) -> Subject:
    inputs = Inputs(args=tuple(args), kwargs=dict(kwargs))
    return Subject(name="it", model=model.train(), inputs=inputs, origin="memory")


def _of_preset(name: str, published: bool) -> Subject:
    preset = presets.load(name)
    known = {each.name: each.default for each in fields(FAMILIES.get(preset.family).spec)}
    if published:  # of one input a batch norm on a mean over all positions cannot be trained
        more = {"batch_size": 2} if "batch_size" in known else {}
        return loaders.load(name, Request(fields=more)).subject()
    own = {**known, **preset.fields}
    less = {key: value for key, value in SMALLER.items() if _is_more(own.get(key), value)}
    if "batch_size" in known:
        less["batch_size"] = 2
    try:
        return loaders.load(name, Request(fields=less)).subject()
    except UsageError:  # what is shorter does not fit the rest of it
        return loaders.load(name, Request()).subject()


def _is_more(value: Any, than: int) -> bool:
    return isinstance(value, int) and value > than


def _beside(source: str, name: str) -> Callable[[], str]:
    """Return what says how others differ on a network of a source."""
    if source != "peft":
        return str
    return partial(import_module("benchmarks.strangers.sources.peft").differences, name)


def judged(make: Made, *, real: bool, beside: Callable[[], str] = str) -> Verdict:
    """Run a network in all ways."""
    torch.manual_seed(0)
    subject = make()
    found = Verdict(name="", beside=beside())
    if real and weight_bytes(subject) <= LARGEST:
        _hold_memory(subject, found)
    for way, recipe in _ways(subject):
        found.roads[way] = process_as_found(partial(_roads, subject, recipe))
    return found


def _hold_memory(subject: Subject, found: Verdict) -> None:
    recipe, by = Recipe(dropout="cpu"), "sgd"
    subject = with_real_data(subject)
    subject.model.register_forward_pre_hook(_draw_the_same)
    step = process_as_found(lambda: run_step(subject, recipe, optimiser(by)))
    took = process_as_found(lambda: measure(subject, recipe, by))
    held = sum(each.bytes + each.state for each in (*step.parameters, *step.buffers))
    found.saved = (sum(each.bytes for each in step.saved), took.saved)
    predicted = step.inputs + held + peak(step).bytes
    found.peaks = (predicted, took.before + took.outliving, took.before + took.peak)
    kinds = set(step.types.values())
    found.reason = "; ".join(why for kind, why in KNOWN.items() if kind in kinds)


def _draw_the_same(*call: object) -> None:
    """Let every forward draw the same: some skip layers by chance."""
    torch.manual_seed(0)


def _ways(subject: Subject) -> Iterator[tuple[str, Recipe]]:
    whole = unfolded(subject).model if subject.repeats else subject.model
    frozen = all_but(whole, last_layer(whole))
    yield "full", Recipe()
    yield "frozen", Recipe(freeze=tuple(filter(None, frozen.split(","))))
    yield "LoRA", Recipe(adapters=Adapters())
    yield "recomputed", Recipe(recompute=Recompute())


def _roads(subject: Subject, recipe: Recipe) -> str:
    torch.manual_seed(0)
    try:
        work = count_step(subject, recipe)
    except ArchscopeError as error:
        said = str(error)
        if any(each in said for each in NO_SUCH_WAY):
            return "none"
        raised = recipe != Recipe() and said.startswith("a training step failed")
        return f"raises: {said}" if raised else f"error: {said}"
    closed = work.by_weight + work.by_input + work.by_function
    if work.unknown:
        return f"unknown: {', '.join(sorted(work.unknown))}"
    if closed != work.backward:
        paths = [path for path in work.types if closed[path] != work.backward[path]]
        return f"disagree: {', '.join(paths[:3])}"
    return f"one road: {', '.join(sorted(work.functions))}" if work.functions else "agree"


def apart(name: str, judge: Callable[[], Verdict], seconds: int) -> Verdict:
    """Judge a network in a process of its own: a crash, a hang or a leak costs it alone."""
    here, there = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_child, args=(judge, there))
    process.start()
    there.close()
    try:
        found: Verdict = (
            here.recv() if here.poll(seconds) else Verdict(name="", unmade="it takes too long")
        )
    except EOFError:
        found = Verdict(name="", unmade="its process died")
    finally:
        process.kill()
        process.join()
    found.name = name
    return found


def _child(judge: Callable[[], Verdict], pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    try:
        verdict = judge()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        verdict = Verdict(name="", unmade=said)
    pipe.send(verdict)


def line(found: Verdict) -> str:
    """Return what became of one network."""
    if found.unmade:
        return f"not made  {found.name:50} {found.unmade}"
    state = "WRONG" if is_wrong(found) else "right"
    said = [f"{way} {what}" for way, what in found.roads.items() if what not in ("agree", "none")]
    if found.saved[0] != found.saved[1]:
        said.insert(0, f"saved {found.saved[0]:,}, really {found.saved[1]:,}: {found.reason}")
    if found.beside:
        said.insert(0, found.beside)
    if found.peaks[2]:
        said.append("peak {:+.2%}, with workspaces {:+.2%}".format(*errors(found)))
    if not found.peaks[2]:
        said.append("no real step")
    return f"{state:9} {found.name:50} saved {found.saved[1]:>13,}  {'; '.join(said)}".rstrip()


def errors(found: Verdict) -> tuple[float, float]:
    """Return by how much the predicted peak is off, without and with workspaces of kernels."""
    predicted, outliving, all_ = found.peaks
    return predicted / outliving - 1, predicted / all_ - 1


def is_wrong(found: Verdict) -> bool:
    """Return whether anything differs without a reason that is told."""
    roads = any(what.startswith(("error", "disagree")) for what in found.roads.values())
    roads = roads or bool(found.beside)
    return not found.unmade and (roads or (found.saved[0] != found.saved[1] and not found.reason))


def summary(verdicts: list[Verdict]) -> Iterator[str]:
    """Yield how many are right, and the exceptions."""
    ran = [each for each in verdicts if not each.unmade]
    real = [each for each in ran if each.peaks[2]]
    same = sum(each.saved[0] == each.saved[1] for each in real)
    yield f"\n{len(ran)} networks ran, {len(verdicts) - len(ran)} could not be made or trained"
    yield f"saved bytes are predicted to the byte of {same} of {len(real)}"
    for number, which in enumerate(("without workspaces of kernels", "with them")):
        near = sum(abs(errors(each)[number]) <= 0.01 for each in real)
        yield f"the peak {which} is predicted within 1 % of {near} of {len(real)}"
    kinds = Counter((way, what.split(":")[0]) for each in ran for way, what in each.roads.items())
    for (way, what), number in sorted(kinds.items()):
        yield f"{number:5} {way}: {what}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
