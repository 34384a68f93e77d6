"""What is released holds all that is needed and no more: it answers without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path
from venv import EnvBuilder
from zipfile import ZipFile

import pytest

from archscope.version import __version__

ROOT = Path(__file__).parents[1]
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "MANIFEST.in")
MANUAL = "docs/archscope.1"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_{}(sys.argv[1])"
WANTED = {
    path.relative_to(ROOT): path.read_bytes()
    for path in (ROOT / "archscope").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
"""The files of the package, by their path in the checkout."""


def built(kind: str, source: Path) -> None:
    """Leave a `wheel` or an `sdist` of a tree beside it."""
    command = [sys.executable, "-c", BUILD.format(kind), ".."]
    made = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the archive of sources holds, made from the files that git would know."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("what builds here is older than pyproject.toml asks for")
    folder = tmp_path_factory.mktemp("release")
    source = folder / "checkout"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "archscope", source / "archscope", ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    (source / "docs").mkdir()
    shutil.copy(ROOT / MANUAL, source / "docs")
    (source / "tests").mkdir()
    shutil.copy(__file__, source / "tests")
    built("sdist", source)
    with tarfile.open(folder / f"archscope-{__version__}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"archscope-{__version__}"


@pytest.fixture(scope="module")
def environment(unpacked: Path) -> Path:
    """Return an environment without packages in which the archive's wheel is installed."""
    built("wheel", unpacked)
    folder = unpacked.parent / "environment"
    EnvBuilder(symlinks=sys.platform != "win32").create(folder)
    with ZipFile(unpacked.parent / f"archscope-{__version__}-py3-none-any.whl") as archive:
        archive.extractall(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    return folder


@pytest.fixture(scope="module")
def installed(environment: Path) -> Path:
    """Return the folder that holds what the wheel holds, as an installer would leave it."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))


def held(folder: Path) -> dict[Path, bytes]:
    """Return the files of the package in a folder, by their path in it."""
    files = [path for path in (folder / "archscope").rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_the_sources_are_the_package_and_what_says_how_it_is_built(unpacked: Path) -> None:
    beside = {path.name for path in unpacked.iterdir()} - {"build"}

    assert beside == {"archscope", "archscope.egg-info", "PKG-INFO", "setup.cfg", "docs", *BESIDE}
    assert held(unpacked) == WANTED


def test_the_wheel_of_the_sources_holds_the_same_package_and_no_more(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}

    about = {f"archscope-{__version__}.{kind}" for kind in ("data", "dist-info")}
    assert names == {"archscope", *about}
    assert held(installed) == WANTED


def test_it_brings_the_manual_page(installed: Path) -> None:
    (page,) = installed.glob("*.data/data/share/man/man1/archscope.1")

    assert page.read_bytes() == (ROOT / MANUAL).read_bytes()


def test_its_program_answers_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    (entries,) = installed.glob("*.dist-info/entry_points.txt")
    parser = ConfigParser()
    parser.read_string(entries.read_text(encoding="utf-8"))
    module, _, name = parser["console_scripts"]["archscope"].partition(":")
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); import archscope; "
    code += f"print(archscope.__file__); from {module} import {name}; {name}(sys.argv[1:])"
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code, "rf", "wavenet", "--total"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={},
    )
    where, *lines = ended.stdout.splitlines()

    assert ended.returncode == 0, ended.stderr
    assert Path(where).is_relative_to(installed)
    assert any("Receptive field" in line for line in lines)


USE = """
import archscope
from archscope import Report

def ratio(one: str, other: str) -> float:
    totals = [archscope.params(name, flops=False).totals for name in (one, other)]
    return float(totals[0].params / totals[1].params)

def saved(name: str) -> str:
    report: Report = archscope.rf(name, axes=(2,), sample_rate="16kHz")
    report.save("page.html")
    return report.find("rf.layers").caption  # wrong: there may be none

print(ratio("resnet18", "resnet50"), archscope.__version__.split("."))
archscope.params("resnet18", flops="no")  # wrong: no truth value
archscope.rf("resnet18").save(3)  # wrong: no path
archscope.paramz("resnet18")  # wrong: no such verb
archscope.sweep("cnn", workers="two")  # wrong: no number
"""


def test_a_project_that_uses_it_is_held_to_its_types(environment: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    python = Path(sysconfig.get_path("scripts", "venv", {"base": str(environment)})) / "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull]
    command += ["--python-executable", str(python), "use.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    found = [line.partition(": error:")[0] for line in done.stdout.splitlines()[:-1]]
    lines = enumerate(USE.splitlines(), 1)

    assert found == [f"use.py:{number}" for number, line in lines if "# wrong" in line], done
