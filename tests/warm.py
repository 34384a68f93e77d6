"""A Python that has imported torch, and forks to run what a fresh one would: without the wait.

What is run has its own folder, environment, arguments and end; it finds no registry asked yet.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]


class Warm:
    """Starts the process, and asks it to run things one after the other."""

    def __init__(self) -> None:
        # It lives longer than the test that is running now, and may have a width of its own.
        environment = {name: said for name, said in os.environ.items() if name != "COLUMNS"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **environment,
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            },
        )

    def run(
        self,
        *arguments: str,
        folder: Path | None = None,
        paths: tuple[str, ...] = (),
        stdout: str | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS`, which begin with -m or -c.

        `paths` are looked through for modules first; `stdout` names what is written to instead.
        """
        given, taken = self._process.stdin, self._process.stdout
        assert given is not None
        assert taken is not None
        with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            asked = {
                "arguments": arguments,
                "folder": str(folder or ROOT),
                "paths": paths,
                "environment": environment,
                "streams": [stdout or _path(out), _path(err)],
            }
            print(json.dumps(asked), file=given, flush=True)
            code = int(taken.readline())
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _path(file: Any) -> str:
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _serve() -> None:
    import archscope.cli
    import archscope.counting.forward
    import archscope.dependence.answer.receptive
    import archscope.library  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(asked: Mapping[str, Any]) -> NoReturn:
    code: Any = 1
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(asked["streams"], start=1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    try:
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        sys.path[:0] = asked["paths"]
        _execute(*asked["arguments"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        try:
            sys.stdout.flush()
        finally:
            os._exit(code)


def _execute(kind: str, what: str, *arguments: str) -> None:
    sys.path.insert(0, "")
    sys.argv = [what if kind == "-m" else kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    _serve()
