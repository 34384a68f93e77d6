"""Every script in examples/ runs, prints something and keeps its own promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warm import Warm

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RUN = """
import runpy, sys, warnings
warnings.filterwarnings("error", category=DeprecationWarning, module="__main__")
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_from_anywhere(script: Path, tmp_path: Path, warm: Warm) -> None:
    done = warm.run("-c", RUN, str(script), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short_and_says_what_it_shows(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith('"""')
    assert lines[0].rstrip('"').endswith(".")
    assert len(lines) <= 60
