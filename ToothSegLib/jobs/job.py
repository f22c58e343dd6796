"""A segmentation that runs in a process of its own, and its remote control.

The process that asks stays free: it looks in now and then with `Job.poll`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from ToothSegLib.compute.devices import may_be_graphics
from ToothSegLib.errors import Cancelled, ToothSegError
from ToothSegLib.jobs import child, job_folder
from ToothSegLib.jobs.job_files import read_result, write_request
from ToothSegLib.jobs.job_news import News
from ToothSegLib.jobs.time_left import TimeLeft
from ToothSegLib.jobs.worker import STARTED
from ToothSegLib.models import from_anywhere
from ToothSegLib.report import Segmentation
from ToothSegLib.volume import Volume

WORKER = "ToothSegLib.jobs.worker"
# Streams end with the process that holds them, unless something that it started holds them too.
_LAST_WORDS_S = 2.0


@dataclass(frozen=True)
class JobState:
    """How a job stands.

    Args:
        fraction: done, 0-1.
        stage: what it is at, in words.
        seconds_left: None while that cannot be told.
        running: started and not ended.
        failed: it ended without a result.
        message: why it failed, in one line, or that it was cancelled; otherwise empty.
    """

    fraction: float = 0.0
    stage: str = ""
    seconds_left: float | None = None
    running: bool = False
    failed: bool = False
    message: str = ""


class Job:
    """One scan on its way through `cascade.segment`, in another process.

    Whatever happens to this object or to its process, the other process ends and the folder, which
    holds a patient's scan, is removed: after `cancel`, after `result`, after a failure, when the
    object is gone, and when this process ends, even by force. Where both are killed the next job
    removes the folder.

    Args:
        volume: the scan; its voxels are needed until `start` returns.
        bundle: as for `cascade.segment`, by name or folder.
        device: likewise.
        precision: likewise.
        python: the interpreter to start; by default `child.find_python`.
    """

    def __init__(
        self,
        volume: Volume,
        *,
        bundle: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        python: str | None = None,
    ) -> None:
        self._volume: Volume | None = volume
        self._options = {"bundle": from_anywhere(bundle), "device": device, "precision": precision}
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._news = News()
        self._time_left = TimeLeft()
        self._ended_at: float | None = None
        self._cancelled = False
        self._result: Segmentation | None = None

    def start(self) -> None:
        """Write the scan to a private folder and start the process.

        Raises:
            OutputError: the scan cannot be written.
            ToothSegError: there is no Python to start, or the job was started before.
        """
        volume, self._volume = self._volume, None
        if volume is None:
            raise ToothSegError("this job was started before: make a new one")
        self._folder = job_folder.make()
        remains = _Remains(self._folder)
        self._clean_up = weakref.finalize(self, remains.remove)
        try:
            write_request(self._folder, volume, self._options)
            arguments = [str(self._folder), str(os.getpid())]
            process = child.start(WORKER, arguments, self._folder, self._python)
        except BaseException:
            self._clean_up()
            raise
        remains.process = process
        self._process = process
        self._news.listen(process)

    def poll(self) -> JobState:
        """How it stands; never waits."""
        if self._cancelled:
            return JobState(message="cancelled")
        if self._process is None:
            return JobState()
        running = not self._has_ended(self._process)
        fraction, stage, told_at = self._news.progress
        if told_at is not None and fraction >= STARTED:  # how long a start takes tells nothing
            self._time_left.tell(fraction, told_at)
        if running:
            left = self._time_left.at(time.monotonic())
            return JobState(fraction, stage, left, running=True)
        message = self._failure(self._process)
        if message:
            self._clean_up()
            return JobState(fraction, stage, failed=True, message=message)
        return JobState(1.0, stage)

    def cancel(self) -> None:
        """Stop the process and remove its folder, at once; a result not yet taken is lost."""
        if self._process is not None and self._result is None and not self.poll().failed:
            self._cancelled = True
            self._clean_up()

    def result(self) -> Segmentation:
        """The result of a job that ended well; its folder is removed.

        Raises:
            Cancelled: it was cancelled.
            ToothSegError: it is not done, failed (the error is of the kind that the cascade
                raised), or what it wrote is damaged.
        """
        if self._result is not None:
            return self._result
        state = self.poll()
        if self._cancelled:
            raise Cancelled("cancelled; nothing was written")
        if state.failed:
            raise self._news.kind(state.message)
        if state.running or self._process is None:
            raise ToothSegError("there is no result yet: the job has not ended")
        try:
            self._result = read_result(self._folder)
        finally:
            self._clean_up()
        return self._result

    @property
    def log(self) -> str:
        """Everything that the process said."""
        return self._news.log

    def _has_ended(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is None:
            return False
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        return not self._news.listening or time.monotonic() - self._ended_at > _LAST_WORDS_S

    def _failure(self, process: subprocess.Popen[bytes]) -> str:
        """Why there is no result; empty if there is one."""
        if self._news.error:
            return self._news.error
        if self._news.done:
            return ""
        code = process.returncode
        if _was_killed(code, self.log):
            return (
                "the system ended the computation, most likely for lack of memory: close other "
                "programs, or crop the scan to the jaws"
            )
        advice = ""
        if may_be_graphics(str(self._options["device"])):  # its driver can end a process
            advice = "; if a graphics device is to blame, choose Device: cpu under Advanced"
        return f"the computation broke off with code {code}; the log may tell why{advice}"


def _was_killed(code: int, log: str) -> bool:
    """Whether the system ended the process from outside.

    Slicer's PythonSlicer is a launcher: where what it launched is killed or crashes, it says so
    and exits with 1. After a crash there are Python's words in the log as well.
    """
    if code == -getattr(signal, "SIGKILL", 0):
        return True
    crashed = any(words in log for words in ("Fatal Python error", "fatal exception"))
    return code == 1 and "exit abnormally" in log and not crashed


class _Remains:
    """What a job must not leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def remove(self) -> None:
        """End the process and remove the folder."""
        if self.process is not None:
            child.kill(self.process)
        job_folder.remove(self.folder)
