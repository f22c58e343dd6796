"""NRRD files, with pynrrd, or without it with SimpleITK. http://teem.sourceforge.net/nrrd/format.html"""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import InputError, OutputError, one_line
from ToothSegLib.formats.itk_path import path_for_itk
from ToothSegLib.formats.nrrd_header import read_header
from ToothSegLib.formats.nrrd_voxels import read_voxels
from ToothSegLib.formats.voxel_file import several_files
from ToothSegLib.machine.in_threads import in_threads
from ToothSegLib.volume import Volume, check_size, side_unknown

_NAMES_OF_UNITS = {
    1.0: "mm millimeter millimetre millimeters millimetres",
    10.0: "cm centimeter centimetre centimeters centimetres",
    1e-3: "um \N{MICRO SIGN}m \N{GREEK SMALL LETTER MU}m micron microns micrometer micrometre "
    "micrometers micrometres",
    1e3: "m meter metre meters metres",
}
_MILLIMETRES = {name: mm for mm, names in _NAMES_OF_UNITS.items() for name in names.split()}
_MILLIMETRES[""] = 1.0
# Spaces that are right-handed, yet do not say where the patient's left is.
_UNNAMED_SPACES = {"", "3d-right-handed", "scanner-xyz"}
_SHORT_SPACES = {
    "lps": "left-posterior-superior",
    "las": "left-anterior-superior",
    "ras": "right-anterior-superior",
}
_LONGEST_HEADER = 1 << 20
# What pynrrd lets through on files that are cut or damaged.
_DAMAGED = (
    ValueError,
    TypeError,
    LookupError,
    OSError,
    EOFError,
    OverflowError,
    zlib.error,
    StopIteration,
    RecursionError,
)


def read_nrrd(path: Path) -> Volume:
    """Read a 3-D NRRD file (.nrrd, .nhdr, .seg.nrrd of one layer).

    Raises:
        InputError: the file is damaged, is no volume, or has no voxel size.
    """
    try:
        import nrrd
    except ImportError:
        return _read_by_itk(path)

    try:
        # pynrrd also warns of what ends as an error below.
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")
            header = _without_time(read_header(file))
            spatial = _spatial_axes(path, header)
            sizes = np.asarray(header["sizes"])[spatial]
            array = read_voxels(path, header, file, int(np.prod(sizes, dtype=np.int64)))
    except (nrrd.NRRDError, *_DAMAGED) as error:
        _check_list(path)
        raise InputError(
            f"{path} is cut short, or no NRRD file ({one_line(error)}); copy or export it again"
        ) from error
    array = array.reshape(sizes[::-1])
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    matrix, origin = _geometry(path, header, spatial)
    spacing = np.linalg.norm(matrix, axis=0)
    return Volume(array, tuple(spacing), tuple(origin), matrix / spacing, doubts_of_header(header))


def _read_by_itk(path: Path) -> Volume:
    """As `read_nrrd`, in Slicer's Python, which has SimpleITK alone."""
    import SimpleITK as sitk

    from ToothSegLib.formats.itk_io import itk_errors
    from ToothSegLib.grids.itk_image import from_itk

    with itk_errors(path):
        return from_itk(sitk.ReadImage(path_for_itk(path), imageIO="NrrdImageIO"))


def read_fields(path: Path) -> dict[str, str]:
    """The fields of a header that are text, key/value pairs among them, as `read_header` has them.

    Raises:
        InputError: the file is damaged, or no NRRD file.
    """
    import nrrd

    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")
            header = read_header(file)
    except (nrrd.NRRDError, *_DAMAGED) as error:
        raise InputError(
            f"{path} is cut short, or no NRRD file; copy or export it again"
        ) from error
    return {key: value for key, value in header.items() if isinstance(value, str)}


def write_nrrd(
    path: Path, volume: Volume, compression_level: int, header: Mapping[str, Any] | None = None
) -> None:
    """Write a volume as NRRD in LPS, whole or not at all.

    Args:
        compression_level: 1 (fast) to 9 (small) for gzip; 0 writes the voxels as they are.
        header: more fields; unknown ones become key/value pairs of the format. Text is written in
            ASCII, all that the format knows, with escapes for the rest.

    Raises:
        OutputError: the file cannot be written.
    """
    write_same_nrrd({path: header}, volume, compression_level)


