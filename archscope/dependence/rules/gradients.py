"""Rules of parts of a derivative that a forward takes itself: of activations and losses."""

from __future__ import annotations

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import RuleSet, edges, pointwise, targets
from archscope.dependence.sets.steps import Edge, across, broadcast

RULES = RuleSet()


@RULES.of(
    *("elu_backward", "hardshrink_backward", "hardsigmoid_backward", "hardswish_backward"),
    *("hardtanh_backward", "leaky_relu_backward", "softplus_backward", "softshrink_backward"),
    *("rrelu_with_noise_backward", "_prelu_kernel_backward", "mse_loss_backward"),
    *("smooth_l1_loss_backward", "huber_loss_backward", "soft_margin_loss_backward"),
    *("binary_cross_entropy_backward", "log_sigmoid_backward"),
)
def of_activation(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place."""
    return pointwise(node, zeros)


@RULES.of("_softmax_backward_data", "_log_softmax_backward_data")
def of_softmax(node: Node, zeros: Zeros) -> list[Edge]:
    """All along the axis, of the gradient and of the softmax."""
    given, (target,) = node.arguments, targets(node)
    axis = given["dim"] % len(target.shape)
    found = []
    for name in ("grad_output", "output"):
        source = given[name]
        if isinstance(source, Value):
            wide = broadcast(source.shape, target.shape)
            mixing = across(target.shape, target.shape, (axis,))
            found += edges(source, (*wide, *mixing), target)
    return found
