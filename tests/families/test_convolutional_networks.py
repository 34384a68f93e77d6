"""Convolutional networks on real tensors: shapes, causality, and what an output depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.blocks.squeeze_excitation import SqueezeExcitation
from archscope.families import FAMILIES
from archscope.theory.outline import Outline
from archscope.theory.units import seen_by

IMAGE = {"classes": 5, "batch_size": 2}
TINY = {"depth_mult": 0.3, "width_mult": 0.25}
SHAPES: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "resnet": ("resnet", {"input_size": 40, "stem_channels": 8, **IMAGE}, (2, 5)),
    "resnext": (
        "resnet",
        {"block": "bottleneck", "groups": 4, "group_width": 8, "blocks": (1, 1, 1, 1),
         "stem_channels": 16, "stride_in": "conv1", "input_size": 40, **IMAGE},
        (2, 5),
    ),
    "vgg": ("vgg", {"input_size": 33, "channels": (4, 4, 4, 4, 4), "d_ff": 7, **IMAGE}, (2, 5)),
    "vgg with norms": (
        "vgg", {"input_size": 32, "channels": (4,) * 5, "d_ff": 7, "norm": "batchnorm", **IMAGE},
        (2, 5),
    ),
    "drn a": ("drn", {"arch": "a", "blocks": (1, 1, 1, 1), "input_size": 24, **IMAGE}, (2, 5)),
    "drn c": ("drn", {"arch": "c", "blocks": (1,) * 8, "input_size": 24, **IMAGE}, (2, 5)),
    "drn c, bottlenecks": (
        "drn", {"arch": "c", "block": "bottleneck", "blocks": (1,) * 8, "input_size": 17, **IMAGE},
        (2, 5),
    ),
    "drn d": ("drn", {"blocks": (1,) * 8, "input_size": 24, **IMAGE}, (2, 5)),
    "mobilenet v1": ("mobilenet", {"version": "v1", "width_mult": 0.25, "input_size": 40, **IMAGE},
                     (2, 5)),
    "mobilenet v2": ("mobilenet", {"width_mult": 0.25, "input_size": 40, **IMAGE}, (2, 5)),
    "mobilenet v3": ("mobilenet", {"version": "v3-small", "width_mult": 0.5, "input_size": 40,
                                   **IMAGE}, (2, 5)),
    "efficientnet": ("efficientnet", {"input_size": 40, **TINY, **IMAGE}, (2, 5)),
    "efficientnet v2": ("efficientnet", {"version": "v2-s", "input_size": 40, **TINY, **IMAGE},
                        (2, 5)),
    "xception": ("separable-residual", {"input_size": 75, "middle_blocks": 1, **IMAGE}, (2, 5)),
    "convnext": ("convnext", {"input_size": 40, "blocks": (1, 1, 2, 1), "channels": (8, 8, 16, 8),
                              **IMAGE}, (2, 5)),
    "convnext v2": ("convnext", {"input_size": 40, "version": "v2", "blocks": (1, 1, 2, 1),
                                 "channels": (8, 8, 16, 8), **IMAGE}, (2, 5)),
    "squeezenet": ("squeezenet", {"version": "1.1", "expand_channels": 16, "expand_step": 8,
                                  "input_size": 25, **IMAGE}, (2, 5)),
    "densenet": ("densenet", {"blocks": (2, 3), "growth_rate": 4, "stem_channels": 8,
                              "input_size": 5, **IMAGE}, (2, 5)),
    "densenet without bottlenecks": (
        "densenet", {"blocks": (2, 3), "growth_rate": 4, "stem": "3x3", "bottleneck": 0,
                     "compression": 0.3, "input_size": 9, **IMAGE}, (2, 5),
    ),
    "regnet": ("regnet", {"depth": 5, "initial_width": 8, "slope": 6, "width_ratio": 2,
                          "group_width": 4, "squeeze_ratio": 0.25, "input_size": 17, **IMAGE},
               (2, 5)),
    "shufflenet": ("shufflenet", {"blocks": (1, 2), "channels": (6, 4), "stem_channels": 3,
                                  "input_size": 17, **IMAGE}, (2, 5)),
    "lenet": ("lenet", {"channels": (3, 4, 5), "kernels": (3, 5), "pools": (2, 1), "hidden": (),
                        "padding": "same", "input_size": 11, **IMAGE}, (2, 5)),
    "inception v3": ("inception", {"auxiliary": False, "width_mult": 0.05, "input_size": 75,
                                   **IMAGE}, (2, 5)),
    "u-net, valid": ("u-net", {"input_size": 44, "levels": 3, "stem_channels": 4, **IMAGE},
                     (2, 5, 4, 4)),
    "u-net, same": ("u-net", {"input_size": 16, "levels": 3, "stem_channels": 4, "norm":
                              "batchnorm", "padding": "same", "upsampling": "bilinear", **IMAGE},
                    (2, 5, 16, 16)),
    "wavenet": ("wavenet", {"input_size": 30, "classes": 6, "dilations": (1, 2, 4), "stacks": 2,
                            "residual_channels": 3, "dilation_channels": 4, "skip_channels": 5},
                (1, 6, 30)),
    "tcn, last": ("tcn", {"levels": 3, "input_size": 30, **IMAGE}, (2, 5)),
    "tcn, each": ("tcn", {"levels": 3, "input_size": 30, "reads": "each", **IMAGE}, (2, 30, 5)),
    "textcnn": ("textcnn", {"vocab_size": 50, "d_model": 6, "maps": 4, "seq_len": 9, **IMAGE},
                (2, 5)),
    "textcnn, two channels": (
        "textcnn", {"vocab_size": 50, "d_model": 6, "maps": 4, "seq_len": 9,
                    "mode": "multichannel", **IMAGE}, (2, 5),
    ),
    "lstm": ("lstm", {"vocab_size": 50, "d_model": 6, "hidden_size": 7, "seq_len": 9}, (1, 9, 50)),
    "lstm, tied": ("lstm", {"vocab_size": 50, "d_model": 7, "hidden_size": 7, "seq_len": 9,
                            "tied": True}, (1, 9, 50)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "heads"),
    [({"version": "v1", "input_size": 50}, {"aux1", "aux2"}), ({"version": "v3"}, {"AuxLogits"})],
    ids=["v1", "v3"],
)
def test_auxiliary_classifiers_run_in_training_alone(
    fields: dict[str, Any], heads: set[str]
) -> None:
    model, x = _built("inception", {"width_mult": 0.02, **fields, **IMAGE})

    with torch.no_grad():
        alone, both = model(x), model.train()(x)

    assert tuple(alone.shape) == (2, 5)
    assert set(both) == {"logits", *heads}
    assert all(tuple(scores.shape) == (2, 5) for scores in both.values())


def _built(kind: str, fields: dict[str, Any]) -> tuple[Any, Tensor]:
    torch.manual_seed(0)
    family = FAMILIES.get(kind)
    spec = family.spec(**fields)
    (x,) = family.inputs(spec).args
    return family.network(spec).eval(), x


@pytest.mark.parametrize("name", SHAPES)
def test_a_forward_pass_returns_what_the_spec_says(name: str) -> None:
    kind, fields, shape = SHAPES[name]
    model, x = _built(kind, fields)

    with torch.no_grad():
        out = model(x)

    assert tuple(out.shape) == shape
    assert out.isfinite().all()
    assert out.std() > 0


@pytest.mark.parametrize(
    "fields",
    [
        {"auxiliary": True},
        {"head": "fcn", "output_stride": 16},
        {"backbone": "mobilenet-v3-large", "output_stride": 16, "auxiliary": True},
        {"head": "lraspp", "backbone": "mobilenet-v3-large", "output_stride": 16},
    ],
    ids=str,
)
def test_segmentation_gives_every_position_its_scores(fields: dict[str, Any]) -> None:
    model, x = _built("segmentation", {"input_size": 49, "classes": 3, **fields})

    with torch.no_grad():
        out = model(x)

    assert set(out) == ({"out", "aux"} if fields.get("auxiliary") else {"out"})
    assert all(tuple(scores.shape) == (1, 3, 49, 49) for scores in out.values())


@pytest.mark.parametrize("name", ["wavenet", "tcn, each"])
def test_a_causal_network_never_sees_the_future(name: str) -> None:
    kind, fields, _ = SHAPES[name]
    model, x = _built(kind, fields)
    model, x = model.double(), x.double()
    axis = 1 if name == "tcn, each" else 2
    before = model(x)
    for place in range(0, 30, 7):
        changed = x.clone()
        changed[..., place] += 1
        after = model(changed)
        assert torch.equal(after.narrow(axis, 0, place), before.narrow(axis, 0, place))
        assert not torch.equal(after.select(axis, place), before.select(axis, place))


def test_a_language_model_never_sees_a_later_word() -> None:
    model, words = _built("lstm", SHAPES["lstm"][1])
    before = model(words)
    changed = words.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 50
    after = model(changed)

    assert torch.equal(after[:, :5], before[:, :5])
    assert not torch.equal(after[:, 5], before[:, 5])


def test_weights_are_normalised_before_they_convolve() -> None:
    model, x = _built("tcn", {"levels": 1, "input_size": 9, "hidden_channels": 3})
    conv = model.network[0].conv1
    with torch.no_grad():
        before = conv(x)
        conv.weight_v *= 7  # its direction alone counts
        torch.testing.assert_close(conv(x), before)
        conv.weight_g *= 2
        bias = conv.bias[:, None]
        torch.testing.assert_close(conv(x) - bias, 2 * (before - bias))


def test_both_channels_of_words_go_through_the_same_filters() -> None:
    model, words = _built("textcnn", SHAPES["textcnn, two channels"][1])
    frozen, tuned = model.embeddings
    assert not frozen.weight.requires_grad
    assert tuned.weight.requires_grad
    before = model(words)
    with torch.no_grad():
        frozen.weight.copy_(frozen.weight.flip(1))
    assert not torch.equal(model(words), before)


SEEN: dict[str, tuple[str, dict[str, Any], str]] = {
    # where the map is taken: what goes into the module of that name, or what comes out of it
    "vgg": ("vgg", {"channels": (2, 2, 2), "convolutions": (1, 2, 1), "input_size": 48},
            "into avgpool"),
    "resnet": ("resnet", {"blocks": (1, 1, 2, 1), "stem_channels": 2, "input_size": 160},
               "into avgpool"),
    "resnet as published": (
        "resnet", {"block": "bottleneck", "blocks": (1, 2, 1, 1), "stem_channels": 2,
                   "group_width": 64, "stride_in": "conv1", "input_size": 160}, "into avgpool",
    ),
    "resnet, stride 8": ("resnet", {"block": "bottleneck", "blocks": (1, 1, 1, 2), "stem_channels":
                                    2, "output_stride": 8, "input_size": 160}, "into avgpool"),
    "drn c": ("drn", {"arch": "c", "blocks": (1,) * 8, "input_size": 72}, "into avgpool"),
    "drn d": ("drn", {"blocks": (1,) * 8, "input_size": 72}, "into avgpool"),
    "mobilenet v1": ("mobilenet", {"version": "v1", "width_mult": 0.02, "input_size": 160},
                     "into avgpool"),
    "mobilenet v2": ("mobilenet", {"width_mult": 0.02, "input_size": 192}, "into avgpool"),
    "mobilenet v3": ("mobilenet", {"version": "v3-small", "width_mult": 0.02, "input_size": 192},
                     "into avgpool"),
    "efficientnet v2": ("efficientnet", {"version": "v2-s", "width_mult": 0.02, "depth_mult": 0.1,
                                         "input_size": 160}, "into avgpool"),
    "xception": ("separable-residual", {"middle_blocks": 0, "input_size": 131}, "into avgpool"),
    "convnext": ("convnext", {"blocks": (1, 1, 2, 1), "channels": (4, 4, 4, 4), "input_size": 224},
                 "into avgpool"),
    "squeezenet": ("squeezenet", {"expand_channels": 8, "expand_step": 0, "input_size": 127},
                   "into classifier.3"),
    "densenet": ("densenet", {"blocks": (1, 2, 1), "growth_rate": 2, "stem_channels": 2,
                              "input_size": 160}, "into avgpool"),
    "regnet": ("regnet", {"depth": 5, "initial_width": 8, "slope": 6, "width_ratio": 2,
                          "squeeze_ratio": 0.25, "input_size": 160}, "into avgpool"),
    "shufflenet": ("shufflenet", {"blocks": (1, 3), "channels": (2, 4), "input_size": 160},
                   "into avgpool"),
    "lenet": ("lenet", {"activation": "relu", "pools": (1, 3), "input_size": 40}, "into flatten"),
    "googlenet": ("inception", {"version": "v1", "large_kernel": 5, "width_mult": 0.02,
                                "input_size": 100}, "into avgpool"),
    "u-net, valid": ("u-net", {"levels": 3, "stem_channels": 2, "input_size": 60}, "out of out"),
    "u-net, nearest": ("u-net", {"levels": 3, "stem_channels": 2, "input_size": 64, "padding":
                                 "same", "upsampling": "nearest"}, "out of out"),
    "u-net, bilinear": ("u-net", {"levels": 3, "stem_channels": 2, "input_size": 64, "padding":
                                  "same", "upsampling": "bilinear"}, "out of out"),
    "wavenet": ("wavenet", {"dilations": (1, 2, 4), "stacks": 2, "classes": 3, "input_size": 40,
                            "residual_channels": 3, "dilation_channels": 3, "skip_channels": 3},
                "out of end2"),
    "tcn": ("tcn", {"levels": 3, "kernel_size": 3, "hidden_channels": 3, "input_size": 60},
            "out of network"),
    "fcn": ("segmentation", {"head": "fcn", "backbone": "mobilenet-v3-large", "output_stride": 16,
                             "input_size": 96}, "out of classifier"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_an_output_depends_on_what_the_outline_says(name: str) -> None:
    """Hold every position of the middle output's window, along one axis, against a gradient.

    Weights are positive and activations never saturate, so that nothing cancels. Squeezes are left
    out, as the outline says, and pools average, since a maximum passes a gradient to one position.
    """
    kind, fields, place = SEEN[name]
    family = FAMILIES.get(kind)
    spec = family.spec(**{"batch_size": 1, **fields})
    torch.manual_seed(0)
    model = _transparent(family.network(spec)).double().eval()
    (x,) = family.inputs(spec).args
    x = (x.double().abs() * 1e-3).requires_grad_()
    found = _map_at(model, place, x)
    unit = found.shape[-1] // 2
    assert family.outline is not None
    outline = family.outline(spec)

    for _ in range(outline.axes):
        found = found.select(-1, unit)
    found.sum().backward()

    assert x.grad is not None
    seen = x.grad.abs().sum(tuple(range(x.ndim - 1))).nonzero().flatten().tolist()
    assert seen == _expected(outline, unit, x.shape[-1])


def _expected(outline: Outline, unit: int, size: int) -> list[int]:
    stacks = [branch.stack for branch in outline.branches] or [outline.layers]
    return sorted({p for stack in stacks for p in seen_by(stack, unit, input_size=size)})


def _transparent(model: nn.Module) -> nn.Module:
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(module, name, pool)
            elif isinstance(child, SqueezeExcitation):
                setattr(module, name, nn.Identity())
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.uniform_(0.5, 1).div_(parameter[0].numel())
            parameter.abs_()
    return model


def _map_at(model: nn.Module, place: str, x: Tensor) -> Tensor:
    side, _, name = place.partition(" of ") if " of " in place else place.partition(" ")
    kept: list[Tensor] = []
    hooks: dict[str, Callable[..., Any]] = {
        "into": lambda _module, inputs, _output: kept.append(inputs[0]),
        "out": lambda _module, _inputs, output: kept.append(output),
    }
    handle = model.get_submodule(name).register_forward_hook(hooks[side])
    model(x)
    handle.remove()
    return kept[0]