def write_same_nrrd(
    headers: Mapping[Path, Mapping[str, Any] | None], volume: Volume, compression_level: int
) -> None:
    """Write a volume as several NRRD files, as `write_nrrd` each; the voxels are packed once.

    Args:
        headers: more fields, by the path of the file.

    Raises:
        OutputError: a file cannot be written.
    """
    try:
        import nrrd  # noqa: F401
    except ImportError:
        in_threads(
            lambda one: _write_by_itk(one[0], volume, compression_level, one[1] or {}),
            headers.items(),
        )
        return

    array = volume.array
    if array.dtype == bool:
        array = array.view(np.uint8)
    elif array.dtype == np.float16:  # the format has none
        array = array.astype(np.float32)
    pieces: Iterable[bytes] = _packed(array, compression_level)
    if len(headers) > 1:
        pieces = list(pieces)
    for path, header in headers.items():
        fields = {
            **{key: _ascii(value) for key, value in (header or {}).items()},
            "space": "left-posterior-superior",
            "kinds": ["domain"] * 3,
            "space directions": volume.index_to_lps[:3, :3].T,
            "space origin": volume.origin,
            "encoding": "gzip" if compression_level else "raw",
        }
        with replacing(path) as file:
            file.write(_header_of(array, fields))
            file.writelines(pieces)


def _header_of(array: NDArray, fields: dict[str, Any]) -> bytes:
    """The header that pynrrd writes for an array, up to the first byte of the voxels."""
    import nrrd

    # Of one voxel: it would copy all of them.
    written = BytesIO()
    nrrd.write(written, array[:1, :1, :1], fields, index_order="C")
    header, _, _ = written.getvalue().partition(b"\n\n")
    size = " ".join(map(str, array.shape[::-1])).encode()
    return header.replace(b"\nsizes: 1 1 1\n", b"\nsizes: " + size + b"\n", 1) + b"\n\n"


