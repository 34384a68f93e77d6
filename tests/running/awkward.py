"""Networks that hold, change and reach what networks do in the wild; each is made anew."""

from __future__ import annotations

import copy
import decimal
import functools
import gc
import logging
import os
import random
import signal
import sys
import threading
import warnings
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from archscope.running.switches import TELLS_HOOKS

Made = tuple[nn.Module, tuple[Any, ...]]
KINDS: dict[str, Callable[[], Made]] = {}
"""What makes a network and its inputs, by what is awkward about it."""
ACTING: set[str] = set()
"""Those of them whose forward does something besides."""


def x() -> Tensor:
    return torch.ones(2, 4)


class Acting(nn.Module):
    """A linear layer that does something else besides."""

    def __init__(self, act: Callable[[Acting, Tensor], object] | None = None) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.act = act

    def forward(self, value: Tensor) -> Tensor:
        if self.act is not None:
            self.act(self, value)
        return self.norm(self.fc(value))


def kind(name: str) -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    def keep(make: Callable[[], Made]) -> Callable[[], Made]:
        KINDS[name] = make
        return make

    return keep


def acts(name: str, **held: Callable[[], Any]) -> Callable[[Callable[..., object]], None]:
    """Name what a forward does, on a network with some attributes."""

    def keep(act: Callable[..., object]) -> None:
        def make() -> Made:
            model = Acting(act)
            for attribute, value in held.items():
                setattr(model, attribute, value())
            return model, (x(),)

        KINDS[name] = make
        ACTING.add(name)

    return keep


def of(name: str, make: Callable[[], nn.Module], *inputs: Any) -> None:
    KINDS[name] = lambda: (make(), inputs or (x(),))


# What a forward does to its own module.
@acts("counts its calls", calls=int)
def _(self: Any, value: Tensor) -> None:
    self.calls += 1


@acts("appends to a list", seen=list)
def _(self: Any, value: Tensor) -> None:
    self.seen.append(value)


@acts("keeps its first result", cache=dict)
def _(self: Any, value: Tensor) -> None:
    self.cache.setdefault("first", self.fc(value))


@acts("nested containers", cache=lambda: {"a": [{"b": [1]}], "c": defaultdict(list)})
def _(self: Any, value: Tensor) -> None:
    self.cache["a"][0]["b"].append(2)
    self.cache["c"]["d"].append(3)


@acts("a ring of results", last=lambda: deque([1, 2], maxlen=2))
def _(self: Any, value: Tensor) -> None:
    self.last.append(3)


@acts("a set of shapes", shapes=set)
def _(self: Any, value: Tensor) -> None:
    self.shapes.add(tuple(value.shape))


class State:
    """A plain object."""

    def __init__(self) -> None:
        self.steps = 0
        self.inner = [0]


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0


@dataclass
class Record:
    """A dataclass."""

    steps: int = 0
    seen: list[int] = field(default_factory=list)


@acts("a plain object", state=State)
def _(self: Any, value: Tensor) -> None:
    self.state.steps += 1
    self.state.inner.append(1)


@acts("an object with slots", state=Slotted)
def _(self: Any, value: Tensor) -> None:
    self.state.steps += 1


@acts("a dataclass", state=Record)
def _(self: Any, value: Tensor) -> None:
    self.state.steps += 1
    self.state.seen.append(1)


@acts("a NumPy array", table=lambda: np.zeros(3))
def _(self: Any, value: Tensor) -> None:
    self.table += 1


@acts("a plain tensor", table=lambda: torch.zeros(3))
def _(self: Any, value: Tensor) -> None:
    self.table += 1


@acts("tensors in a dictionary", table=lambda: {"a": torch.zeros(3)})
def _(self: Any, value: Tensor) -> None:
    self.table["a"].add_(1)


@acts("a tensor with a history")
def _(self: Any, value: Tensor) -> None:
    self.history = self.fc(value)


@acts("freezes itself")
def _(self: Any, value: Tensor) -> None:
    self.fc.requires_grad_(False)


@acts("replaces data")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight.data = torch.zeros_like(self.fc.weight)


@acts("writes to its weights")
def _(self: Any, value: Tensor) -> None:
    with torch.no_grad():
        self.fc.weight.mul_(2)


@acts("writes to data")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight.data.mul_(2)


@acts("writes by NumPy")
def _(self: Any, value: Tensor) -> None:
    if not self.fc.bias.is_meta:
        self.fc.bias.detach().numpy()[:] = 7


