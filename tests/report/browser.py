"""A headless Chromium, spoken to through a pipe: what a page says of itself when it is really opened."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

#: What browsers that speak this protocol are called.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")


def found() -> str | None:
    """The browser of this machine, if it has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a browser of its own, with all that goes wrong in it, and all that it asks for.

    Parameters
    ----------
    program : str
    folder : Path
        For the browser's own files.

    Attributes
    ----------
    complaints : list of str
        What its console and its log said.
    asked : list of str
        The addresses that were loaded.
    """

    def __init__(self, program: str, folder: Path) -> None:
        read, self._to = os.pipe()
        self._from, write = os.pipe()
        # The browser reads descriptor 3 and writes 4, which a shell puts there whatever they are called here.
        options = (
            "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions "
            f"--disable-background-networking --remote-debugging-pipe --user-data-dir={folder}"
        )
        script = f'exec "$0" {options} about:blank 3<&{read} 4>&{write}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, program],
            pass_fds=(read, write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read)
        os.close(write)
        self._stream = os.fdopen(self._from, "rb")
        self._count, self._session = 0, ""
        self.complaints: list[str] = []
        self.asked: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{part}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session = ""
        self.call("Browser.close")
        self._process.wait(timeout=30)
        self._stream.close()
        os.close(self._to)

    def open(self, path: Path, width: int, *, dark: bool = False, media: str = "screen") -> None:
        """Open a file in a window of this many pixels, until all of it is there."""
        self.complaints, self.asked = [], []
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._take()

    def tells(self, expression: str) -> Any:
        """What a JavaScript expression comes to in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def shot(self, path: Path) -> None:
        """A picture of the whole page, as PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and take what is said until it answers."""
        self._count += 1
        said: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._to, json.dumps(said).encode() + b"\0")
        while True:
            answer = self._take()
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])

    def _take(self) -> dict[str, Any]:
        said = bytearray()
        while (byte := self._stream.read(1)) != b"\0":
            assert byte, "the browser has gone"
            said += byte
        message: dict[str, Any] = json.loads(said)
        told = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(told))
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(told["request"]["url"])
        return message