def _packed(array: NDArray, compression_level: int) -> Iterator[bytes]:
    """The bytes of the voxels as they are written, a layer at a time."""
    pack = zlib.compressobj(max(compression_level, 1), zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for layer in array:
        data = layer.tobytes()
        yield pack.compress(data) if compression_level else data
    if compression_level:
        yield pack.flush()


def _write_by_itk(
    path: Path, volume: Volume, compression_level: int, header: Mapping[str, Any]
) -> None:
    """As `write_nrrd`, in Slicer's Python; the files are the same but for the header's order."""
    import SimpleITK as sitk

    from ToothSegLib.grids.itk_image import to_itk

    image = to_itk(volume)
    for key, value in header.items():
        image.SetMetaData(key, str(value))  # ITK escapes a line's end by itself
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("NrrdImageIO")
    writer.SetUseCompression(compression_level > 0)
    writer.SetCompressionLevel(compression_level)
    with replacing(path) as file:
        writer.SetFileName(path_for_itk(Path(file.name)))
        try:
            writer.Execute(image)
        except RuntimeError as error:
            raise OutputError(f"cannot write {path}: is the disk full?") from error


def _check_list(path: Path) -> None:
    """Refuse a header that ends in a list of files, which pynrrd takes for fields."""
    with open(path, "rb") as file:
        head = file.read(_LONGEST_HEADER)
    if re.match(rb"NRRD", head) and re.search(rb"^data ?file: LIST\b", head, re.MULTILINE):
        raise several_files(path, "LIST")


def _without_time(header: Mapping[str, Any]) -> dict[str, Any]:
    """The header with a space of three axes, where it has one of four of which the last is time."""
    space = str(header.get("space", "")).lower()
    origin, directions = header.get("space origin"), header.get("space directions")
    long = _SHORT_SPACES.get(space.removesuffix("t"), space.removesuffix("-time"))
    if long == space or directions is None or np.shape(directions)[1:] != (4,):
        return dict(header)
    rows = np.asarray(directions, float)
    in_time = np.isfinite(rows[:, 3]) & (rows[:, 3] != 0)
    if (rows[in_time, :3] != 0).any():
        return dict(header)
    three = dict(header, space=long)
    three["space directions"] = [None if time else row[:3] for time, row in zip(in_time, rows)]
    if origin is not None:
        three["space origin"] = np.asarray(origin, float)[:3]
    if "space units" in header:
        three["space units"] = list(header["space units"])[:3]
    return three


def _spatial_axes(path: Path, header: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which axes are space. The others must have a length of one."""
    sizes = np.asarray(header["sizes"]).astype(np.int64)
    if header["dimension"] != len(sizes):
        raise ValueError(f"{len(sizes)} sizes, and a dimension of {header['dimension']}")
    if header["type"] == "block":
        raise InputError(f"{path} holds blocks of bytes, not grey values")
    directions = header.get("space directions")
    if directions is None:
        spatial = np.ones(len(sizes), bool)
        if len(sizes) == 4 and 1 in sizes:  # time points, of which there is one
            spatial[np.flatnonzero(sizes == 1)[-1]] = False
    else:
        # pynrrd gives a row of NaN for the axes that are `none`, and a list where some rows are.
        rows = [[np.nan] * 3 if row is None else row for row in directions]
        spatial = ~np.isnan(np.asarray(rows, float)).any(axis=1)
    if len(spatial) == len(sizes) == 4 and spatial.sum() == 3 and sizes[~spatial][0] > 1:
        if any(str(key).startswith("Segment0_") for key in header):
            raise InputError(
                f"{path} keeps its segments in {sizes[~spatial][0]} layers, as for segments that "
                "overlap; in 3D Slicer collapse the layers to one (module Segmentations, Binary "
                "labelmap layers) and save it again"
            )
        kind = next((k for k, s in zip(header.get("kinds", "????"), spatial) if not s), "?")
        raise InputError(
            f"{path} has {sizes[~spatial][0]} values a voxel (kind '{kind}'): colours, time points "
            "or layers of a segmentation; give one volume of grey values, or one label map"
        )
    if len(spatial) != len(sizes) or spatial.sum() != 3:
        raise InputError(f"{path} has {len(sizes)} axes ({_times(sizes)}); a volume of 3 is needed")
    check_size(path, sizes[spatial])
    return spatial


def doubts_of_header(header: Mapping[str, Any]) -> tuple[str, ...]:
    """See `Volume.doubts`. ITK and Slicer take such files as LPS too.

    Args:
        header: fields by their names, of which "space" and "space directions" are looked at.
    """
    if str(header.get("space", "")).lower() in _UNNAMED_SPACES:
        return (side_unknown("it names no space (such as left-posterior-superior)"),)
    if header.get("space directions") is None:
        return (side_unknown("it does not give the direction of its axes (space directions)"),)
    return ()


def _geometry(
    path: Path, header: Mapping[str, Any], spatial: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3, 3) matrix whose columns are the steps of the axes, and the origin; LPS mm."""
    directions = header.get("space directions")
    origin = np.asarray(header.get("space origin", np.zeros(3)), float)
    if directions is not None:
        matrix = np.asarray([row for row, s in zip(directions, spatial) if s], float).T
    else:
        spacings = np.asarray(header.get("spacings", []), float)
        if len(spacings) == len(spatial):
            spacings = spacings[spatial]
        if spacings.shape != (3,) or not np.isfinite(spacings).all():
            raise InputError(
                f"{path} has no voxel size (neither 'space directions' nor 'spacings'); export it "
                "again with its spacing"
            )
        matrix = np.diag(spacings)
        if "space origin" not in header:
            origin = _origin_of_axes(header, spatial, spacings)
    to_lps = _to_lps(path, header, spatial)
    if matrix.shape != (3, 3) or origin.shape != (3,):
        raise InputError(f"{path} has directions or an origin that are not of three dimensions")
    if not (np.isfinite(matrix).all() and np.isfinite(origin).all()):
        raise InputError(
            f"{path} has directions or an origin that are not numbers; export it again"
        )
    matrix, origin = to_lps @ matrix, to_lps @ origin
    if not (np.linalg.norm(matrix, axis=0) > 0).all():
        raise InputError(f"{path} has a voxel size of zero; export it again with its spacing")
    return matrix, origin


def _origin_of_axes(
    header: Mapping[str, Any], spatial: NDArray[np.bool_], spacings: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(3,) centre of the first voxel by where the axes begin, 0 along those that do not say it.

    As ITK takes it: an axis begins at the edge of a voxel (cell), unless it is said to be node.
    """
    mins = np.asarray(header.get("axis mins", header.get("axismins", [])), float)
    if len(mins) != len(spatial):
        return np.zeros(3)
    centerings = header.get("centerings", str(header.get("centers", "")).split())
    at_node = np.array([str(centering).lower() == "node" for centering in centerings])
    if len(at_node) != len(spatial):
        at_node = np.zeros(len(spatial), bool)
    origin = mins[spatial] + np.where(at_node[spatial], 0.0, spacings / 2)
    return np.where(np.isfinite(origin), origin, 0.0)


def _to_lps(
    path: Path, header: Mapping[str, Any], spatial: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(3, 3) matrix from the file's space and unit to LPS millimetres."""
    units = header.get("space units") or header.get("units") or [""]
    if len(units) == len(spatial):
        units = [unit for unit, is_space in zip(units, spatial) if is_space]
    unit = str(units[0]).strip('" ').lower()
    if unit not in _MILLIMETRES or len(set(units)) > 1:
        raise InputError(f"{path} has lengths in '{' '.join(map(str, units))}'; mm is needed")
    space = str(header.get("space", "")).lower()
    if space in _UNNAMED_SPACES:
        return np.eye(3) * _MILLIMETRES[unit]
    words = _SHORT_SPACES.get(space, space).removeprefix("3d-").split("-")
    sides = (("left", "right"), ("posterior", "anterior"), ("superior", "inferior"))
    if len(words) != 3 or any(word not in pair for word, pair in zip(words, sides)):
        raise InputError(
            f"{path} is in the space '{header['space']}', which does not say where the patient's "
            "left is; export it in LPS or RAS"
        )
    signs = [1.0 if word == pair[0] else -1.0 for word, pair in zip(words, sides)]
    return np.diag(signs) * _MILLIMETRES[unit]


def _ascii(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\n", r"\n").encode("ascii", "backslashreplace").decode()


def _times(sizes: NDArray) -> str:
    return " x ".join(map(str, sizes))
