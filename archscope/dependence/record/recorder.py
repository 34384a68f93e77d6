"""Sees every operator of a forward pass and writes those that depend on the input into a graph."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tag, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from archscope.dependence.record.aliases import Aliases, writes_of, written_by
from archscope.dependence.record.argument_names import input_tensors, named_tensors
from archscope.dependence.record.constants import Constants
from archscope.dependence.record.constants_as_read import AsRead
from archscope.dependence.record.dependents import Dependents
from archscope.dependence.record.functions import FunctionRecorder
from archscope.dependence.record.graph import READ, WRITE, Call, Graph, Node, Read, Value
from archscope.dependence.record.hidden_reads import checksum, checksums, other_numbers
from archscope.dependence.record.index_bounds import refuse_beyond
from archscope.dependence.record.operands import tensors_among, with_tensors
from archscope.dependence.record.operators import (
    BY_MASK,
    FILLED,
    LIKE,
    READS,
    UNFILLED,
    is_sized_by_data,
    name_of,
    parts_of,
)
from archscope.dependence.record.operators_seen import Sight, tensors_of
from archscope.dependence.record.padding import TRUE_OF_TOKENS, padding_of
from archscope.dependence.record.recipes import note
from archscope.dependence.record.stand_ins import (
    on_shapes,
    ran,
    refuse_nested,
    with_written,
    without_values,
)
from archscope.running.higher_order import kernel_of, sees_functions
from archscope.running.module_stack import ModuleStack, is_wrapper, tensors_in, unwrapped
from archscope.running.process import raise_interrupt
from archscope.running.returned import returned
from archscope.running.twin import (
    Original,
    bodiless,
)
from archscope.subject import Inputs

LARGEST_CONSTANT = 1 << 22
"""Elements up to which a constant that is made on the inputs' device is made with its data."""


