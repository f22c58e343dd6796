"""What a container or a cluster lets a process have, on made-up control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from ToothSegLib.machine import capacity, cgroup

GIB = 2**30


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the control groups are; there are none yet."""
    monkeypatch.setattr(cgroup, "MOUNTED", tmp_path / "cgroup")
    monkeypatch.setattr(cgroup, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(capacity, "_free_of_machine_gib", lambda: 100.0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(32)), raising=False)
    return tmp_path / "cgroup"


def put(mounted: Path, own: str, **files: object) -> None:
    """A process in the groups ``own``, and files by their path with "__" for a slash."""
    cgroup.OWN_GROUPS.write_text(own)
    for name, content in files.items():
        path = mounted / name.replace("__", "/").replace("_max", ".max").replace("X", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


def test_without_groups_there_is_no_limit(mounted: Path) -> None:
    assert cgroup.memory_left() is None
    assert cgroup.cores_allowed() is None
    assert capacity.free_memory_gib() == 100.0
    assert capacity.cores() == 32


def test_a_container_of_today(mounted: Path) -> None:
    put(
        mounted,
        "0::/\n",
        memory_max=8 * GIB,
        memoryXcurrent=3 * GIB,
        memoryXstat=f"anon 7\ninactive_file {GIB}\nactive_file 9",
        cpu_max="250000 100000",
    )
    assert capacity.free_memory_gib() == 6.0
    assert capacity.cores() == 3


def test_the_least_of_all_groups_above_counts(mounted: Path) -> None:
    put(
        mounted,
        "0::/slurm/job_1/step_0\n",
        slurm__memory_max=64 * GIB,
        slurm__memoryXcurrent=60 * GIB,
        slurm__job_1__memory_max=16 * GIB,
        slurm__job_1__memoryXcurrent=GIB,
        slurm__job_1__step_0__memory_max="max",
        slurm__job_1__step_0__memoryXcurrent=GIB,
        slurm__cpu_max="max 100000",
        slurm__job_1__cpu_max="400000 100000",
        slurm__job_1__step_0__cpu_max="max 100000",
    )
    assert capacity.free_memory_gib() == 4.0
    assert capacity.cores() == 4


def test_the_older_version(mounted: Path) -> None:
    put(
        mounted,
        "9:name=systemd:/\n4:memory:/docker/ab:cd\n1:cpu,cpuacct:/docker/ab:cd\n0::/\n",
        memory__memoryXlimit_in_bytes=4 * GIB,  # a container sees its own group as the topmost
        memory__memoryXusage_in_bytes=2 * GIB,
        memory__memoryXstat=f"cache 5\ntotal_inactive_file {GIB // 2}",
        cpu__cpuXcfs_quota_us=50000,
        cpu__cpuXcfs_period_us=100000,
    )
    assert capacity.free_memory_gib() == 2.5
    assert capacity.cores() == 1
    put(mounted, "1:cpu:/", cpu__cpuXcfs_quota_us=-1)
    assert capacity.cores() == 32


def test_a_group_that_is_full_leaves_nothing(mounted: Path) -> None:
    put(mounted, "0::/", memory_max=GIB, memoryXcurrent=GIB + 4096)
    assert capacity.free_memory_gib() == 0.0


def test_what_can_not_be_read_is_no_limit(mounted: Path) -> None:
    put(mounted, "no group\n\n0::/../../x\n", memory_max="?", memoryXcurrent=1, cpu_max="1 0")
    assert cgroup.memory_left() is None
    assert cgroup.cores_allowed() is None
    put(mounted, "0::/", memory_max=GIB, memoryXcurrent=0, memoryXstat="inactive_file\nodd line 3")
    assert cgroup.memory_left() == GIB
    cgroup.OWN_GROUPS.write_bytes(b"\xff")
    assert cgroup.memory_left() is None