@acts("writes to a buffer")
def _(self: Any, value: Tensor) -> None:
    self.norm.running_mean.add_(1)


@acts("replaces a buffer")
def _(self: Any, value: Tensor) -> None:
    self.norm.running_mean = torch.ones(4)


@acts("makes a weight anew")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight = nn.Parameter(torch.zeros_like(self.fc.weight))


@acts("adds a module")
def _(self: Any, value: Tensor) -> None:
    self.more = nn.Linear(2, 2)


@acts("removes a weight")
def _(self: Any, value: Tensor) -> None:
    self.fc.bias = None


@acts("replaces a module")
def _(self: Any, value: Tensor) -> None:
    self.norm = nn.Identity()


@acts("registers a hook")
def _(self: Any, value: Tensor) -> None:
    self.fc.register_forward_hook(lambda *_: None)


@acts("changes its mode")
def _(self: Any, value: Tensor) -> None:
    self.train()


@acts("drops out")
def _(self: Any, value: Tensor) -> None:
    nn.functional.dropout(value, 0.5, training=True)


@acts("learns while it runs")
def _(self: Any, value: Tensor) -> None:
    with torch.enable_grad():
        loss = self.fc(value).sum()
        if not loss.is_meta:
            loss.backward()
            torch.optim.SGD(self.fc.parameters(), lr=1.0).step()


@acts("raises half-way")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight.data.mul_(2)
    self.eval()
    raise ValueError("half-way")


@acts("leaves the program")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight.data.mul_(2)
    sys.exit(3)


@acts("ends a generator")
def _(self: Any, value: Tensor) -> None:
    self.fc.weight.data.mul_(2)
    raise GeneratorExit


# What a forward does to the process.
@acts("draws from torch")
def _(self: Any, value: Tensor) -> None:
    torch.rand(3)


@acts("seeds torch")
def _(self: Any, value: Tensor) -> None:
    torch.manual_seed(7)


@acts("draws from NumPy")
def _(self: Any, value: Tensor) -> None:
    np.random.rand(3)


@acts("draws from Python")
def _(self: Any, value: Tensor) -> None:
    random.random()


@acts("holds torch's generator", chance=lambda: torch.Generator().manual_seed(1))
def _(self: Any, value: Tensor) -> None:
    torch.rand(3, generator=self.chance)


@acts("holds NumPy's generator", chance=lambda: np.random.default_rng(1))
def _(self: Any, value: Tensor) -> None:
    self.chance.random(3)


@acts("holds Python's generator", chance=lambda: random.Random(1))
def _(self: Any, value: Tensor) -> None:
    self.chance.random()


@acts("sets the environment")
def _(self: Any, value: Tensor) -> None:
    os.environ["ARCHSCOPE_AWKWARD"] = "1"


@acts("changes the folder")
def _(self: Any, value: Tensor) -> None:
    os.chdir("/")


@acts("changes the path")
def _(self: Any, value: Tensor) -> None:
    sys.path.append("/nowhere")


@acts("sets the default dtype")
def _(self: Any, value: Tensor) -> None:
    torch.set_default_dtype(torch.float64)


@acts("sets the default device")
def _(self: Any, value: Tensor) -> None:
    torch.set_default_device("cpu")


@acts("sets autocast's dtype")
def _(self: Any, value: Tensor) -> None:
    torch.set_autocast_dtype("cpu", torch.float16)


@acts("looks for anomalies")
def _(self: Any, value: Tensor) -> None:
    torch.autograd.set_detect_anomaly(True)


@acts("chooses kernels")
def _(self: Any, value: Tensor) -> None:
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cudnn.benchmark = True


@acts("switches gradients off")
def _(self: Any, value: Tensor) -> None:
    torch.set_grad_enabled(False)


@acts("switches the fast path off")
def _(self: Any, value: Tensor) -> None:
    torch.backends.mha.set_fastpath_enabled(False)


@acts("sets the number of threads")
def _(self: Any, value: Tensor) -> None:
    torch.set_num_threads(3)


@acts("switches the collector off")
def _(self: Any, value: Tensor) -> None:
    gc.disable()
    gc.set_threshold(7)


@acts("sets torch's switches")
def _(self: Any, value: Tensor) -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_warn_always(True)
    torch.set_autocast_cache_enabled(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cudnn.enabled = False


@acts("multiplies shorter numbers")
def _(self: Any, value: Tensor) -> None:
    torch.backends.cudnn.allow_tf32 = False
    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):  # then the elder switch is mute
        torch.backends.cuda.matmul.fp32_precision = "tf32"


