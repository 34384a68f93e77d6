"""Makes what the site is built from, in build/docs, and builds it: `make docs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from generate.staging import ROOT, stage

SITE = ROOT / "site"


def main() -> int:
    """Return the exit code of what builds the site; warnings are errors."""
    config = stage(ROOT / "build" / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(config)]
    ended = subprocess.run(command, env={**os.environ, "NO_COLOR": "1"}).returncode
    if not ended:
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(config.with_name("site"), SITE)
    return ended


if __name__ == "__main__":
    raise SystemExit(main())
