"""Tasks in several processes of this machine.

Not `concurrent.futures`, whose pool is lost as a whole when one of its processes is: the system
ends one that takes too much memory, and the other scans must not suffer for it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection

from ToothSegLib.batch.entry import Entry, Task
from ToothSegLib.compute.device_faults import has_given_up
from ToothSegLib.compute.devices import may_be_graphics
from ToothSegLib.errors import Cancelled
from ToothSegLib.progress import ProgressCallback

Work = Callable[[Task, ProgressCallback], Entry]
Tell = Callable[[Task, float, str], None]

# Of the libraries that a scan goes through: torch and BLAS, ITK, VTK.
_THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "VTK_SMP_MAX_THREADS",
)
_ENDED_BY_SYSTEM = (
    "the system ended the computation, most likely for lack of memory: run the batch again with "
    "fewer --jobs, or crop the scan to the jaws"
)
_PERHAPS_THE_DEVICE = "; if a graphics device is to blame, run the batch again with --device cpu"
_LOOK_UP_S = 0.1
_LAST_BREATH_S = 0.5
# Spawned, not forked: torch's threads do not outlive a fork. (A copy in a forked process would
# also keep the lock of the output folder.)
_context = get_context("spawn")


def work_here(
    tasks: Sequence[Task],
    jobs: int,
    threads: int,
    tell: Tell,
    cancelled: Callable[[], bool],
    work: Work,
) -> Generator[Entry, None, None]:
    """Do tasks, ``jobs`` at a time; their entries as they come.

    A process that breaks off takes its task with it, which fails, and is replaced; one that has
    lost its graphics device is replaced after its task. All processes are gone when the iterator
    ends or is closed, and when this process ends by force.

    Args:
        tasks: what to do, in this order.
        jobs: how many processes.
        threads: for each of them; settings in the environment, such as OMP_NUM_THREADS, win.
        tell: called with a task, the fraction done and the stage.
        cancelled: asked ten times a second whether to stop.
        work: what does a task, `one_scan.segment_one`; a function that can be imported.

    Raises:
        Cancelled: as asked.
    """
    waiting = deque(tasks)
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            if cancelled():
                raise Cancelled("cancelled")
            workers = [worker for worker in workers if worker.alive]
            while waiting and len(workers) < min(jobs, len(tasks)):
                workers.append(_Worker(work, threads))
                workers[-1].give(waiting.popleft())
            for worker in workers:
                if waiting and worker.task is None:
                    worker.give(waiting.popleft())
            yield from _news(workers, tell)
    finally:
        for worker in workers:
            worker.kill()


def _news(workers: Sequence[_Worker], tell: Tell) -> Iterator[Entry]:
    by_pipe = {worker.pipe: worker for worker in workers if worker.task is not None}
    for pipe in connection.wait(list(by_pipe), timeout=_LOOK_UP_S):
        worker = by_pipe[pipe]  # type: ignore[index]
        assert worker.task is not None
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            yield worker.obituary()
            continue
        first, second = message
        if isinstance(first, Entry):
            worker.task = None
            if second:  # it has lost its device
                worker.kill()
            yield first
        else:
            tell(worker.task, first, second)


class _Worker:
    """A process, and the task that it is at."""

    def __init__(self, work: Work, threads: int) -> None:
        self.pipe, theirs = _context.Pipe()
        self.task: Task | None = None
        self.alive = True
        self._process = _context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
        with _deaf_to_ctrl_c():
            self._process.start()
        # Only the other process holds it now, so that the pipe ends when that process does.
        theirs.close()

    def give(self, task: Task) -> None:
        """Begin with a task."""
        self.task = task
        with suppress(OSError):  # it has broken off, as the next look at its pipe will tell
            self.pipe.send(task)

    def obituary(self) -> Entry:
        """The entry of the task that the process was at when it broke off."""
        assert self.task is not None
        self._process.join(timeout=_LAST_BREATH_S)  # or it would be killed once more
        self.kill()
        code = self._process.exitcode
        if code == -getattr(signal, "SIGKILL", 0):
            message, exit_code = _ENDED_BY_SYSTEM, 2
        else:
            message, exit_code = f"the computation broke off with code {code}", 1
            if may_be_graphics(self.task.options.device):  # its driver can end a process
                message += _PERHAPS_THE_DEVICE
        entry = Entry.of(self.task.scan, "failed", error=message, code=exit_code)
        self.task = None
        return entry

    def kill(self) -> None:
        """End the process at once."""
        self.alive = False
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, work: Work, threads: int) -> None:
    """In the other process: do what comes through the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in _THREAD_SETTINGS:  # read when the libraries are first loaded, which is later
        os.environ.setdefault(name, str(threads))
    with suppress(EOFError, OSError):  # the other side has gone
        spent = False
        while not spent:
            task = pipe.recv()
            try:
                entry = work(task, lambda fraction, stage: pipe.send((fraction, stage)))
            except Cancelled:  # who calls off kills this process, so the folder has gone instead
                message = f"{task.out} was gone for a while: run the batch again"
                entry = Entry.of(task.scan, "failed", error=message, code=2)
            spent = has_given_up()
            pipe.send((entry, spent))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process that is started within never hears of Ctrl-C; whoever started it ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
