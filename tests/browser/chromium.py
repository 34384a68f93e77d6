"""A Chromium without a window, driven over its DevTools pipe: nothing but Python is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-prefers-reduced-motion",
    "--remote-debugging-pipe",
)
DONE = """(() => {
    const trouble = document.getElementById("trouble");
    return document.documentElement?.dataset.ready === "1" || (trouble && !trouble.hidden);
})()"""
"""Whether the page has drawn its charts, or said why not."""
_START = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Starts the browser with the pipe where it looks for it: it reads from 3 and writes to 4."""
PATIENCE = 120.0
"""Seconds until an answer must have come."""


def find_chromium() -> str | None:
    """Return the browser's program: `CHROMIUM`, or one of the usual names."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser with one page; requests, errors and messages of the page are kept."""

    def __init__(self, program: str, folder: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()  # what we write, what the browser writes
        ends = [str(ours[0]), str(theirs[1])]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *ends, program, *FLAGS, f"--user-data-dir={folder}"],
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._write, self._read = ours[1], theirs[0]
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.errors: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        # Asked to end, it takes away what it keeps in the folder for temporary files.
        with suppress(subprocess.TimeoutExpired, BrokenPipeError):
            os.write(self._write, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
            self._process.wait(timeout=5)
        os.close(self._write)
        os.close(self._read)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=PATIENCE)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], PATIENCE)
            part = os.read(self._read, 1 << 20) if ready else b""
            if not part:
                raise TimeoutError("the browser does not answer")
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                said = details.get("exception", {}).get("description")
                self.errors.append(said or details["text"])
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                values = (each.get("value", each.get("description")) for each in parameters["args"])
                self.errors.append(" ".join(map(str, values)))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.errors.append(parameters["entry"]["text"])

    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression, promises awaited."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def size(self, width: int, height: int) -> None:
        """Give the page a window of so many pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, scheme: str = "light", media: str = "") -> None:
        """Prefer light or dark; `media="print"` shows the page as it would be printed."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def open(self, file: Path) -> None:
        """Open a file and wait until all of its charts are drawn, or it said why not."""
        self.requests.clear()
        self.errors.clear()
        self.send("Page.navigate", url=file.as_uri())
        self.wait(lambda: bool(self.evaluate(DONE)))

    def download_to(self, folder: Path) -> None:
        """Let the page's downloads go to a folder."""
        self.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"nothing happened; errors: {self.errors}")
            time.sleep(0.02)

    def picture(self, *, whole: bool = True, of: str = "html") -> bytes:
        """Return an element of the page, or only what is seen of the page, as a PNG."""
        parameters: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            box = f"document.querySelector({json.dumps(of)}).getBoundingClientRect()"
            clip = self.evaluate(
                f"(({{ x, y, width, height }}) => "
                f"({{ x: x + scrollX, y: y + scrollY, width, height, scale: 1 }}))({box})"
            )
            parameters["clip"] = clip
        return base64.b64decode(self.send("Page.captureScreenshot", **parameters)["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed on A4."""
        found = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(found["data"])
