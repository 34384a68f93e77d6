"""Runs a forward pass for its shapes alone: other sizes of an input are tried by the dozen."""

from __future__ import annotations

from torch import nn

from archscope.dependence.record.dependents import Dependents
from archscope.dependence.record.recorder import Recorder
from archscope.running.higher_order import sees_functions
from archscope.running.module_stack import ModuleStack
from archscope.running.twin import Original


@sees_functions
class ShapeRecorder(Recorder):
    """Keeps what the model returned and the calls of one module, and no node."""

    keeps = False

    def __init__(self, model: nn.Module, original: Original | None, *, within: str) -> None:
        self._within = within
        super().__init__(model, original)

    def _stack_of(self, model: nn.Module) -> ModuleStack:
        stack = ModuleStack(nn.Module(), on_enter=self._enter, on_exit=self._exit)
        if self._within:
            stack.paths = {id(model.get_submodule(self._within)): self._within}
        return stack

    def _follower(self) -> Dependents:
        return Dependents(self._fresh_value)
