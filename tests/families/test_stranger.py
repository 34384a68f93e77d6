"""A family that another package brings: it is there everywhere, with no edit anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warm import Warm

FILES = {
    "mini_family/__init__.py": '''"""A stack of linear layers."""

from archscope.families import Family
from archscope.subject import Inputs
from mini_family.spec import MiniSpec, blocks, describe


def inputs(spec):
    import torch

    return Inputs(args=(torch.zeros(1, spec.width),))


FAMILY = Family(
    name="mini",
    summary="a stack of linear layers",
    spec=MiniSpec,
    describe=describe,
    inputs=inputs,
    module="mini_family.network:Mini",
    blocks=blocks,
)
''',
    "mini_family/spec.py": '''"""The shape of a stack of linear layers."""

from dataclasses import dataclass

from archscope.blocks.plan import numbered
from archscope.specs import check, option


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniSpec:
    """The shape of a stack of linear layers."""

    layers_deep: int = option(3, "number of linear layers", low=1, high=100)
    width: int = option(10, "features of each", low=1, high=1000)

    def __post_init__(self):
        check(self)


def blocks(spec):
    """Return the layers, which are all alike."""
    return numbered("layers", spec.layers_deep)


def describe(spec):
    """Yield what tells it from others, in words."""
    yield f"mini of {spec.layers_deep} layers"
''',
    "mini_family/network.py": '''"""A stack of linear layers."""

from torch import nn

from archscope.blocks.stack import sequence


class Mini(nn.Module):
    """Linear layers, one after the other."""

    def __init__(self, spec, plan):
        super().__init__()
        self.layers = sequence(plan, lambda _: nn.Linear(spec.width, spec.width))

    def forward(self, x):
        """Take and return features."""
        return self.layers(x)
''',
    "mini_family/presets.toml": """source = "Nobody 2026, table 1"

[mini-published]
fields = { layers_deep = 7 }
published = [{ quantity = "trainable", text = "770", source = "table 1" }]
""",
    "mini_family-1.0.dist-info/entry_points.txt": """[archscope.families]
mini = mini_family:FAMILY
""",
    "mini_family-1.0.dist-info/METADATA": """Metadata-Version: 2.1
Name: mini-family
Version: 1.0
""",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package that brings a family."""
    folder = tmp_path_factory.mktemp("stranger")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


Said = Callable[..., str]


@pytest.fixture(scope="module")
def said(warm: Warm, installed: Path) -> Said:
    """Return what gives what a command says where the package is installed."""

    def ran(*arguments: str) -> str:
        done = warm.run("-m", "archscope", *arguments, paths=(str(installed),))
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout

    return ran


def test_it_is_listed_with_its_networks(said: Said) -> None:
    assert "a stack of linear layers" in said("list")
    assert "mini-published" in said("list", "presets")
    assert "layers_deep" in said("list", "mini").replace("-", "_")


@pytest.mark.parametrize(
    ("arguments", "title", "total"),
    [
        # a layer of 10 features has 10 x 10 weights and 10 biases
        (("mini",), "mini of 3 layers", "330"),
        (("mini:layers_deep=2,width=1",), "mini of 2 layers", "4"),
        (("mini-published", "--layers-deep", "2"), "mini of 2 layers", "220"),
    ],
)
def test_it_is_counted(said: Said, arguments: tuple[str, ...], title: str, total: str) -> None:
    found = said("params", *arguments)

    assert title in found
    assert total in found


def test_its_layers_are_folded_and_its_authors_figures_stand_beside(said: Said) -> None:
    found = said("params", "mini-published")

    assert "layers.0–6" in found
    assert "table 1" in found


def test_a_flag_that_it_does_not_have_is_refused(said: Said) -> None:
    with pytest.raises(AssertionError, match="--layers-deep, --width"):
        said("params", "mini", "--depth", "5")
