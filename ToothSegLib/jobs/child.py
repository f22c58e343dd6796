"""A process of our own beside this one: which Python, how it starts, and how it surely ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ToothSegLib.errors import ToothSegError

_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]
_KILLED_WITHIN_S = 0.7


def find_python() -> str:
    """The interpreter to start.

    Inside 3D Slicer ``sys.executable`` may be the application itself, or the bare interpreter
    without the settings that its launcher, PythonSlicer, gives it.

    Raises:
        ToothSegError: there is none.
    """
    name = Path(sys.executable or "").stem.lower()
    if name.startswith("python") and name != "python-real":
        return sys.executable
    launcher = shutil.which("PythonSlicer")
    if launcher is not None:
        return launcher
    if name == "python-real":
        return sys.executable
    raise ToothSegError(
        f"no Python interpreter was found beside {sys.executable or 'this program'}: neither it "
        "nor a PythonSlicer on the PATH is one"
    )


def start(
    module: str, arguments: Sequence[str], folder: Path, python: str | None = None
) -> subprocess.Popen[bytes]:
    """Run a module of this library, or of what is on its path, with pipes to all its streams.

    Args:
        module: as for ``python -m``.
        arguments: the module's own.
        folder: where it runs; not the current one, from which it would import what lies there.
        python: the interpreter; by default `find_python`.

    Raises:
        ToothSegError: it cannot be started.
    """
    command = [python or find_python(), "-X", "utf8", "-m", module, *arguments]
    paths = [str(_PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            creationflags=flags,
            start_new_session=True,  # a process group of its own; Windows has no such thing
        )
    except OSError as error:
        raise ToothSegError(
            f"cannot start {command[0]}: {error.strerror or error}; name another Python"
        ) from error


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process of `start` and all that it started, at once; return when they are gone."""
    if process.poll() is None:
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)],
                capture_output=True,
                creationflags=subprocess.CREATE_NO_WINDOW,
                check=False,
            )
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_KILLED_WITHIN_S)
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def end_with_parent(parent: int, farewell: Callable[[], object]) -> None:
    """In the child: end when the parent does, however that ends.

    Args:
        parent: its process number.
        farewell: called before.
    """

    def watch() -> None:
        if sys.platform == "win32":
            _wait_for(parent)
        else:
            # The parent never writes; the pipe ends when the parent does. Unlike the number of the
            # parent process this holds behind a launcher too.
            while os.read(0, 1024):
                pass
        farewell()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if sys.platform == "win32":

    def _wait_for(process: int) -> None:
        """Wait for the end of a process.

        On Windows a thread that reads a pipe as standard input can hold up the loading of
        libraries, so the process itself is waited for.
        """
        import ctypes
        from ctypes import wintypes

        kernel = ctypes.WinDLL("kernel32")
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
        synchronize, infinite = 0x00100000, 0xFFFFFFFF
        handle = kernel.OpenProcess(synchronize, False, process)
        if handle:
            kernel.WaitForSingleObject(handle, infinite)
