"""Text in DICOM files, which is written in the character set that the file names."""

from __future__ import annotations

# SpecificCharacterSet (0008,0005), part 3 of the standard, C.12.1.1.2; with and without the escapes
# of ISO 2022 the numbers are the same.
_CHARACTERS = {
    "6": "ascii", "100": "latin-1", "101": "iso8859-2", "109": "iso8859-3", "110": "iso8859-4",
    "144": "iso8859-5", "127": "iso8859-6", "126": "iso8859-7", "138": "iso8859-8",
    "148": "iso8859-9", "203": "iso8859-15", "13": "shift_jis", "166": "tis-620", "192": "utf-8",
    "87": "iso2022_jp_2", "159": "iso2022_jp_2", "149": "euc_kr", "58": "gb2312",
    "GB18030": "gb18030", "GBK": "gbk",
}  # fmt: skip
# What says in the text itself that the letters of one of these follow, which Python takes as known.
_ESCAPES = (b"\x1b$)C", b"\x1b$)A")


def readable(text: str, characters: str) -> str:
    """Text of a file as it is meant; in Latin-1 where that cannot be told.

    Args:
        text: as SimpleITK gives it: bytes that are not UTF-8 as surrogates.
        characters: what the file says of its character sets, several after each other, or nothing.
    """
    data = text.encode("utf-8", "surrogateescape")
    for escape in _ESCAPES:
        data = data.replace(escape, b"")
    names = [name.strip().split(" ")[-1] for name in characters.split("\\")][::-1]
    for encoding in (*(_CHARACTERS.get(name, "") for name in names), "utf-8"):
        try:
            return data.decode(encoding)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")
