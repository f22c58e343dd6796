"""Tasks on a Dask cluster: the same function as on one machine, another place to run it.

Scheduler and workers see the scans and the output folder under the same paths, as on a network
share. https://distributed.dask.org
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from ToothSegLib.batch.entry import Entry, Task
from ToothSegLib.batch.pool import Tell
from ToothSegLib.errors import Cancelled, InputError, one_line

_LOOK_UP_S = 0.1
_CONNECT_S = 10
_NEEDS_DASK = "--dask needs Dask: pip install '.[dask]' in ToothSeg's folder"


def work_on_cluster(
    tasks: Sequence[Task],
    address: str,
    tell: Tell,
    cancelled: Callable[[], bool],
    work: Callable[[Task], Entry],
) -> Generator[Entry, None, None]:
    """Do tasks on a cluster; their entries as they come.

    When the iterator ends or is closed, tasks that have not begun are taken back. Those in work
    give up once the batch's hidden folder is gone (see `Task.run`).

    Args:
        tasks: what to do.
        address: of the scheduler, such as tcp://10.0.0.5:8786.
        tell: called with a task whose turn has come, 0 and a stage.
        cancelled: asked ten times a second whether to stop.
        work: what does a task, `one_scan.segment_one`; a function that the workers can import.

    Raises:
        InputError: Dask is not installed, or no scheduler answers at the address.
        Cancelled: as asked.
    """
    client = _connected(address)
    news: queue.SimpleQueue[Any] = queue.SimpleQueue()
    by_key: dict[str, Task] = {}
    try:
        for task in tasks:
            # Not pure: the same task may have been done, and its result removed, before.
            future = client.submit(work, task, pure=False)
            by_key[future.key] = task
            future.add_done_callback(news.put)
        while by_key:
            if cancelled():
                raise Cancelled("cancelled")
            tell(next(iter(by_key.values())), 0.0, "on the cluster")
            with suppress(queue.Empty):
                future = news.get(timeout=_LOOK_UP_S)
                yield _entry(by_key.pop(future.key), future)
                future.release()
    finally:
        client.close(timeout=1)


def check_installed() -> None:
    """Raises InputError: Dask is not installed."""
    if find_spec("distributed") is None:
        raise InputError(_NEEDS_DASK)


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:  # it is there, and something that it needs is not
        raise InputError(_NEEDS_DASK) from error
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split()):.100}); start "
            "one with 'dask scheduler'"
        ) from error


def _entry(task: Task, future: Any) -> Entry:
    try:
        entry: Entry = future.result()
    except Cancelled:  # a task that is called off finds its folder gone, and so does this one
        message = (
            f"the Dask worker does not see {task.out} under the same path: let all workers see it "
            "there, as on a network share"
        )
        return Entry.of(task.scan, "failed", error=message, code=2)
    except CancelledError:
        message = "the connection to the Dask scheduler was lost: run the batch again"
        return Entry.of(task.scan, "failed", error=message, code=2)
    except Exception as error:  # such as KilledWorker, or an installation without this version
        message = f"the Dask worker failed ({type(error).__name__}: {one_line(error):.200})"
        return Entry.of(task.scan, "failed", error=message, code=2)
    return entry
