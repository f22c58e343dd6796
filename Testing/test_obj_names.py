"""An OBJ file of VTK's exporter gets the names and colours of the teeth."""

from __future__ import annotations

from pathlib import Path

import pytest

from ToothSegLib.errors import OutputError
from ToothSegLib.meshes.obj_names import name_teeth
from ToothSegLib.teeth import by_fdi

OBJ = """#  3D Slicer output. SPACE=LPS

mtllib other.mtl

v 0 0 0
v 1 0 0
v 0 1 0
v 0 0 1

g grp1
usemtl mtl1
f 1//1 2//2 3//3
f 1//1 3//3 4//4

g grp5
usemtl mtl5
f 2 3 4
"""


@pytest.fixture
def obj(tmp_path: Path) -> Path:
    path = tmp_path / "teeth.obj"
    path.write_text(OBJ)
    path.with_suffix(".mtl").write_text("newmtl mtl1\nTr 1\nnewmtl mtl5\nTr 1\n")
    return path


def test_groups_and_materials_are_called_like_the_teeth(obj: Path) -> None:
    name_teeth(obj, {16: 2, 48: 1})
    first, second = "16_upper_right_first_molar", "48_lower_right_third_molar"
    wanted = OBJ.replace("other.mtl", "teeth.mtl")
    for old, name in (("1", first), ("5", second)):
        wanted = wanted.replace(f"grp{old}", name).replace(f"mtl{old}\n", f"{name}\n")
    assert obj.read_text() == wanted
    materials = obj.with_suffix(".mtl").read_text().split("newmtl ")[1:]
    assert [material.split("\n")[0] for material in materials] == [first, second]
    for material, fdi in zip(materials, (16, 48)):
        values = dict(line.split(maxsplit=1) for line in material.splitlines()[1:] if line)
        colour = [255 * float(value) for value in values["Kd"].split()]
        assert colour == pytest.approx(by_fdi(fdi).colour, abs=1e-3)
        assert values["d"] == "1"
        assert "Tr" not in values
        assert values["Ka"] == values["Ks"] == "0 0 0"


@pytest.mark.parametrize(
    "triangles", [{16: 1, 48: 2}, {16: 3}, {16: 2}, {16: 2, 48: 1, 47: 5}], ids=str
)
def test_groups_that_are_other_ones_are_not_named(obj: Path, triangles: dict[int, int]) -> None:
    with pytest.raises(OutputError, match=r"teeth\.obj cannot be told apart"):
        name_teeth(obj, triangles)
    assert obj.read_text() == OBJ
    assert [path.name for path in obj.parent.glob("*.part")] == []