@acts("rounds decimals and shuts files")
def _(self: Any, value: Tensor) -> None:
    decimal.getcontext().prec = 5
    decimal.Decimal(1) / 3
    os.umask(0o111)


@acts("flushes small numbers")
def _(self: Any, value: Tensor) -> None:
    torch.set_flush_denormal(True)


@acts("leaves contexts open")
def _(self: Any, value: Tensor) -> None:
    torch.autocast("cpu").__enter__()
    torch.autograd.forward_ad.enter_dual_level()
    if TELLS_HOOKS:  # else none can be put back
        torch.autograd.graph.saved_tensors_hooks(_same, _same).__enter__()
    torch.autograd.set_multithreading_enabled(False)


def _same(value: Any) -> Any:
    return value


@acts("prints otherwise")
def _(self: Any, value: Tensor) -> None:
    torch.set_printoptions(precision=2)
    np.set_printoptions(precision=2)
    np.seterr(all="ignore")


@acts("logs otherwise")
def _(self: Any, value: Tensor) -> None:
    logging.getLogger().setLevel(7)
    logging.getLogger().addHandler(logging.NullHandler())


@acts("handles signals")
def _(self: Any, value: Tensor) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.excepthook = print
    sys.setswitchinterval(0.5)


@acts("watches what runs")
def _(self: Any, value: Tensor) -> None:
    sys.setprofile(lambda *_: None)


@acts("silences warnings")
def _(self: Any, value: Tensor) -> None:
    warnings.filterwarnings("error", message="awkward")


@acts("takes the streams")
def _(self: Any, value: Tensor) -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


