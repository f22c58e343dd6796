"""Free text that may tell who the patient is: warned about before it is written.

These are rules of thumb. They find names, dates and numbers in the forms that scanners, archives
and people give them; they cannot find everything, and now and then they suspect the innocent.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ToothSegLib.dataset.record import check_characters, composed
from ToothSegLib.dataset.refusals import Suspicious
from ToothSegLib.teeth import POSITION_NAMES, QUADRANT_NAMES

OWN_ID = re.compile(r"case-[0-9a-f]{12}")
"""Names that a data set makes up itself, from a checksum."""

_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*\.?"
_DATES = (
    re.compile(r"(?<!\d)\d{1,2}[./_ -]\d{1,2}[./_ -](?:19|20)?\d\d(?!\d)"),
    re.compile(r"(?<!\d)(?:19|20)\d\d[./_ -]\d{1,2}[./_ -]\d{1,2}(?!\d)"),
    re.compile(rf"(?<!\d)\d{{1,2}}[. _-]*{_MONTH}[ _,-]*(?:19|20)\d\d(?!\d)", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}[ _-]*\d{{1,2}}[ _,-]+(?:19|20)\d\d(?!\d)", re.IGNORECASE),
)
_EIGHT_DIGITS = re.compile(r"(?<!\d)\d{8}(?!\d)")
_UID = re.compile(r"(?<![\d.])\d+(?:\.\d+){4,}(?![\d.])")
_LONG_NUMBER = re.compile(r"(?<![\d.])\d(?:[ /-]?\d){6,}(?!\d)")
_MARKED_NUMBER = re.compile(
    r"(?<![a-z])(?:mrn|pid|pat(?:ient)?|id|ssn|nhs|svnr|acc(?:ession)?|study)[ _.:#-]*"
    r"(?:id|no|nr|number)?[ _.:#-]*\d{3,}",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_PERSON_NAME = re.compile(r"[^\W\d_]+\^[^\W\d_]*")
_SAYS_SO = re.compile(
    r"(?<![^\W\d_])(?:mr|mrs|ms|herr|frau|mme|monsieur|madame|signora?|born|dob|geb|"
    r"birth ?date|name|vorname|nachname|nom|surname)(?![^\W\d_])\s*[.:=]?\s*[\w]",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

# Words that may stand beside each other with capitals and name nobody.
_HARMLESS_WORDS = """
    cbct ct scan case tooth teeth jaw jaws maxilla mandible arch crown crowns root roots label
    labels segment segmentation editor slicer toothseg dataset data set image volume revision
    corrected approved predicted missing merged split smoothed painted renumbered deleted added
    edited by hand with and or of the in on to was is no not keep largest metal implant bridge
    test train training simulated phantom sample demo anatomy open full head neck nnunet monai
    fdi palmer universal dentition bone canal wisdom
"""
_HARMLESS = set(" ".join((*POSITION_NAMES, *QUADRANT_NAMES, _HARMLESS_WORDS)).split())


def suspicious_text(text: str) -> list[str]:
    """What in a text looks like a name, a date of birth, or a number that stands for a person.

    Returns:
        Reasons in words, such as "a date (1970-01-31)"; empty if nothing does.
    """
    return list(dict.fromkeys(_reasons(composed(text))))


def check_texts(texts: Mapping[str, str], *, accepted: bool = False) -> None:
    """Refuse texts that are about to be written and look as if they told who the patient is.

    Args:
        texts: what each is, in words, and the text.
        accepted: somebody has looked at them; nothing is refused for what it tells.

    Raises:
        InputError: one of them holds what cannot be written.
        Suspicious: one of them may tell who the patient is.
    """
    for what, text in texts.items():
        check_characters(what, text)
    if accepted:
        return
    for what, text in texts.items():
        reasons = suspicious_text(text)
        if reasons:
            raise Suspicious(
                f"{what} {text!r:.120} may tell who the patient is: it holds "
                f"{', '.join(reasons)}; change it, or accept it as it is"
            )


def _reasons(text: str) -> Iterator[str]:
    if OWN_ID.fullmatch(text):
        return
    for match in _PERSON_NAME.finditer(text):
        yield f"a name as DICOM writes it ({match[0]})"
    for match in _MAIL.finditer(text):
        yield f"an address ({match[0]})"
    for match in _UID.finditer(text):
        yield f"a DICOM identifier ({match[0]})"
    dates = [match[0] for pattern in _DATES for match in pattern.finditer(text)]
    dates += [match[0] for match in _EIGHT_DIGITS.finditer(text) if _is_date(match[0])]
    yield from (f"a date ({date})" for date in dates)
    for pattern in (_MARKED_NUMBER, _LONG_NUMBER):
        for match in pattern.finditer(_UID.sub(" ", text)):
            if not any(match[0] in date or date in match[0] for date in dates):
                yield f"a number that may stand for a person ({match[0]})"
    for match in _SAYS_SO.finditer(text):
        yield f"words that introduce a person ({match[0].strip()})"
    yield from (f"what may be a name ({name})" for name in _names(text))


def _is_date(digits: str) -> bool:
    for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y"):
        with suppress(ValueError):
            if 1900 <= datetime.datetime.strptime(digits, form).year <= 2100:
                return True
    return False


def _names(text: str) -> Iterator[str]:
    """Pairs of words with capitals: John Smith, SMITH_JOHN, Smith, John, JohnSmith."""
    # A capital in the middle of a word begins another one.
    parted = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", text)
    words = list(_WORDS.finditer(parted))
    for first, second in zip(words, words[1:]):
        between = parted[first.end() : second.start()]
        if (
            re.fullmatch(r"[ _,.\-]{0,2}", between)
            and all(_is_name(word[0]) for word in (first, second))
        ):  # fmt: skip
            yield f"{first[0]}{between}{second[0]}"


def _is_name(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and word.lower() not in _HARMLESS
