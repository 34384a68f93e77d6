"""Every operator that the counting engines know has a rule here, or is listed with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from archscope.counting.operators import classify
from archscope.counting.quantised import ELEMENTWISE as PACKED_ELEMENTWISE
from archscope.counting.quantised import FORMULAS as PACKED
from archscope.dependence.rules import give, known_rules, pointwise
from archscope.dependence.rules._without import WITHOUT_RULE
from archscope.dependence.rules.quantised import NAME
from archscope.errors import ArchscopeError


def overloads(name: str) -> list[torch._ops.OpOverload]:
    """Return the overloads of an operator of torch that the dispatcher has and that take tensors.

    Those that take none (numbers of TorchScript, ranges) never depend on an input.
    """
    packet = getattr(torch.ops.aten, name)
    found = []
    for one in packet.overloads():
        full = f"aten::{name}" + f".{one}".removesuffix(".default")
        if torch._C._dispatch_has_kernel(full):
            overload = getattr(packet, one)
            if any("Tensor" in str(argument.type) for argument in overload._schema.arguments):
                found.append(overload)
    return found


def known() -> Iterator[str]:
    """Yield the names that reach a recorder of the operators that are counted or known as free."""
    schemas = {schema.name for schema in torch._C._jit_get_all_schemas()}
    for full in sorted(name for name in schemas if name.startswith("aten::")):
        name = full.removeprefix("aten::")
        found = overloads(name)
        if not found or classify(full) == "unknown" or all(map(is_composite, found)):
            continue
        yield name if name.startswith("__") else name.rstrip("_")
    packed = (name.partition("::") for name in {*PACKED, *PACKED_ELEMENTWISE})
    yield from (NAME.format(name) if space == "quantized" else name for space, _, name in packed)


def is_composite(overload: torch._ops.OpOverload) -> bool:
    """Return whether an operator is made of others, which each have a rule."""
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    return overload.has_kernel_for_dispatch_key(key)


def is_pointwise(name: str) -> bool:
    """Return whether torch says of every form of an operator, in place too, that it is."""
    tagged = [
        torch.Tag.pointwise in overload.tags
        for full in (name, f"{name}_")
        if hasattr(torch.ops.aten, full)
        for overload in overloads(full)
    ]
    return bool(tagged) and all(tagged)


@pytest.mark.skipif(torch.__version__ < "2.13", reason="an older torch tells fewer tags")
def test_every_operator_that_is_counted_has_a_rule_or_a_reason() -> None:
    names = set(known())
    assert len(names) > 700
    rules = known_rules()

    assert [
        n for n in sorted(names) if not (n in rules or n in WITHOUT_RULE or is_pointwise(n))
    ] == []


@pytest.mark.skipif(torch.__version__ < "2.13", reason="an older torch tells fewer tags")
def test_no_reason_is_left_of_an_operator_that_has_a_rule_or_is_no_more() -> None:
    names = set(known())

    assert sorted(WITHOUT_RULE.keys() & known_rules().keys()) == []
    assert sorted(WITHOUT_RULE.keys() - names) == []


def test_an_operator_without_a_rule_would_be_noticed() -> None:
    assert "convolution_backward" in set(known())
    assert "convolution_backward" not in known_rules()
    assert not is_pointwise("convolution_backward")
    assert is_pointwise("exp")


def test_a_rule_of_torchs_is_not_replaced() -> None:
    with pytest.raises(ArchscopeError, match="aten::bmm has a rule already"):
        give("aten::bmm", pointwise)
