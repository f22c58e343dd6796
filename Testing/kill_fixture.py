"""How often the tests that kill programs at random moments do so.

    TOOTHSEG_KILLS=50 python -m pytest Testing -k kill_9

kills fifty times each: while a data set is saved and exported, a review saves itself
(Testing/headless), a bundle is fine-tuned, and a batch runs. By default it is a few times, for each
takes a second or so. Where none of them came in the middle of the work, which a busy machine may
bring about, there are more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator


def kills(few: int) -> int:
    """The number that is asked for, or a few."""
    return int(os.environ.get("TOOTHSEG_KILLS", few))


class Attempts:
    """Numbers of kills from 0 on: so many, and up to four times as many until enough have hit.

    Args:
        times: so many.
        enough: of them have come in the middle of the work; whoever kills counts them in ``hits``.
    """

    def __init__(self, times: int, enough: int = 1) -> None:
        self.times, self.enough, self.hits = times, enough, 0

    def __iter__(self) -> Iterator[int]:
        for kill in range(4 * self.times):
            if kill >= self.times and self.hits >= self.enough:
                return
            yield kill
