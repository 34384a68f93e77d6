"""What an image-level number hides: the last stages alone."""

import pytest

from archscope.theory.gridding import stages, suffixes
from archscope.theory.layers import Stack, conv, dilated, pool
from archscope.theory.product import views, worst_view


def block(name: str, *, stride: int = 1, dilation: int = 1) -> Stack:
    """A bottleneck's path through its 3x3 convolution."""
    return (
        conv(1, name=f"{name}.conv1"),
        conv(3, stride=stride, dilation=dilation, padding=dilation, name=f"{name}.conv2"),
        conv(1, name=f"{name}.conv3"),
    )


def resnet50_os8() -> Stack:
    """torchvision's resnet50(replace_stride_with_dilation=[False, True, True])."""
    layers: Stack = (
        conv(7, stride=2, padding=3, name="conv1"),
        pool(3, stride=2, padding=1, name="maxpool"),
    )
    # Stages of 3, 4, 6 and 3 blocks; the first block keeps the dilation of the stage before.
    for stage, (blocks, stride, first, rest) in enumerate(
        ((3, 1, 1, 1), (4, 2, 1, 1), (6, 1, 1, 2), (3, 1, 2, 4)), start=1
    ):
        for index in range(blocks):
            layers += block(
                f"layer{stage}.{index}",
                stride=1 if index else stride,
                dilation=rest if index else first,
            )
    return layers


def test_resnet50_layer4_is_two_networks() -> None:
    stack = resnet50_os8()
    found = suffixes(stack, stages(stack))
    assert [suffix.first.partition(".")[0] for suffix in found] == [
        "conv1",
        "maxpool",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    ]
    assert (found[0].gridding.hull, found[0].gridding.coverage) == (427, 1.0)
    # Rates 2, 4, 4: 1 + 2 * 10 = 21, of which 11 even ones; (11 / 21)^2 = 27.4%.
    last = found[-1]
    assert (last.reads, last.last) == ("layer3.5.conv3", "layer4.2.conv3")
    assert (last.gridding.hull, last.gridding.touched, last.gridding.streams) == (21, 11, 2)
    worst = worst_view(views((stack, stack), stages(stack)), (stack, stack))
    assert worst is not None
    assert worst.coverage == pytest.approx(0.274, abs=5e-4)
    assert worst.axes == (last.gridding, last.gridding)
    assert (worst.start, worst.networks) == (last.start, 4)


def test_drn_c26_degridding_layers() -> None:
    # Layer 6 of DRN-C-26 is four convolutions of rate 4; layers 7 and 8 are 2, 2 and 1, 1.
    alone = suffixes(dilated((4, 4, 4, 4)))[0].gridding
    # 1 + 2 * 16 = 33, of which 9; (9 / 33)^2 = 7.4%.
    assert (alone.hull, alone.touched, alone.streams) == (33, 9, 4)
    assert alone.coverage is not None
    assert alone.coverage**2 == pytest.approx(0.074, abs=5e-4)
    degridded = suffixes(dilated((4, 4, 4, 4, 2, 2, 1, 1)))[0].gridding
    assert (degridded.coverage, degridded.streams, degridded.coupling_depth) == (1.0, 1, 1)


def test_each_map_of_a_plain_stack() -> None:
    stack = dilated((1, 2, 4))
    found = suffixes(stack)
    assert [(s.start, s.reads, s.first, s.last) for s in found] == [
        (0, "input", "conv1", "conv3"),
        (1, "conv1", "conv2", "conv3"),
        (2, "conv2", "conv3", "conv3"),
    ]
    assert [s.gridding.streams for s in found] == [1, 2, 4]
    worst = worst_view(views((stack,), range(3)), (stack,))
    assert worst is not None
    assert worst.start == 1  # one comb alone, at 2, does not count


def test_a_pyramid_has_no_gridded_map() -> None:
    stack = dilated((1, 2, 3, 4, 3, 2, 1))
    assert worst_view(views((stack,), range(7)), (stack,)) is None


def test_axes_that_differ_are_judged_together() -> None:
    # 2, 2 see 5 of 9 along the first axis; 1, 2 all of 7 along the second.
    path = (dilated((2, 2)), dilated((1, 2)))
    (view,) = views(path, (0,))
    assert (view.hull, view.positions, view.reached) == ((9, 7), 63, 35)
    assert (view.is_full, view.networks, view.coupling_depth) == (False, 2, None)
    assert worst_view((view,), path) == view
    assert worst_view(views(path[1:], (0,)), path[1:]) is None


def test_a_stage_is_what_stands_before_a_number() -> None:
    names = ("backbone.stem", "backbone.layer3.0.conv", "backbone.layer3.1.conv")
    more = ("backbone.layer4.0.conv", "head.0", "head.1", "last")
    stack = tuple(conv(3, name=name) for name in (*names, *more))

    assert stages(stack) == (0, 1, 3, 4, 6)