@acts("runs under autocast")
def _(self: Any, value: Tensor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        self.fc(value)


@acts("asks for deterministic algorithms")
def _(self: Any, value: Tensor) -> None:
    torch.use_deterministic_algorithms(True)


# What a module holds.
acts("holds a lock", lock=threading.Lock)(lambda self, value: self.lock.acquire(blocking=False))
acts("holds an open file", file=lambda: open(os.devnull))(lambda self, value: self.file)  # noqa: SIM115
acts("holds a generator function", steps=lambda: iter(range(9)))(lambda self, value: None)
acts("holds a class", made=lambda: nn.Linear)(lambda self, value: self.made(2, 2))
acts("holds a module of Python's", where=lambda: os)(lambda self, value: self.where.sep)


@kind("a function that holds itself")
def _() -> Made:
    model = Acting()
    model.run = lambda value: model.fc(value)
    model.act = lambda self, value: self.run(value)
    return model, (x(),)


@kind("a method in place of forward")
def _() -> Made:
    model = Acting()
    plain = model.forward
    model.forward = lambda value: plain(value) * 2
    return model, (x(),)


@kind("a part of a function")
def _() -> Made:
    model = Acting()
    model.act = functools.partial(_appends, [])
    return model, (x(),)


def _appends(into: list[Any], self: Any, value: Tensor) -> None:
    into.append(value)


@kind("a hook that records elsewhere")
def _() -> Made:
    model, seen = Acting(), []
    model.fc.register_forward_hook(lambda module, args, out: seen.append(out))
    model.seen = seen
    return model, (x(),)


@kind("a hook that changes the input")
def _() -> Made:
    model = Acting()
    model.fc.register_forward_pre_hook(lambda module, args: args[0].mul_(2))
    return model, (x(),)


OUTSIDE: list[nn.Module] = []


@kind("reaches itself from outside")
def _() -> Made:
    model = Acting(lambda self, value: OUTSIDE[0].fc.weight.data.mul_(2) + OUTSIDE[0].fc(value))
    OUTSIDE[:] = [model]
    return model, (x(),)


@kind("writes to itself from outside")
def _() -> Made:
    model = Acting(lambda self, value: OUTSIDE[0].fc.weight.data.mul_(2))
    OUTSIDE[:] = [model]
    return model, (x(),)


@kind("its parent in a list")
def _() -> Made:
    model = Acting()
    model.fc.parent = [model]
    return model, (x(),)


@kind("its parent by a weak reference")
def _() -> Made:
    model = Acting(lambda self, value: self.fc.parent().norm.running_mean.add_(1))
    model.fc.parent = weakref.ref(model)
    return model, (x(),)


@kind("modules as keys")
def _() -> Made:
    model = Acting()
    model.names = {model.fc: "fc", model.norm: "norm"}
    return model, (x(),)


@kind("modules outside of the tree")
def _() -> Made:
    model = Acting(lambda self, value: self.hidden[0](value))
    model.hidden = [nn.Linear(4, 4)]
    return model, (x(),)


@kind("tied weights")
def _() -> Made:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    return model, (x(),)


class Refuses(nn.Linear):
    """A layer that does not like to be copied."""

    def __deepcopy__(self, memo: Any) -> Refuses:
        raise TypeError("no copies")


class CopiesItself(nn.Linear):
    """A layer that is copied in its own way."""

    def __deepcopy__(self, memo: dict[int, Any]) -> CopiesItself:
        other = CopiesItself(self.in_features, self.out_features)
        other.weight = copy.deepcopy(self.weight, memo)
        return other


class Delegating(nn.Module):
    """A module whose attributes are those of what it wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Acting()

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, value: Tensor) -> Tensor:
        return self.norm(self.fc(value))


class Marked(nn.Parameter):
    """A class of parameters with an attribute."""


class WithMarked(nn.Module):
    """A layer whose weight is of a class of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Marked(torch.ones(4, 4))
        self.weight.loader = [1]

    def forward(self, value: Tensor) -> Tensor:
        self.weight.loader.append(2)
        return value @ self.weight


class Sparse(nn.Module):
    """A product with a sparse buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adjacency", torch.eye(4).to_sparse())

    def forward(self, value: Tensor) -> Tensor:
        return torch.sparse.mm(self.adjacency, value.T)


def _scripted_part() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), torch.jit.script(nn.Linear(4, 4)))


def _pruned() -> nn.Module:
    return prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5)


def _quantised() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4))
    return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


of("refuses to be copied", lambda: nn.Sequential(Refuses(4, 4)))
of("copies itself", lambda: nn.Sequential(CopiesItself(4, 4)))
of("delegates its attributes", Delegating)
of("a class of parameters", WithMarked)
of("a sparse buffer", Sparse)
of("scripted", lambda: torch.jit.script(nn.Linear(4, 4)))
of("traced", lambda: torch.jit.trace(nn.Linear(4, 4), x()))
of("a scripted part", _scripted_part)
of("compiled", lambda: torch.compile(nn.Linear(4, 4)))
of("a compiled part", lambda: nn.Sequential(torch.compile(nn.Linear(4, 4)), nn.Linear(4, 4)))
of("replicated", lambda: nn.DataParallel(nn.Linear(4, 4)))
of("old weight norm", lambda: nn.utils.weight_norm(nn.Linear(4, 4)))
of("old spectral norm", lambda: nn.utils.spectral_norm(nn.Linear(4, 4)))
of("parametrised", lambda: parametrizations.weight_norm(nn.Linear(4, 4)))
of("pruned", _pruned)
of("quantised", _quantised)
of("lazy", lambda: nn.Sequential(nn.LazyLinear(4)))
of("complex", lambda: nn.Linear(4, 4, dtype=torch.cfloat), torch.ones(2, 4, dtype=torch.cfloat))
of("recurrent", lambda: nn.LSTM(4, 4), torch.ones(3, 2, 4))
of("an encoder", lambda: nn.TransformerEncoderLayer(4, 2, 8), torch.ones(3, 2, 4))
of("traced by fx", lambda: torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU())))


# What a forward does to its inputs.
class Store:
    """A cache that is no pytree node."""

    def __init__(self) -> None:
        self.kept = torch.ones(3, 4)


class Using(nn.Module):
    """Uses a second input in some way."""

    def __init__(self, use: Callable[[Any, Tensor], object]) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.use = use

    def forward(self, value: Tensor, other: Any) -> Tensor:
        self.use(other, value)
        return self.fc(value)


def _grow(store: Store, value: Tensor) -> None:
    store.kept = torch.cat([store.kept, value])


of("writes to its input", lambda: Acting(lambda self, value: value.add_(1)))
of("grows a cache object", lambda: Using(_grow), x(), Store())
of("fills a dictionary", lambda: Using(lambda o, v: o.update(a=v)), x(), {"b": 1})
of("grows a list", lambda: Using(lambda o, v: o.append(v)), x(), [torch.ones(1)])
of("writes to a mask", lambda: Using(lambda o, v: o.zero_()), x(), torch.ones(3, dtype=torch.bool))
of("is given its own weight", lambda: Using(lambda o, v: None), x(), nn.Parameter(torch.ones(3)))
