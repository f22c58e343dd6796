"""The NRRD files that are written are those that pynrrd writes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import nrrd
import numpy as np
import pytest

from ToothSegLib.formats.nrrd_io import write_same_nrrd
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


def without_date(data: bytes) -> list[bytes]:
    head, _, voxels = data.partition(b"\n\n")
    return [*(line for line in head.split(b"\n") if not line.startswith(b"# on ")), voxels]


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 1), (3, 1, 1)])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_header_and_voxels(
    tmp_path: Path, dtype: str, shape: tuple[int, int, int], level: int
) -> None:
    array = np.asfortranarray(np.random.default_rng(0).integers(0, 99, shape).astype(dtype))
    volume = Volume(array, (0.3, 0.4, 0.5), (1.5, -2.0, 0.0))
    fields = {
        "note": "sizes: 1 1 1",
        "space": "left-posterior-superior",
        "kinds": ["domain"] * 3,
        "space directions": volume.index_to_lps[:3, :3].T,
        "space origin": volume.origin,
        "encoding": "gzip" if level else "raw",
    }
    wanted = BytesIO()
    nrrd.write(wanted, array, fields, compression_level=max(level, 1), index_order="C")
    header = {"note": "sizes: 1 1 1"}
    write_volume(tmp_path / "a.nrrd", volume, compression_level=level, header=header)
    assert without_date((tmp_path / "a.nrrd").read_bytes()) == without_date(wanted.getvalue())
    pair = [tmp_path / "b.nrrd", tmp_path / "c.nrrd"]
    write_same_nrrd({pair[0]: header, pair[1]: None}, volume, level)
    assert without_date(pair[0].read_bytes()) == without_date(wanted.getvalue())
    assert without_date(pair[1].read_bytes())[-1] == without_date(wanted.getvalue())[-1]
