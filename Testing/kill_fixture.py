"""How often the tests that kill programs at random moments do so.

    TOOTHSEG_KILLS=50 python -m pytest Testing -k kill_9

kills fifty times each: while a data set is saved and exported, a review saves itself
(Testing/headless), a bundle is fine-tuned, and a batch runs. By default it is a few times, for each
takes a second or so.
"""

from __future__ import annotations

import os


def kills(few: int) -> int:
    """The number that is asked for, or a few."""
    return int(os.environ.get("TOOTHSEG_KILLS", few))
