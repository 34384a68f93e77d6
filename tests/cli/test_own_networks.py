"""A network of the user's own, as a user types it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from archscope.cli import main

NETWORKS = Path(__file__).parents[1] / "loaders" / "networks"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def archscope(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """Run a command line in a folder with the networks in it; what it imported is forgotten."""
    monkeypatch.delenv("COLUMNS", raising=False)
    for file in NETWORKS.glob("*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0, captured.out, captured.err)

    yield run
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_class_in_a_file(archscope: Run) -> None:
    found = archscope("params", "./two_networks.py:UNet", "--input-shape", "1,3,8,8", "-f", "json")

    document = json.loads(found.out)
    assert found.code == 0
    assert document["title"] == "UNet · ./two_networks.py · input 1×3×8×8"
    assert document["totals"]["trainable"] == 112 + 2 * 148
    assert document["totals"]["macs"] == 64 * (108 + 2 * 144)
    assert document["inputs"] == [{"name": "0", "shape": [1, 3, 8, 8], "dtype": "float32"}]


def test_a_function_in_a_module_with_arguments(archscope: Run) -> None:
    shape = ("--input-shape", "1,3,8,8", "--total", "-f", "json")

    by_flag = archscope("params", "two_networks:build", "--model-arg", "depth=1", *shape)
    by_call = archscope("params", "two_networks:build(depth=1)", *shape)

    assert json.loads(by_flag.out)["totals"] == json.loads(by_call.out)["totals"]
    assert json.loads(by_flag.out)["totals"]["trainable"] == 112 + 148
    assert json.loads(by_flag.out)["config"] == {"depth": 1}


def test_several_inputs_by_name_and_number_type(archscope: Run) -> None:
    shapes = ("batch.image:2,3,8,8", "batch.others.0:2,1,8,8", "batch.others.1:int64<10:2,5")
    flags = [word for shape in shapes for word in ("--input-shape", shape)]

    document = json.loads(
        archscope("params", "dictionary_inputs.py:TwoViews", *flags, "-f", "json").out
    )

    assert document["totals"]["macs"] == 2 * 64 * (108 + 4)
    assert [(i["name"], i["dtype"]) for i in document["inputs"]] == [
        ("batch.image", "float32"),
        ("batch.others.0", "float32"),
        ("batch.others.1", "int64"),
    ]


def test_parameters_without_inputs(archscope: Run) -> None:
    found = archscope("params", "two_networks:UNet", "--no-flops", "-f", "json")
    family = archscope("params", "cnn", "--no-flops", "--depth", "2", "-f", "json")

    document = json.loads(found.out)
    assert document["totals"]["trainable"] == 112 + 2 * 148
    assert document["totals"]["macs"] is None
    assert document["flop_convention"] is None
    assert json.loads(family.out)["totals"]["flops"] is None
    assert "FLOPs" not in archscope("params", "two_networks:UNet", "--no-flops").out


def test_what_the_users_code_prints_stays_out_of_the_result(archscope: Run) -> None:
    Path("loud.py").write_text(
        "print('imported')\nfrom torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(2, 2)\n        print('made')\n"
        "    def forward(self, x):\n        print('forward')\n        return super().forward(x)\n"
    )

    found = archscope("params", "./loud.py:Net", "--input-shape", "1,2", "-f", "json")

    assert json.loads(found.out)["totals"]["macs"] == 4
    assert {"imported", "made", "forward"} <= set(found.err.split())


def test_what_a_forward_writes_beside_python_stays_out_of_the_result(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("raw.py").write_text(
        "import os\nfrom torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(2, 2)\n"
        "    def forward(self, x):\n"
        "        os.write(1, b'forward')\n        return super().forward(x)\n"
    )
    with open(1, "w", closefd=False) as stdout:  # as a program has it
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(SystemExit):
            main(["params", "./raw.py:Net", "--input-shape", "1,2", "-f", "json"])

    found = capfd.readouterr()
    assert json.loads(found.out)["totals"]["macs"] == 4
    assert "forward" in found.err


def test_a_teacher_of_ones_own_takes_its_students_inputs(archscope: Run) -> None:
    Path("taught.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, depth=1):\n"
        "        super().__init__(*[nn.Linear(8, 8) for _ in range(depth)])\n"
    )
    shape = ("--input-shape", "2,8")

    alone = archscope("params", "taught:Net", *shape, "--teacher", "taught:Net(depth=3)")
    beside = archscope("compare", "taught:Net(depth=3)", "taught:Net", "--teacher", *shape)

    assert "Teacher: 3 × the parameters · 3 × the MACs" in alone.out
    assert (alone.code, beside.code) == (0, 0)


def test_what_is_no_exception_is_told_in_one_line(archscope: Run) -> None:
    Path("stops.py").write_text(
        "from torch import nn\n"
        "class Stop(BaseException):\n    pass\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(2, 2)\n"
        "    def forward(self, x):\n        raise Stop('half-way')\n"
    )

    found = archscope("params", "./stops.py:Net", "--input-shape", "1,2")

    assert (found.code, found.out) == (1, "")
    told = "Error: Stop: half-way. --debug shows the traceback."
    assert found.err.splitlines() == [told]


def test_an_exception_in_the_users_code_shows_the_users_traceback(archscope: Run) -> None:
    found = archscope("params", "two_networks:fails", "--input-shape", "1,3")

    assert found.code == 1
    assert found.out == ""
    lines = found.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "two_networks.py" in lines[1]
    assert "in fails" in lines[1]
    assert "ValueError: no weights here" in lines
    assert lines[-1] == "Error: two_networks:fails raised ValueError: no weights here"
    assert "archscope/" not in found.err


def test_a_syntax_error_shows_the_line(archscope: Run) -> None:
    Path("slip.py").write_text("def make(:\n    pass\n")

    found = archscope("params", "./slip.py:make", "--input-shape", "1")

    assert found.code == 1
    assert "def make(:" in found.err
    assert found.err.splitlines()[-1].startswith("Error: importing ./slip.py raised SyntaxError")


def test_a_forward_that_raises_shows_the_table_up_to_there(archscope: Run) -> None:
    found = archscope("params", "forward_raises.py:Broken", "--input-shape", "1,3,8,8")

    assert found.code == 1
    assert "encoder" in found.out
    assert "unknown" in found.out
    assert found.err.splitlines() == [
        "Error: forward failed in decoder (Decoder) with input 1x8x8x8: KeyError: "
        "\"skip connection 'enc3' was never stored\". Parameters are complete; FLOPs stop there. "
        "--debug shows the traceback."
    ]


def test_a_wrong_number_of_channels_names_the_layer(archscope: Run) -> None:
    found = archscope("params", "two_networks:UNet", "--input-shape", "1,1,8,8")

    assert found.code == 1
    assert "stem" in found.out
    assert "forward failed in stem (Conv2d) with input 1x1x8x8" in found.err
    assert "to have 3 channels, but got 1 channels instead" in found.err


def test_the_clear_lines(archscope: Run) -> None:
    lines = {
        ("two_networks:buld",): (
            "Error: module 'two_networks' (./two_networks.py) has no 'buld'. Did you mean 'build'?"
        ),
        ("./two_networks.py",): (
            "Error: ./two_networks.py defines UNet and Block; say which: ./two_networks.py:UNet"
        ),
        ("./two_networks.py:UNet",): (
            "Error: UNet takes an input; give --input-shape, e.g. --input-shape 1,3,224,224 "
            "(or --no-flops)"
        ),
    }
    for arguments, line in lines.items():
        assert archscope("params", *arguments) == Result(2, "", f"{line}\n")


@pytest.mark.parametrize("value", ['"1,3,8,8"', "[1, 3, 8, 8]", '["1,3,8,8"]'])
def test_defaults_from_a_file_and_the_environment(
    archscope: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    Path("own.toml").write_text(f"[params]\ninput-shape = {value}\nmodel-arg = 'depth=1'\n")
    arguments = ("params", "two_networks:UNet", "--total", "-f", "json")

    from_file = archscope("--config", "own.toml", *arguments)
    monkeypatch.setenv("ARCHSCOPE_PARAMS_INPUT_SHAPE", "1,3,8,8")
    monkeypatch.setenv("ARCHSCOPE_PARAMS_MODEL_ARG", "depth=1")
    from_environment = archscope(*arguments)

    assert json.loads(from_file.out)["totals"]["trainable"] == 112 + 148
    assert from_environment.out == from_file.out


SILLY = {
    "params two_networks:UNet --input-shape banana": "'banana' (item 1) is not a size",
    "params two_networks:UNet --input-shape=": "'' (item 1) is not a size",
    "params two_networks:UNet --input-shape 1,3,-8,8": "'-8' (item 3) is not a size",
    "params two_networks:UNet --input-shape float3:1,3": "it has no input 'float3'",
    "params two_networks:UNet --input-shape y:z:1": "'z' is not a number type",
    "params two_networks:UNet --model-arg depth": "'depth' is not KEY=VALUE",
    "params two_networks:UNet --model-arg depth=[1": "is neither JSON nor a word",
    "params two_networks:UNet --depth 3": "--depth is a field of a family",
    "params --input-shape 1,3,8,8": "name it, e.g. ./net.py:Net --input-shape",
    "params cnn --input-shape 1,3,8,8": "--input-shape is for a network of your own",
    "params gpt2 --model-arg a=1": "--model-arg is for a network of your own",
    "rf --dilations 1,2 --input-shape 1,3": "--input-shape is for a network of your own",
    "params two_networks:": "no family or preset is called 'two_networks'",
    "params :UNet": "no family or preset is called ''",
    "params .py": ".py does not exist",
    "params two_networks.py:UNet(": "is neither a name nor a call",
    "params two_networks.py:UNet()()": "is neither a name nor a call",
    "params os:getcwd --input-shape 1": "os:getcwd returned a str, not a torch.nn.Module",
    "params os:nothing": "module 'os' (",
    "params hf:": "names no folder",
    "params timm:": "names no model",
}


@pytest.mark.parametrize("line", SILLY)
def test_silly_input_is_one_line_and_exit_2(archscope: Run, line: str) -> None:
    found = archscope(*line.split())

    assert found.code == 2
    assert found.out == ""
    assert found.err.startswith("Error: ")
    assert found.err.count("\n") == 1
    assert SILLY[line] in found.err


def test_help_tells_of_the_flags_for_own_networks(archscope: Run) -> None:
    for command in ("params", "rf", "audit"):
        shown = archscope(command, "--help-all").out
        assert "--input-shape" in shown
        assert "--model-arg KEY=VALUE" in shown
