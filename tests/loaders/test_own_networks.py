"""A network of the user's own: found, made on shapes alone, and counted."""

from __future__ import annotations

import copy
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from archscope import loaders
from archscope.cli._main import main
from archscope.errors import ForwardError, LoadError, UsageError
from archscope.library import count_subject, see_network
from archscope.loaders import LOADERS
from archscope.results import Report
from archscope.subject import Network, Request

NETWORKS = Path(__file__).parent / "networks"
TRANSFORMER = "Transformer(d_model=8, nhead=2, batch_first=True)"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder of its own with the networks in it; what is imported is forgotten after."""
    for file in NETWORKS.glob("*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def named(text: str, *shapes: str, **arguments: Any) -> Network:
    return loaders.load(text, Request(input_shapes=shapes, arguments=arguments))


def counted(text: str, *shapes: str, **arguments: Any) -> Report:
    return count_subject(named(text, *shapes, **arguments).subject())


# Hand-made counts; one multiply-accumulate per weight and position.
USER_FILES = {
    "dictionary_inputs.py:TwoViews": (
        ("batch.image:2,3,8,8", "batch.others.0:2,1,8,8", "batch.others.1:int64:2,5"),
        # 3*4*9 + 4 = 112; 1*4 + 4 = 8; 10*4 = 40
        112 + 8 + 40,
        # 2*64 positions: 3*4*9 and 1*4
        2 * 64 * (108 + 4),
    ),
    "dataclass_outputs.py:make([6, 5, 4], bias=False)": (("3,6",), 30 + 20, 3 * (30 + 20)),
    "called_twice.py": (("3,8",), 72 + 18, 3 * (2 * 64 + 16)),
    "tied_weights.py:Language(words=50)": (("1,7",), 50 * 8 + 64, 7 * (64 + 8 * 50)),
    "needs_data.py": (("4,5",), 3 * 30, 2 * 4 * 25),
    "two_networks.py:UNet": (
        ("1,3,8,8",),
        # 3*4*9 + 4, and twice 4*4*9 + 4
        112 + 2 * 148,
        64 * (108 + 2 * 144),
    ),
}


@pytest.mark.parametrize("text", USER_FILES)
def test_a_file_of_the_users_is_counted_exactly(here: Path, text: str) -> None:
    shapes, params, macs = USER_FILES[text]

    report = counted(text, *shapes)

    assert report.totals.trainable == params
    assert report.totals.macs == macs
    assert report.totals.complete
    assert report.title.startswith(text.partition(":")[2] or text.removesuffix(".py"))


@pytest.mark.parametrize(
    ("text", "shapes", "seen"),
    [
        # A convolution of 3 x 3, and a linear layer over all 8 features of a row, run twice.
        (
            "dictionary_inputs.py:TwoViews",
            ("batch.image:1,3,8,8", "batch.others.0:1,1,8,8", "batch.others.1:int64:1,4"),
            (3, 3),
        ),
        ("dataclass_outputs.py:make([6, 5, 4], bias=False)", ("3,6",), (6,)),
        ("called_twice.py", ("2,8",), (8,)),
        ("tied_weights.py", ("2,4",), (1,)),
        ("custom_function.py:Custom", ("2,6",), (6,)),
    ],
)
def test_what_an_output_of_a_file_of_the_users_sees(
    here: Path, text: str, shapes: tuple[str, ...], seen: tuple[int, ...]
) -> None:
    totals = see_network(named(text, *shapes)).totals

    assert totals.receptive_field == seen
    assert totals.is_full


def test_a_forward_that_raises_says_how_far_it_was_seen(here: Path) -> None:
    with pytest.raises(ForwardError, match="the forward failed after"):
        see_network(named("forward_raises.py:Broken", "1,3,8,8"))


def test_a_report_tells_where_a_file_is_from_here_and_not_where_here_is(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    network = named(f"{here}/tied_weights.py", "2,4")

    assert os.path.join("..", "tied_weights.py") in network.name
    assert str(here) not in network.name + network.origin


def test_a_custom_function_of_torchs_own_operators_is_exact(here: Path) -> None:
    report = counted("custom_function.py:Custom", "2,6")

    assert report.totals.trainable == 42 + 24
    assert report.totals.macs == 2 * (36 + 24)
    assert report.totals.complete


def test_a_forward_that_raises_gives_the_table_up_to_there(here: Path) -> None:
    with pytest.raises(ForwardError, match=r"decoder \(Decoder\).*enc3.*never stored") as raised:
        counted("forward_raises.py:Broken", "1,3,8,8")

    totals = raised.value.report.totals
    assert totals.trainable == (3 * 8 * 9 + 8) + (8 * 4 * 4 + 4)
    assert totals.macs == 64 * 8 * 27  # the encoder, which ran
    assert not totals.complete


def test_a_network_is_made_without_memory_where_it_can(here: Path) -> None:
    lean = named("./two_networks.py:UNet", "1,3,8,8").subject()
    heavy = named("./needs_data.py", "4,5").subject()
    whole = named("./two_networks.py:UNet", "1,3,8,8").whole()

    assert all(parameter.is_meta for parameter in lean.model.parameters())
    assert not any(parameter.is_meta for parameter in heavy.model.parameters())
    assert not any(parameter.is_meta for parameter in whole.model.parameters())
    assert whole.model(*whole.inputs.args).shape == (1, 4, 8, 8)  # type: ignore[union-attr]


def test_a_network_that_must_have_data_to_be_made_is_made_once_more(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "rates.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        print('made')\n"
        "        width = 3 + int(nn.Linear(1, 1).weight.isnan().item())\n"
        "        super().__init__(nn.Linear(width, width))\n"
    )

    subject = named("./rates.py:Net", "2,3").subject()

    assert not next(subject.model.parameters()).is_meta
    assert count_subject(subject).totals.macs == 18
    assert capsys.readouterr().err == "made\n"  # what the attempt without data said is dropped


def test_whole_networks_stand_on_the_default_device(here: Path) -> None:
    with torch.device("meta"):
        subject = named("two_networks:ready", "1,3,8,8").whole()

    assert subject.origin == "module:two_networks"
    assert {p.device.type for p in subject.model.parameters()} == {"cpu"}  # it was made already
    with torch.device("meta"):
        subject = named("./needs_data.py", "4,5").whole()
    assert {p.device.type for p in subject.model.parameters()} == {"cpu"}  # it runs on data alone


# Each is a file and its code, what names the network, its input, and what it multiplies.
ODD = {
    "a folder that is a package without saying so": (
        "parts/net.py",
        "from .layers import Layer\nclass Net(Layer):\n"
        "    def __init__(self): super().__init__(4, 3)\n",
        "parts/net.py:Net",
        "2,4",
        2 * 12,
    ),
    "a file with dots in its name": ("my-net.v2.py", "", "my-net.v2.py:Layer(4, 3)", "2,4", 24),
    "lazy layers": (
        "lazy.py",
        "make = lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(3))\n",
        "lazy.py:make",
        "1,2,5,5",
        9 * 8 * 18 + 9 * 8 * 3,
    ),
    "weights on meta": (
        "bare.py",
        "def make():\n    with torch.device('meta'):\n"
        "        return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))\n",
        "bare.py",
        "2,4",
        24,
    ),
    "a module that runs another": (
        "many.py",
        "def make(): return nn.DataParallel(nn.Linear(4, 3))\n",
        "many.py",
        "2,4",
        24,
    ),
    "arguments by name alone": (
        "named.py",
        "class Net(nn.Linear):\n    def __init__(self): super().__init__(4, 3)\n"
        "    def forward(self, *, x): return super().forward(x)\n",
        "named.py",
        "x:2,4",
        24,
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_network_is_counted_and_runs(here: Path, name: str) -> None:
    file, code, text, shape, macs = ODD[name]
    (here / "parts").mkdir()
    head = "import torch\nfrom torch import nn\n"
    (here / "parts" / "layers.py").write_text(f"{head}Layer = nn.Linear\n")
    (here / file).write_text(f"{head}Layer = nn.Linear\n{code}")

    whole = named(text, shape).whole()

    assert counted(text, shape).totals.macs == macs
    assert whole.inputs is not None
    with torch.no_grad():
        output = whole.model.eval()(*whole.inputs.args, **whole.inputs.kwargs)
    assert torch.isfinite(output).all()


def test_a_forward_that_fails_on_shapes_is_seen_on_data(here: Path) -> None:
    network = named("./needs_data.py", "4,5")
    whole = network.whole()
    bare = replace(whole, model=copy.deepcopy(whole.model).to("meta"))

    totals = see_network(replace(network, subject=lambda: bare)).totals

    assert totals.receptive_field == (5,)  # linear layers, over all features of a row


def test_lazy_layers_ask_for_an_input(here: Path) -> None:
    (here / "lazy.py").write_text("from torch import nn\nmake = lambda: nn.LazyLinear(3)\n")

    with pytest.raises(UsageError, match="take their sizes from its input; give --input-shape"):
        loaders.load("lazy.py:make", Request(parameters_alone=True)).subject()
    with pytest.raises(LoadError, match="tells its lazy layers their sizes raised RuntimeError"):
        named("lazy.py:make", "int64:2,3").subject()


def test_a_forward_that_ends_the_program_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "ends.py").write_text(
        "import sys\nfrom torch import nn\nclass Net(nn.Linear):\n"
        "    def __init__(self): super().__init__(2, 2)\n"
        "    def forward(self, x): sys.exit(7)\n"
    )

    with pytest.raises(SystemExit) as ended:
        main(["params", "ends.py", "--input-shape", "1,2"])

    assert ended.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "forward failed in the model itself (Net)" in last
    assert "it calls sys.exit(7)" in last


def test_what_other_programs_print_goes_to_stderr(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "raw.py").write_text(
        "import os\nfrom torch import nn\nos.write(1, b'raw\\n')\nmake = lambda: nn.ReLU()\n"
    )
    with open(1, "w", closefd=False) as stdout:  # as a program has it
        monkeypatch.setattr(sys, "stdout", stdout)
        named("raw.py:make", "1").subject()

    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "raw\n")


def test_a_module_is_imported_once_and_leaves_nothing_behind(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (here / "counts.py").write_text(
        "import os, sys, blocks\n"
        "os.environ['ARCHSCOPE_TEST'] = os.environ.get('ARCHSCOPE_TEST', '') + 'x'\n"
        "os.chdir('/')\n"
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self): super().__init__(blocks.WIDTH, 2)\n"
        "    def forward(self, x):\n        os.chdir('/')\n        return super().forward(x)\n"
    )
    (here / "blocks.py").write_text("WIDTH = 4\n")
    path, arguments = list(sys.path), list(sys.argv)
    try:
        network = named("./counts.py", "1,4")
        assert "ARCHSCOPE_TEST" not in os.environ, "naming a network runs nothing"
        network.subject()
        network.whole()
        counted("./counts.py:Net", "1,4")
        assert os.environ["ARCHSCOPE_TEST"] == "x"
    finally:
        os.environ.pop("ARCHSCOPE_TEST", None)

    assert sys.path == path
    assert sys.argv == arguments
    assert Path.cwd() == here
    assert not sys.dont_write_bytecode
    assert not list(here.rglob("__pycache__"))


def test_what_the_code_prints_goes_to_stderr(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "loud.py").write_text(
        "print('imported')\n"
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(2, 2)\n        print('made')\n"
        "    def forward(self, x):\n        print('forward')\n        return super().forward(x)\n"
    )

    counted("./loud.py:Net", "1,2")

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("imported") == 1
    assert shown.err.count("made") == 1
    assert "forward" in shown.err


def test_a_file_called_like_an_installed_package_does_not_replace_it(here: Path) -> None:
    (here / "json.py").write_text("from torch import nn\nclass Net(nn.Linear): pass\n")
    (here / "fvcore.py").write_text("from torch import nn\nclass Net(nn.Linear): pass\n")

    assert counted("./json.py:Net(2, 3)", "1,2").totals.macs == 6
    assert counted("./fvcore.py:Net(2, 3)", "1,2").totals.macs == 6
    assert hasattr(sys.modules["json"], "dumps")


def test_a_file_in_a_package_may_import_its_neighbours(here: Path) -> None:
    package = here / "zoo" / "small"
    package.mkdir(parents=True)
    (here / "zoo" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("from torch import nn\nPart = nn.Linear\n")
    (package / "net.py").write_text(
        "from .parts import Part\nfrom torch import nn\n"
        "class Net(nn.Sequential):\n    def __init__(self): super().__init__(Part(3, 3))\n"
    )

    assert counted("zoo/small/net.py:Net", "2,3").totals.macs == 18
    assert counted("zoo.small.net:Net", "2,3").totals.macs == 18


def test_arguments_come_from_parentheses_and_flags(here: Path) -> None:
    assert counted("two_networks:UNet(4, depth=1)", "1,3,8,8").totals.trainable == 112 + 148
    assert counted("two_networks:UNet", "1,3,8,8", depth=1).totals.trainable == 112 + 148
    assert named("two_networks:UNet(depth=1)", depth=3).name == "UNet(depth=1) · two_networks"


WRONG = {
    "two_networks.py": (
        r"./two_networks.py defines UNet and Block; say which: ./two_networks.py:UNet"
    ),
    "two_networks:buld": (
        r"module 'two_networks' \(./two_networks.py\) has no 'buld'. Did you mean 'build'"
    ),
    "two_networks.py:Unet": r"./two_networks.py has no 'Unet'. Did you mean 'UNet'",
    "two_networks.py:zzz": r"./two_networks.py has no 'zzz'. It defines .*UNet",
    "two_networks.UNet": r"is called 'two_networks.UNet'; write two_networks:UNet",
    "https://example.org/net": r"is an address, and nothing is fetched",
    "-": r"stdin is not read; name a network, a sentence such as .conv 64 k3; relu., or a file",
    "two_networks:numbers": r"two_networks:numbers returned a list, not a torch.nn.Module",
    "two_networks:WIDTH": r"two_networks:WIDTH is an int; name a torch.nn.Module",
    "two_networks:nn": r"two_networks:nn is a module",
    "two_networks:ready(3)": r"is a network already; it takes no arguments",
    "two_networks:Tensor": r"is a class, but not a torch.nn.Module",
    "two_networks:Block": r"Block\(width\): missing a required argument: 'width'",
    "two_networks:UNet(depht=2)": r"unexpected keyword argument 'depht'. Did you mean 'depth'",
    "torch.nn:Module(width=2)": r"Module\(\): got an unexpected keyword argument .width.",
    "two_networks:UNet(depth=open('x'))": r"\"open\('x'\)\" of UNet is not a literal",
    "two_networks.py:UNet(": r"'UNet\(' is neither a name nor a call",
    "two_networks.py:UNet[0]": r"is neither a name nor a call",
    "two_networks:UNet(**{})": r"without \*\*",
    "two_netwerks:UNet": r"no module 'two_netwerks' .*Did you mean 'two_networks'",
    "two_networks.more:UNet": r"no module 'two_networks.more'",
    "two_netwrks.py:UNet": r"two_netwrks.py does not exist. Did you mean 'two_networks.py'",
    "./nowhere/net.py:UNet": r"there is no folder nowhere",
    "two_networks": r"for your own file write ./two_networks.py",
    "./two_networks": r"is not a Python file",
    "book.ipynb:Net": r"book.ipynb is a notebook; call archscope.params",
    "./best.pt": r"./best.pt does not exist",
    "./best.h5": r"./best.h5 is of a form that is not read; name the code",
    "hf:./nowhere": r"no such folder",
    "hf:.": r"holds no config.json",
    "hf:": r"names no folder",
    "saved/__0_0.distcp": r"is a distributed checkpoint; a file is made of its folder by: python",
    "timm:": r"names no model",
    "timm:res net": r"names no model",
    "timm:resnet18(10)": r"timm takes arguments by name",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_name_that_names_nothing_is_one_clear_line(here: Path, text: str) -> None:
    with pytest.raises(UsageError, match=WRONG[text]) as raised:
        counted(text, "1,3,8,8")

    assert "\n" not in str(raised.value)


def test_inputs_are_asked_for_by_name_with_an_example(here: Path) -> None:
    asked = {
        "two_networks:UNet": (
            "UNet takes an input; give --input-shape, e.g. --input-shape 1,3,224,224"
        ),
        "called_twice:Recurrent": "e.g. --input-shape 1,8",
        "tied_weights:Language": "Language takes tokens; .*--input-shape tokens:int64:1,128",
        f"torch.nn:{TRANSFORMER}": "takes src and tgt; .* tgt:1,128,8",
        "torch.nn:LSTM(3, 4)": "--input-shape 128,1,3",
        "torch.nn:Conv3d(2, 2, 1)": "--input-shape 1,2,16,112,112",
    }
    (here / "clip.py").write_text(
        "from torch import nn\nclass Clip(nn.Module):\n    main_input_name = 'input_ids'\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.words, self.looks = nn.Embedding(9, 4), nn.Conv2d(3, 4, 16)\n"
        "    def forward(self, input_ids=None, pixel_values=None):\n"
        "        return self.words(input_ids), self.looks(pixel_values)\n"
        "class Hears(nn.Conv1d):\n    main_input_name = 'input_features'\n"
        "    def __init__(self): super().__init__(80, 4, 3)\n"
        "    def forward(self, input_features=None): return super().forward(input_features)\n"
        "class Batched(nn.Linear):\n    def __init__(self): super().__init__(5, 5)\n"
        "    def forward(self, batch): return super().forward(batch['x'])\n"
        "class Named(nn.Linear):\n    def __init__(self): super().__init__(5, 5)\n"
        "    def forward(self, *, x): return super().forward(x)\n"
    )
    asked |= {
        "clip:Clip": "takes input_ids and pixel_values; .* pixel_values:1,3,224,224",
        "clip:Hears": "takes input_features; .* input_features:1,80,3000",
        "clip:Batched": "--input-shape 1,5; in a dictionary or a list: batch.KEY:SHAPE",
        "clip:Named": "takes x; .* --input-shape x:1,5",
    }
    for text, says in asked.items():
        with pytest.raises(UsageError, match=says):
            counted(text)


def test_inputs_that_forward_does_not_take_are_refused(here: Path) -> None:
    wrong = {
        ("two_networks:UNet", ("y:1,3,8,8",)): "UNet takes x; it has no input 'y'",
        ("two_networks:UNet", ("1,3", "1,3")): "UNet takes x; 2 came without a name",
        ("two_networks:UNet", ("1,3", "x:1,3")): "x is given by place and by name",
        ("dictionary_inputs:TwoViews", ("image:1,3",)): "write batch.image:",
        (
            "torch.nn:Transformer(d_model=8, nhead=2, batch_first=True)",
            ("src:1,8",),
        ): "also takes tgt",
    }
    for (text, shapes), says in wrong.items():
        with pytest.raises(UsageError, match=says):
            counted(text, *shapes)


def test_parameters_alone_need_no_inputs(here: Path) -> None:
    network = loaders.load("two_networks:UNet", Request(parameters_alone=True))

    assert network.subject().inputs is None
    assert count_subject(network.subject()).totals.trainable == 112 + 2 * 148


def test_a_hint_at_no_flops_stands_only_where_that_can_be_said(here: Path) -> None:
    for alone, hint in ((False, True), (None, False)):
        with pytest.raises(UsageError) as raised:
            loaders.load("two_networks:UNet", Request(parameters_alone=alone)).subject()
        assert ("--no-flops" in str(raised.value)) is hint


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def make(): raise ValueError('no\\nweights')", "two.py:make raised ValueError: no$"),
        ("def make(): raise SystemExit(3)", "two.py:make ended the program with exit code 3"),
        ("import nothing_of_this_name", "importing ./two.py raised ModuleNotFoundError"),
        (
            "import argparse\nargparse.ArgumentParser().parse_args(['--no'])",
            "ended the program with exit code 2; what is to run as a program goes under if",
        ),
        (
            "def make(): raise ValueError('2 fields are wrong:\\n  width')",
            "two.py:make raised ValueError: 2 fields are wrong: width$",
        ),
        ("class Odd(BaseException): ...\ndef make(): raise Odd", "two.py:make raised Odd$"),
        ("x = = 1", "importing ./two.py raised SyntaxError"),
    ],
)
def test_what_the_users_code_raises_is_kept(here: Path, code: str, says: str) -> None:
    (here / "two.py").write_text(code)

    with pytest.raises(LoadError, match=says) as raised:
        counted("./two.py:make", "1")

    assert raised.value.__cause__ is not None


def test_a_missing_package_of_the_users_is_the_users_error(here: Path) -> None:
    (here / "asks.py").write_text("import nothing_of_this_name\n")

    with pytest.raises(LoadError, match="No module named 'nothing_of_this_name'"):
        counted("asks:make", "1")


def test_flags_for_other_kinds_of_network_are_refused(here: Path) -> None:
    with pytest.raises(UsageError, match=r"--depth is a field of a family.*--model-arg depth="):
        loaders.load("two_networks:UNet", Request(fields={"depth": "3"}))
    with pytest.raises(UsageError, match="--input-shape is for a network of your own"):
        loaders.load("transformer", Request(input_shapes=("1,3",)))
    with pytest.raises(UsageError, match="--model-arg is for a network of your own"):
        loaders.load("gpt2", Request(arguments={"depth": 3}))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cnn", "family"),
        ("cnn:dilations=1/2/4", "family"),
        ("gpt2:depth=3", "preset"),
        ("./net.py", "file"),
        ("a.b/net.py:make(path='x.py:y')", "file"),
        ("package.nets:build", "module"),
        ("nets:build(depth=3)", "module"),
        ("timm:resnet50", "timm"),
        ("hf:./net.py", "hf"),
        ("nets:depth=3", None),
        ("1,2,4", None),
        ("", None),
    ],
)
def test_each_form_belongs_to_one_loader(text: str, name: str | None) -> None:
    accepting = [loader for loader in LOADERS.names() if LOADERS.get(loader).accepts(text)]

    assert accepting == ([name] if name else [])
