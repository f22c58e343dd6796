"""What a job's process says, gathered by threads so that nobody has to wait for it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO

from ToothSegLib import errors
from ToothSegLib.errors import UNSOUND_JSON, ToothSegError

_MOST_LINES = 5000


class News:
    """What the process has said; the threads hold this and not the job, so that a job can go."""

    def __init__(self) -> None:
        # Replaced as a whole, so that a reader never sees half of it.
        self.progress: tuple[float, str, float | None] = (0.0, "starting", None)
        self.error = ""
        self.kind: type[ToothSegError] = ToothSegError
        self.done = False
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @property
    def listening(self) -> bool:
        """Whether more may come."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def log(self) -> str:
        """The last lines of what was meant for people."""
        with self._lock:
            return "".join(self._lines)

    def listen(self, process: subprocess.Popen[bytes]) -> None:
        """Gather from now on."""
        for stream, take in ((process.stdout, self._take_message), (process.stderr, self._keep)):
            assert stream is not None
            thread = threading.Thread(target=_read_lines, args=(stream, take), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _take_message(self, line: str) -> None:
        try:
            message = json.loads(line)
            if "fraction" in message:
                self.progress = (message["fraction"], message["stage"], time.monotonic())
            self.kind = getattr(errors, message.get("kind", ""), self.kind)
            self.error = message.get("error", self.error)
            self.done = message.get("done", self.done)
        except UNSOUND_JSON:
            self._keep(line)

    def _keep(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)


def _read_lines(stream: IO[bytes], take: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            take(line.decode("utf-8", "replace"))
