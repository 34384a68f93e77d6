"""The wheel holds all that is needed: it answers without the checkout, as `uvx` would run it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds what the wheel holds, as an installer would leave it."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("what builds here is older than pyproject.toml asks for")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(
        ROOT / "archscope", source / "archscope", ignore=shutil.ignore_patterns("__pycache__")
    )
    (source / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/archscope.1"):
        shutil.copy(ROOT / name, source / name)
    made = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=source, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_holds_every_file_of_the_package(installed: Path) -> None:
    wanted = {
        path.relative_to(ROOT)
        for path in (ROOT / "archscope").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {path for path in wanted if not (installed / path).is_file()} == set()


def test_it_brings_the_manual_page(installed: Path) -> None:
    (page,) = installed.glob("*.data/data/share/man/man1/archscope.1")

    assert page.read_bytes() == (ROOT / "docs" / "archscope.1").read_bytes()


def test_its_program_answers_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    (entries,) = installed.glob("*.dist-info/entry_points.txt")
    parser = ConfigParser()
    parser.read_string(entries.read_text(encoding="utf-8"))
    module, _, name = parser["console_scripts"]["archscope"].partition(":")
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); import archscope; "
    code += f"print(archscope.__file__); from {module} import {name}; {name}(sys.argv[1:])"
    ended = subprocess.run(
        [sys.executable, "-c", code, "rf", "wavenet", "--total"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={},
    )
    where, *lines = ended.stdout.splitlines()

    assert ended.returncode == 0, ended.stderr
    assert Path(where).is_relative_to(installed)
    assert any("Receptive field" in line for line in lines)
