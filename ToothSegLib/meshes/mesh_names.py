"""What files of teeth's surfaces are called."""

from __future__ import annotations

from ToothSegLib.teeth import by_fdi


def mesh_stem(fdi: int) -> str:
    """Name of a tooth's surface without the file type, `11_upper_right_central_incisor`."""
    return f"{fdi}_{by_fdi(fdi).name.replace(' ', '_')}"


def stl_name(fdi: int) -> str:
    """File name of a tooth's surface, such as `11_upper_right_central_incisor.stl`."""
    return f"{mesh_stem(fdi)}.stl"
