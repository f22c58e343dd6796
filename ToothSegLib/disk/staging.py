"""Several files that come into a folder all at once, or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ToothSegLib.disk.moving import move_all, stage_in
from ToothSegLib.errors import OutputError, ToothSegError

_MOST_NAMED = 4


@contextmanager
def all_or_nothing(
    folder: str | os.PathLike[str], *, overwrite: bool = False, rivals: Collection[str] = ()
) -> Iterator[Path]:
    """A hidden folder inside `folder`, and so on the same disk, whose files move up at the end.

    What the block writes there takes its place in `folder` once the block has ended well. On an
    error, a cancellation or Ctrl-C nothing of it is left, and files that would have been replaced
    are as they were.

    Args:
        folder: an existing folder.
        overwrite: replace files of the same names, and take away rivals; otherwise they are an
            error.
        rivals: names that an earlier result may have left in `folder`, and that must not lie
            beside this one.

    Raises:
        OutputError: the folder is not there or cannot be written to, the disk is full, or a file
            is there and must not be replaced or taken away.
    """
    target = Path(os.path.abspath(folder))
    _check_folder(target)
    stage = None
    try:
        with stage_in(target) as stage:
            yield stage
            _move_up(stage, target, overwrite, rivals)
    except ToothSegError as error:
        # The user knows nothing of the hidden folder.
        raise type(error)(str(error).replace(str(stage), str(target))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror or error}") from error


def _check_folder(folder: Path) -> None:
    # Not Path.is_dir: it raises for a name that is longer than the file system allows.
    if os.path.isdir(folder):
        return
    if os.path.exists(folder):
        raise OutputError(f"{folder} is a file: name a folder")
    raise OutputError(f"there is no folder {folder}: make it, or choose another one")


def _move_up(stage: Path, folder: Path, overwrite: bool, rivals: Collection[str]) -> None:
    """Move the staged files into the folder, and rivals out of it, if they may go there."""
    names = sorted(os.listdir(stage))
    there = [name for name in names if os.path.lexists(folder / name)]
    # By the folder's own list: a system that takes "Teeth" for "teeth" would find others too.
    gone = sorted(set(os.listdir(folder)) & set(rivals) - set(names))
    gone = [name for name in gone if os.path.isfile(folder / name)]
    if (there or gone) and not overwrite:
        reasons = []
        if there:
            reasons.append(f"{folder / there[0]} exists{_more(there[1:])}")
        if gone:
            listed = ", ".join(gone[:_MOST_NAMED]) + _more(gone[_MOST_NAMED:])
            reasons.append(f"{folder} holds files of another export ({listed})")
        which = "them" if gone else "it"
        raise OutputError(
            f"{'; '.join(reasons)}: choose another folder, or let {which} be replaced"
        )
    move_all(stage, folder, names, gone)


def _more(others: Sequence[str]) -> str:
    return f" (and {len(others)} more)" if others else ""
