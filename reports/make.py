"""Runs every command of README.md in this folder, and takes the pictures where it can.

    python reports/make.py

The commands on that page are the only list there is of what the gallery holds.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from maps import draw

from archscope.cli import main

HERE = Path(__file__).parent
SCREEN = (1280, 960)
"""Width and height of a picture, in pixels."""


def commands() -> list[list[str]]:
    """Return the arguments of every `archscope` command in README.md, in order."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(r"^\$ archscope (.*)$", text, re.M)]


def output_of(command: list[str]) -> str:
    """Return the file that a command writes."""
    return command[command.index("-o") + 1]


def run(command: list[str]) -> None:
    """Run one command in this folder; end with its exit code where it fails."""
    os.chdir(HERE)
    try:
        main(command)
    except SystemExit as ended:
        if ended.code:
            raise


def take_pictures(pages: list[Path]) -> None:
    """Take the first screen of each page, of one in dark too, the maps of one, a chart of one."""
    sys.path.insert(0, str(HERE.parent / "tests" / "browser"))
    from chromium import Chromium, find_chromium

    program = find_chromium()
    if program is None:
        print("no Chromium here: the pictures are as they were", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        browser = Chromium(program, Path(folder))
        browser.size(*SCREEN)
        for page in pages:
            browser.scheme("light")
            browser.open(page)
            if page.stem == "types":
                page.with_suffix(".png").write_bytes(browser.picture(of="#types"))
                continue
            page.with_suffix(".png").write_bytes(browser.picture(whole=False))
            if page.stem == "gridding":
                maps = browser.picture(of="#picture .plots")
                page.with_name("gridding-maps.png").write_bytes(maps)
                browser.scheme("dark")
                browser.open(page)
                page.with_name("gridding-dark.png").write_bytes(browser.picture(whole=False))
        browser.close()


if __name__ == "__main__":
    every = commands()
    for each in every:
        run(each)
    saved = [HERE / "dilations-2-2-2.json", HERE / "dilations-1-2-3.json"]
    (HERE / "gridding-map.svg").write_text(draw(saved), encoding="utf-8")
    take_pictures([HERE / output_of(each) for each in every if output_of(each).endswith(".html")])
