"""Reads what a pickle says as plain data: its opcodes build values, and nothing is called.

Only what weights are made of is known (dictionaries, tensors, their storages and number types).
Anything else, as the settings that checkpoints keep beside them, is `Foreign`: its name and what it
would be made of. What runs programs is refused by its name. Python's own unpickler is not used: it
calls what a file names, and a file can make it fill the memory.

The opcodes: Python's `pickletools`; tensors: torch, `torch/_utils.py`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from archscope.records import frozen
from archscope.stored.reading import BadFileError

LARGEST = 64 << 20
"""Bytes of a pickle that are read: names and shapes of a million tensors."""
DEEPEST = 200
"""Values within values."""


@frozen
class Name:
    """What a pickle calls by a name: `torch._utils._rebuild_tensor_v2`."""

    text: str


@frozen
class Call:
    """A call that a pickle asks for; it is not made."""

    name: str
    arguments: tuple[Any, ...]


@frozen
class Storage:
    """Numbers that stand in a file of their own, which several tensors may share."""

    dtype: str
    key: str
    elements: int


@frozen
class Foreign:
    """What a pickle makes by what is not known here; it is not made."""

    name: str
    parts: list[Any] = field(default_factory=list)
    """Its arguments, its attributes and what is put into it."""


class Known(dict[Any, Any]):
    """A dictionary that may have attributes, which are left out."""


_TYPES = {
    **{f"torch.{name}Storage": dtype for name, dtype in (
        ("Double", "float64"), ("Float", "float32"), ("Half", "float16"), ("Long", "int64"),
        ("Int", "int32"), ("Short", "int16"), ("Char", "int8"), ("Byte", "uint8"),
        ("Bool", "bool"), ("BFloat16", "bfloat16"), ("ComplexDouble", "complex128"),
        ("ComplexFloat", "complex64"), ("QInt8", "qint8"), ("QUInt8", "quint8"),
        ("QInt32", "qint32"), ("Untyped", "uint8"),
    )},
    "torch.storage.UntypedStorage": "uint8",
}  # fmt: skip
_DICTIONARIES = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict")
_NAMES: Mapping[str, str] = {
    "torch._utils._rebuild_": (
        "tensor tensor_v2 tensor_v3 parameter parameter_with_state qtensor meta_tensor_no_storage"
    ),
    "torch._tensor._": "rebuild_from_type_v2",
    "torch.": (
        "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool "
        "complex32 complex64 complex128 float8_e4m3fn float8_e5m2 float8_e4m3fnuz "
        "float8_e5m2fnuz float8_e8m0fnu qint8 quint8 qint32 per_tensor_affine per_channel_affine "
        "strided sparse_coo contiguous_format preserve_format channels_last "
        "Size device Tensor nn.Parameter nn.parameter.Parameter serialization._get_layout"
    ),
    "builtins.": "set frozenset complex",
    "collections.": "Counter",
}
"""By where they are: what else a pickle may name."""
_ALL = frozenset(start + name for start, names in _NAMES.items() for name in names.split())
TENSORS = frozenset(name for name in _ALL if "_rebuild_" in name)
"""What tensors are made by."""
KNOWN = _ALL | frozenset(_TYPES) | frozenset(_DICTIONARIES)
"""All that has a meaning here."""
_RUNS = frozenset((
    "os", "posix", "nt", "subprocess", "pty", "sys", "shutil", "socket", "runpy", "importlib",
    "ctypes", "marshal", "pickle", "webbrowser", "builtins.eval", "builtins.exec",
    "builtins.compile", "builtins.open", "builtins.__import__",
))  # fmt: skip
"""Modules and functions of Python's that no settings are made of: who names them runs programs."""


def read(data: bytes, shown: str) -> Any:
    """Return what a pickle holds; raises `BadFileError` where it is none or asks for a call."""
    if len(data) > LARGEST:
        raise BadFileError(f"{shown}: its pickle has {len(data):,} bytes, more than {LARGEST:,}")
    try:
        return _Machine(shown).run(data)
    except BadFileError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        said = str(error).partition("\n")[0][:80]
        raise BadFileError(f"{shown} holds no pickle that can be read: {said}") from None
    except (RecursionError, MemoryError):
        raise BadFileError(f"{shown} holds a pickle that is nested too deeply") from None


def holds_tensors(value: Any) -> bool:
    """Return whether a tensor is anywhere in what a pickle holds; each part is looked at once."""
    waiting, seen = [value], {id(value)}
    while waiting:
        found = waiting.pop()
        if isinstance(found, Call) and found.name in TENSORS:
            return True
        for part in _parts(found):
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)
    return False


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, Foreign | Call):
        return value.parts if isinstance(value, Foreign) else value.arguments
    return value if isinstance(value, list | tuple) else ()