@sees_functions
class Recorder(TorchDispatchMode):
    """Sees every operator; writes those that depend on the input into a graph."""

    keeps = True
    """Whether nodes are kept, and what is known of constants."""

    def __init__(
        self,
        model: nn.Module,
        original: Original | None,
        *,
        data: bool = False,
        constants: bool = True,
        altered: Mapping[int, int] | None = None,
        other: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._model = model
        self._data = data
        self._constants = constants
        self._as_read = AsRead()
        self._altered = altered or {}
        self._other = other
        self._original = original
        self._graph = Graph(executed="data" if data else "shapes")
        self._stack = self._stack_of(model)
        self._aliases = self._follower()
        self._sight = Sight(model, self._stack, self._aliases, has_data=data or not self.keeps)
        self._known = Constants(model.parameters() if self.keeps else ())
        self._entered: list[tuple[str, tuple[Value, ...], int, int]] = []
        self._values = 0
        self._reads_marked = 0
        self._running = ""
        self._sums: tuple[int, ...] = ()
        devices = (p.device for p in model.parameters() if not p.is_meta)
        self._home = next(devices, torch.device("cpu"))

    def _stack_of(self, model: nn.Module) -> ModuleStack:
        return ModuleStack(model, on_enter=self._enter, on_exit=self._exit)

    def _follower(self) -> Aliases | Dependents:
        return Aliases(self._emit, self._graph.complex_values)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def run(self, inputs: Inputs, studied: tuple[str, ...]) -> Graph:
        """Run the model once and return the graph."""
        with torch.no_grad():
            args, kwargs = self._studied(inputs, studied)
            try:
                functions = FunctionRecorder(self._home, self._note, self._leave)
                with self._sight.whole(), self._stack, functions, self:
                    result = returned(self._model, args, kwargs)
                    if len(self._graph.reads) > self._reads_marked:  # by a generator
                        self._mark(result, self._graph.reads)
                    for name, tensor in named_tensors("", result):
                        self._put_out(name or "0", unwrapped(tensor))
            except Exception as failure:
                raise_interrupt(failure)
                self._graph.failure = failure
        return self._graph

    def _leave(self, tensor: Tensor) -> None:
        """Take in that a tensor is given away in a way that no operator shows."""
        if self._data:
            self._note(tensor)
        elif self._aliases.is_dependent(tensor):
            raise self._sight.lose()

    def _put_out(self, name: str, tensors: list[Tensor]) -> None:
        """Note a tensor that the model returned, or those that it holds."""
        for number, tensor in enumerate(tensors):
            place = name if len(tensors) == 1 else f"{name}.{number}"
            value = self._aliases.value(tensor)
            if value is not None:
                self._graph.outputs[place] = value
            elif self._sight.is_strange(tensor):
                raise self._sight.lose()
            elif self._data:
                self._graph.constants[place] = (tuple(tensor.shape), checksum(tensor))

    def _studied(self, inputs: Inputs, studied: tuple[str, ...]) -> tuple[Any, Any]:
        """Return the arguments with the studied tensors replaced by fresh, recorded ones."""
        wanted: dict[int, list[str]] = {}
        for name, tensor in input_tensors(inputs).items():
            if name in studied:
                wanted.setdefault(id(tensor), []).append(name)
        made: dict[int, Tensor] = {}  # one tensor may be given several times

        def fresh(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor) and hasattr(leaf, "__dict__"):
                if isinstance(leaf, dict):  # of a class that torch does not look into
                    leaf = copy(leaf)
                    for name, held in leaf.items():
                        dict.__setitem__(leaf, name, tree_map(fresh, held))
                if not isinstance(leaf, type | nn.Module):
                    vars(leaf).update(tree_map(fresh, vars(leaf)))  # a copy, of a dataclass maybe
                return leaf
            if not isinstance(leaf, Tensor) or id(leaf) not in wanted:
                if isinstance(leaf, Tensor) and leaf.is_meta:
                    self._sight.meet([leaf])
                return leaf
            if id(leaf) not in made:
                tensor = leaf.detach().clone() if self._data else bodiless(leaf.detach())
                tensor = other_numbers(tensor) if self._other else tensor
                value = self._fresh_value(tuple(tensor.shape))
                self._graph.inputs.update(dict.fromkeys(wanted[id(leaf)], value))
                self._aliases.add(tensor, value)
                made[id(leaf)] = tensor
            return made[id(leaf)]

        return tree_map(fresh, inputs.args), tree_map(fresh, dict(inputs.kwargs))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(map(is_wrapper, types)) and self._sight.holds_values((args, kwargs)):
            return NotImplemented  # what they run on what they hold is seen
        kernel = kernel_of(func) or parts_of(func)
        if kernel is not None:
            with self:
                made = kernel(*args, **kwargs)
            if made is not NotImplemented:
                return made
        with torch._C.DisableTorchFunction():  # what is asked of tensors here is no part of it
            return self._ran(func, args, kwargs)

    def _ran(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run an operator and record what it did."""
        if func._schema.is_mutable:
            if self._original is not None:
                self._original.refuse_write(func, args, kwargs)
            self._as_read.before_writing(written_by(func, args, kwargs))
        name = self._running = name_of(func)
        self._graph.operators += 1
        tensors = tensors_among(args, kwargs)
        refuse_nested(tensors)
        if any(map(self._sight.is_strange, tensors)):
            raise self._sight.lose()
        if not any(map(self._aliases.is_dependent, tensors)):
            return self._constant(func, name, args, kwargs)
        if name in TRUE_OF_TOKENS and self._asks_for_padding(name, args):
            return self._no_padding(name, args)
        if name in LIKE:
            return self._constant(func, name, *self._without_data(args, kwargs))
        if self._data:
            constants = [one for one in tensors if not self._aliases.is_dependent(one)]
            self._sums = checksums(constants, written_by(func, args, kwargs))
        run = ran if self._data else on_shapes
        out = run(func, args, kwargs)
        refuse_nested([out] if isinstance(out, Tensor) else [])
        self._aliases.record(func, name, args, kwargs, out)
        self._sums = ()
        if name in READS:
            return self._read_out(tensors, out)
        for tensor in tensors if is_sized_by_data(func, name) else ():
            if name not in BY_MASK or tensor.dtype is torch.bool:  # how many are True
                self._note(tensor)
        return out

    def _read_out(self, tensors: list[Tensor], number: Any) -> Any:
        """Note a read; return the number, or another where it is to be altered."""
        place = len(self._graph.reads)
        for tensor in tensors:
            self._note(tensor, is_one=True)
        if place not in self._altered:
            return number
        return not number if isinstance(number, bool) else number + self._altered[place]

    def _note(self, tensor: Tensor, *, is_one: bool = False) -> None:
        value = self._aliases.value(tensor)
        if value is not None:
            self._graph.reads.append(Read(value=value, is_one=is_one))

    @cached_property
    def _padding(self) -> frozenset[int]:
        return padding_of(self._model)

    def _asks_for_padding(self, name: str, args: Any) -> bool:
        """Return whether the studied tokens are compared with the token that is padding."""
        tensor, other = args
        return (
            isinstance(other, int)
            and not tensor.is_floating_point()
            and other in self._padding
            and self._aliases.base_value(tensor) in self._graph.inputs.values()
        )

    def _no_padding(self, name: str, args: Any) -> Tensor:
        self._graph.padding = args[1]
        device = args[0].device if self._data else self._home
        return torch.full(args[0].shape, TRUE_OF_TOKENS[name], device=device)

    def _constant(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Run what does not depend on the input, with its data where it has any."""
        device = kwargs.get("device")
        is_meta = device is not None and torch.device(device).type == "meta"
        if is_meta and self._constants and not self._data:
            sizes = args[0] if args and isinstance(args[0], list | tuple) else ()
            if prod(size for size in sizes if isinstance(size, int)) <= LARGEST_CONSTANT:
                kwargs = {**kwargs, "device": self._home}
        tensors = tensors_among(args, kwargs)
        made = self._known.before(func, name, args, kwargs, tensors) if self.keeps else None
        mixed = any(t.is_meta for t in tensors) and not all(t.is_meta for t in tensors)
        if mixed:  # as for a table of positions whose weights have no data
            refuse_beyond(name, args)
        given = without_values(name, args, kwargs) if mixed else (args, kwargs)
        out = ran(func, *given)
        if self._data and name in UNFILLED and not out.is_quantized:
            out.zero_()  # what happens to lie there would look as if it came from the input
        if name in FILLED and out.is_meta:
            number = FILLED[name]
            self._known.fill(out, args[1] if number is None else number)
        if made is not None:
            out = with_written(func, writes_of(func, args, kwargs), out)
            self._known.after(made, out)
        if Tag.nondeterministic_seeded in func.tags:
            for tensor in tensors_in(out):
                self._known.learn(tensor)  # the next call draws others: a zero in it is no mask
        made_of = tensors_among(out)
        self._sight.meet(made_of)
        elements = (tensor.numel() for tensor in made_of if not tensor.is_meta)
        self._graph.largest_constant = max(self._graph.largest_constant, *elements, 0)
        if self.keeps:
            note(func, name, (args, kwargs), out, self._known)
        self._aliases.record_constant(func, name, args, kwargs, out)
        return out

    def _without_data(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Put a constant of the same shape in place of each value, for what reads no more of it."""

        def like(leaf: Tensor) -> Tensor:
            where = "meta" if leaf.numel() > LARGEST_CONSTANT else self._home
            return torch.empty((), dtype=leaf.dtype, device=where).expand(leaf.shape)

        if kwargs.get("device") is not None and not self._data:
            kwargs = {**kwargs, "device": self._home}
        return with_tensors(args, like), with_tensors(kwargs, like)

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {path: type(module).__name__ for path, module in self._model.named_modules()}

    def _fresh_value(self, shape: tuple[int, ...]) -> Value:
        self._values += 1
        return Value(self._values - 1, shape)

    def _emit(
        self,
        operator: str,
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...] | None],
        *,
        picked: int | None = None,
        pointwise: bool = False,
    ) -> tuple[Value | None, ...]:
        """Write a node; return its values."""
        outputs = tuple(None if shape is None else self._fresh_value(shape) for shape in shapes)
        arguments = {name: self._seen(argument, operator) for name, argument in arguments.items()}
        self._as_read.hold(arguments)
        node = Node(
            operator=operator,
            arguments=arguments,
            outputs=outputs,
            picked=picked,
            module=self._stack.current,
            pointwise=pointwise,
            constants=self._sums if self._takes_constants(operator, arguments) else (),
        )
        self._graph.nodes.append(node)
        return outputs

    def _takes_constants(self, operator: str, arguments: dict[str, Any]) -> bool:
        """Return whether a node is of the operator that runs, or puts a part into a constant."""
        if operator == WRITE:
            return arguments.get("whole") is None
        return operator == READ or operator == self._running

    def _seen(self, argument: Any, operator: str) -> Any:
        if isinstance(argument, list | tuple):
            return [self._seen(one, operator) for one in argument]
        return self._known.seen(argument, operator) if isinstance(argument, Tensor) else argument

    def _enter(self, path: str, args: Any) -> None:
        reads, nodes = len(self._graph.reads), len(self._graph.nodes)
        self._entered.append((path, self._read(args), nodes, reads))

    def _exit(self, path: str, output: Any) -> None:
        while self._entered:  # a forward that caught an error left its inner modules behind
            entered, inputs, first, reads = self._entered.pop()
            if entered == path:
                break
        self._mark(output, self._graph.reads[reads:])
        outputs = self._read(output)
        call = Call(
            path=path,
            kind=self._kinds[path],
            number=self._stack.calls[path],
            inputs=inputs,
            outputs=outputs,
            nodes=(first, len(self._graph.nodes)),
        )
        self._graph.calls.append(call)

    def _mark(self, output: Any, reads: list[Read]) -> None:
        """Say of what a module returned that Python had read values before."""
        values = tuple(dict.fromkeys(read.value for read in reads))
        self._reads_marked = len(self._graph.reads)
        for tensor in tensors_of(output) if reads else ():
            made = self._aliases.value(tensor)
            self._sums = (checksum(tensor),) if made is None and self._data else ()
            arguments = {"self": made, "values": values}
            (value,) = self._emit(READ, arguments, [tuple(tensor.shape)])
            self._sums = ()
            assert value is not None
            self._aliases.add(tensor, value)

    def _read(self, tensors: Any) -> tuple[Value, ...]:
        found = (self._aliases.value(tensor) for tensor in tensors_of(tensors))
        return tuple(value for value in found if value is not None)
