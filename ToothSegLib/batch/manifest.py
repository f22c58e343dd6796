"""OUT/manifest.jsonl: one JSON object a line, one line a scan, in the order of the scans.

It is a view: what is done is told by the records in the results' own folders. It is written anew
as a whole, so that a reader finds every scan in it at any moment, those that wait too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ToothSegLib.batch.entry import MADE, Entry
from ToothSegLib.errors import UNSOUND_JSON, OutputError

MANIFEST_NAME = "manifest.jsonl"
_LEAST_SECONDS_BETWEEN = 1.0
# A file that another program has open, as a spreadsheet does, cannot be replaced there.
_READERS_HOLD_IT = sys.platform == "win32"


class Manifest:
    """The manifest of a batch, on disk at most about a second behind.

    Args:
        run: the batch's hidden folder in the output folder, see `folder.working_folder`.
        entries: one for every scan, and for what was left out.
    """

    def __init__(self, run: Path, entries: Iterable[Entry]) -> None:
        self.path = run.parent / MANIFEST_NAME
        # There a program that is killed leaves nothing that stays.
        self._part = run / MANIFEST_NAME
        self._entries = {_key(entry): entry for entry in entries}
        self._written_at = float("-inf")

    @property
    def entries(self) -> list[Entry]:
        """As they stand."""
        return list(self._entries.values())

    def update(self, entry: Entry) -> None:
        """Take the news of a scan.

        Raises:
            OutputError: the file cannot be written, for another reason than that it is being read.
        """
        self._entries[_key(entry)] = entry
        # Every time would take longer and longer in a batch of many thousands.
        if time.monotonic() - self._written_at >= _LEAST_SECONDS_BETWEEN:
            try:
                self.write()
            except OutputError as error:
                # Whoever reads it just then is no reason to end the batch: the next news tells all.
                if not (_READERS_HOLD_IT and isinstance(error.__cause__, PermissionError)):
                    raise

    def write(self) -> None:
        """Bring the file up to date. Raises OutputError if it cannot be written."""
        lines = (json.dumps(entry.to_json()) + "\n" for entry in self._entries.values())
        try:
            with open(self._part, "w", encoding="ascii") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            os.replace(self._part, self.path)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
        self._written_at = time.monotonic()


def names_in_manifest(out: Path) -> set[str] | None:
    """The folders of the results that the last batch has made or kept, by its manifest.

    What is in a folder of another line is of an earlier batch, whatever the scan is by now. None
    where there is no manifest that can be read.
    """
    with suppress(OSError, *UNSOUND_JSON):
        lines = (out / MANIFEST_NAME).read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines if line.strip()]
        return {str(entry["name"]) for entry in entries if entry["status"] in MADE}
    return None


def _key(entry: Entry) -> tuple[str, str | None]:
    return entry.source, entry.series
