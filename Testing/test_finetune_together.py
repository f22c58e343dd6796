"""Processes that fine-tune one bundle together."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from finetune_fixture import tuned
from ToothSegLib.models import load_bundle

pytestmark = pytest.mark.usefixtures("small_patches")


SCRIPT = """
import sys
from pathlib import Path
import pytest
sys.path.insert(0, {testing!r})
from learning_fixture import judge_by_weights, shrink
from ToothSegLib.cli.main import main
patch = pytest.MonkeyPatch()
shrink(patch)
judge_by_weights(patch)
code = main(sys.argv[1:])
# A thread of the group that is still there when Python ends can abort the process.
tasks = Path("/proc/self/task")
names = [(task / "comm").read_text() for task in tasks.iterdir()] if tasks.is_dir() else []
left = [name for name in names if "gloo" in name]
sys.exit(f"threads are left: {{left}}" if left else code)
"""


@pytest.mark.usefixtures("judged_by_weights")
@pytest.mark.timeout(400)  # three times the start of Python with torch
def test_two_processes_learn_together(world: Path, tmp_path: Path) -> None:
    """By torchrun, on processors: one bundle, weights of both processes' patches."""
    script = tmp_path / "together.py"
    script.write_text(SCRIPT.format(testing=str(Path(__file__).parent)))
    words = ["train", "--dataset", str(world / "set"), "--from", str(world / "toy"), "-o",
             str(tmp_path / "run"), "--cases", str(world / "heads"), "--steps", "4",
             "--check-every", "2", "--patience", "5", "--seed", "3", "--device", "cpu",
             "--networks", "toothnet"]  # fmt: skip
    root = Path(__file__).resolve().parents[1]
    env = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), *words],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("bundle toy+1") == 1
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["processes"] == 2
    together = load_bundle(tmp_path / "run" / "bundle")
    together.verify()
    losses = [
        float(row.split(",")[1])
        for row in (tmp_path / "run" / "toothnet.csv").read_text().splitlines()[2:]
    ]
    assert len(losses) == 4
    assert all(map(math.isfinite, losses))
    # The first process begins with the patch that one alone begins with, and then goes its own way.
    alone = tuned(world, tmp_path / "alone").courses["toothnet"].losses
    assert losses[0] == pytest.approx(alone[0], rel=1e-5)
    assert losses[1] != pytest.approx(alone[1], rel=1e-5)
