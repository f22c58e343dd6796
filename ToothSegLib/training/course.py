"""What has happened to a network that learns on, as its checkpoint, log and curve tell it."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.drawing.offscreen import NoDrawing
from ToothSegLib.training.curve import draw_curve
from ToothSegLib.training.skill import Skill


@dataclass(frozen=True)
class Step:
    """Where the learning is, for whoever shows it; ``dice`` is the last one on held-out cases."""

    role: str
    done: int
    total: int
    loss: float
    dice: float


@dataclass
class Course:
    """What has happened so far; it is what a checkpoint holds besides tensors.

    Attributes:
        losses: of every step.
        checks: (step, skill on the held-out cases) of every look, that at the untouched network
            first.
        finished: nothing is left to do.
    """

    losses: list[float] = field(default_factory=list)
    checks: list[tuple[int, Skill]] = field(default_factory=list)
    finished: bool = False

    @property
    def best(self) -> tuple[int, Skill]:
        """Step and skill of the first among the best looks at which the first skill was kept."""
        first = self.checks[0]
        kept = (check for check in self.checks[1:] if check[1].keeps(first[1]))
        return max((first, *kept), key=lambda check: check[1].both)

    @property
    def looks_since_best(self) -> int:
        """How often in a row it has not got better."""
        return len(self.checks) - 1 - self.checks.index(self.best)


def write_course(folder: Path, name: str, course: Course) -> None:
    """Log and curve, `NAME.csv` and `NAME.png`, made anew. Raises OutputError."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["step", "loss", "held_out_dice", "held_out_f1"])
    seen = dict(course.checks)
    for step in range(len(course.losses) + 1):
        loss = course.losses[step - 1] if step else ""
        skill = seen.get(step)
        table.writerow([step, loss, *((skill.dice, skill.f1) if skill else ("", ""))])
    with replacing(folder / f"{name}.csv") as file:
        file.write(text.getvalue().encode())
    with suppress(NoDrawing):  # the log holds the same
        points = [(step, skill.dice) for step, skill in course.checks]
        draw_curve(folder / f"{name}.png", name, course.losses, points)
