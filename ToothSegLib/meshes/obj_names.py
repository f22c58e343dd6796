"""Names and colours of the teeth in an OBJ file that VTK has written.

VTK's exporter calls groups and materials after numbers of its own (`grp1`, `mtl2095`), writes a
third of each colour and `Tr 1`, which other programs read as "cannot be seen". Which tooth a group
is, its place among the groups says alone; so its triangles are counted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import OutputError
from ToothSegLib.meshes.mesh_names import mesh_stem
from ToothSegLib.teeth import by_fdi


def name_teeth(path: str | os.PathLike[str], triangles: Mapping[int, int]) -> None:
    """Name groups and materials of an OBJ file like the files of the teeth, and colour them.

    The `.mtl` file beside it, of the same stem, is written anew.

    Args:
        path: the OBJ file; its vertices and faces stay as they are.
        triangles: FDI number -> how many triangles the tooth has, in the order of the groups.

    Raises:
        OutputError: a file cannot be written, or its groups are other ones.
    """
    obj = Path(path)
    materials = obj.with_suffix(".mtl")
    with replacing(obj) as file, open(obj, "rb") as written:
        counted = _copy(written, file, materials.name, [mesh_stem(fdi) for fdi in triangles])
        # Before the new file takes the place of the other.
        if counted != list(triangles.values()):
            raise OutputError(
                f"the teeth in {obj} cannot be told apart: export them as STL, or one a file"
            )
    with replacing(materials) as file:
        file.write("".join(map(_material, triangles)).encode("ascii"))


def _copy(source: BinaryIO, target: BinaryIO, materials: str, names: list[str]) -> list[int]:
    """Copy an OBJ file with other names; how many faces each of its groups has."""
    counted: list[int] = []
    for line in source:
        if line.startswith(b"g "):
            counted.append(0)
            name = names[len(counted) - 1] if len(counted) <= len(names) else "more"
            line = f"g {name}\nusemtl {name}\n".encode("ascii")
        elif line.startswith(b"usemtl "):
            continue
        elif line.startswith(b"mtllib "):
            line = f"mtllib {materials}\n".encode()
        elif line.startswith(b"f ") and counted:
            counted[-1] += 1
        target.write(line)
    return counted


def _material(fdi: int) -> str:
    """A material that looks the same in every program: opaque, in the tooth's colour, not shiny."""
    colour = " ".join(f"{channel / 255:.6f}" for channel in by_fdi(fdi).colour)
    return f"newmtl {mesh_stem(fdi)}\nKa 0 0 0\nKd {colour}\nKs 0 0 0\nd 1\nillum 1\n\n"