_MARK = object()


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return self.stack[-1]
            _STEPS.get(opcode.name, _refuse(opcode.name))(self, argument)
        raise ValueError("it has no end")

    def above_mark(self) -> list[Any]:
        """Return, and take away, what stands above the last mark, and the mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("a mark is missing")
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found


_Step = Callable[[_Machine, Any], None]


def _refuse(name: str) -> _Step:
    def step(machine: _Machine, argument: Any) -> None:
        raise BadFileError(
            f"{machine.shown} holds a pickle of another kind ({name}); only weights are read"
        )

    return step


def _push(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _constant(make: Callable[[], Any]) -> _Step:
    return lambda machine, argument: machine.stack.append(make())


def _tuple(count: int) -> _Step:
    def step(machine: _Machine, argument: Any) -> None:
        found = tuple(machine.stack[-count:])
        if len(found) < count:
            raise ValueError("the stack is empty")
        machine.stack[-count:] = [found]

    return step


def _name(machine: _Machine, text: str) -> None:
    module, _, name = text.partition(" ")
    full = f"{module}.{name}".replace("__builtin__.", "builtins.")
    if full in _RUNS or full.partition(".")[0] in _RUNS:
        raise not_called(full, machine.shown)
    machine.stack.append(Name(text=full))


def not_called(name: str, shown: str) -> BadFileError:
    """Return what is said of a call that stands where weights should."""
    if name.startswith("torch._utils._rebuild_"):
        return BadFileError(
            f"{shown} holds a tensor made by {name[:80]!r}, which is not read: save a plain, "
            "dense one, or give the network itself"
        )
    return BadFileError(
        f"{shown} asks for {name[:80]!r}, which is not called: only weights are read; save the "
        "state_dict() alone"
    )


def _stack_global(machine: _Machine, argument: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise ValueError("a name is not text")
    _name(machine, f"{module} {name}")


def _reduce(machine: _Machine, argument: Any) -> None:
    arguments, called = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(_made(called, arguments))


def _made(called: Any, arguments: Any) -> Known | Call | Foreign:
    if isinstance(called, Foreign):
        return Foreign(name=called.name, parts=[called, arguments])
    if not isinstance(called, Name) or type(arguments) is not tuple:
        raise ValueError("it calls what has no name")
    if called.text in _DICTIONARIES:
        return Known()
    if called.text in KNOWN:
        return Call(name=called.text, arguments=arguments)
    return Foreign(name=called.text, parts=[arguments])


def _new_with_keywords(machine: _Machine, argument: Any) -> None:
    keywords = machine.stack.pop()
    _reduce(machine, argument)
    if isinstance(machine.stack[-1], Foreign):
        machine.stack[-1].parts.append(keywords)


def _build(machine: _Machine, argument: Any) -> None:
    attributes = machine.stack.pop()  # of a dictionary, as `_metadata` of a state dict: left out
    if not machine.stack:
        raise ValueError("the stack is empty")
    if isinstance(machine.stack[-1], Foreign):
        machine.stack[-1].parts.append(attributes)


def _set_items(machine: _Machine, pairs: list[Any]) -> None:
    found = machine.stack[-1]
    if isinstance(found, Foreign):
        found.parts.extend(pairs)
        return
    if not isinstance(found, dict) or len(pairs) % 2:
        raise ValueError("it sets items of something that is not a dictionary")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        named = isinstance(key, str | int | float | None)
        found[key if named else f"key {len(found)}"] = value


def _dictionary(machine: _Machine, argument: Any) -> None:
    pairs = machine.above_mark()
    machine.stack.append(Known())
    _set_items(machine, pairs)


def _pop_mark(machine: _Machine, argument: Any) -> None:
    machine.above_mark()


def _append(machine: _Machine, items: list[Any]) -> None:
    found = machine.stack[-1]
    found = found.parts if isinstance(found, Foreign) else found
    if not isinstance(found, list):
        raise ValueError("it appends to something that is not a list")
    found.extend(items)


def _persistent(machine: _Machine, argument: Any) -> None:
    """('storage', type, key, location, elements), as torch saves what a tensor's numbers are."""
    found = machine.stack.pop()
    if type(found) is not tuple or len(found) != 5 or found[0] != "storage":
        raise ValueError("a reference does not point to a storage")
    _, kind, key, _, elements = found
    dtype = _TYPES.get(kind.text) if isinstance(kind, Name) else None
    if dtype is None or type(key) is not str or type(elements) is not int or elements < 0:
        raise ValueError("a storage is described wrongly")
    machine.stack.append(Storage(dtype=dtype, key=key, elements=elements))


def _memoize(machine: _Machine, argument: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _put(machine: _Machine, argument: int) -> None:
    machine.memo[argument] = machine.stack[-1]


def _nothing(machine: _Machine, argument: Any) -> None:
    return


_PLAIN = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8"
)
"""Opcodes whose argument is a value."""
_STEPS: dict[str, _Step] = {
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(_PLAIN.split(), _push),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_DICT": _constant(Known),
    "EMPTY_LIST": _constant(list),
    "EMPTY_TUPLE": _constant(tuple),
    "EMPTY_SET": _constant(list),
    "FROZENSET": lambda machine, _: machine.stack.append(tuple(machine.above_mark())),
    "MARK": _constant(lambda: _MARK),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.above_mark())),
    "LIST": lambda machine, _: machine.stack.append(machine.above_mark()),
    "DICT": _dictionary,
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": _pop_mark,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "GLOBAL": _name,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_with_keywords,
    "BUILD": _build,
    "SETITEM": lambda machine, _: _set_items(machine, [*_popped(machine, 2)]),
    "SETITEMS": lambda machine, _: _set_items(machine, machine.above_mark()),
    "APPEND": lambda machine, _: _append(machine, [*_popped(machine, 1)]),
    "APPENDS": lambda machine, _: _append(machine, machine.above_mark()),
    "ADDITEMS": lambda machine, _: _append(machine, machine.above_mark()),
    "BINPERSID": _persistent,
    "MEMOIZE": _memoize,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"),
        lambda machine, argument: machine.stack.append(machine.memo[argument]),
    ),
}
"""By the name of the opcode."""


def _popped(machine: _Machine, count: int) -> list[Any]:
    found = machine.stack[-count:]
    if len(found) < count:
        raise ValueError("the stack is empty")
    del machine.stack[-count:]
    return found
