"""A certificate as a PDF: its words in the reader's language, its fonts, and the program that sets it.

The template gets the certificate's words as data, never as source: whatever somebody is called, it is printed as it is
written. It is set by a program with bounds of time and memory, which reads the template's folder and nothing else.
"""

import datetime as dt
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import segno
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.units import format_unit

from lms_core.certificates import press
from lms_core.kernel.confined import ProgramError, run_confined
from lms_core.kernel.i18n import SOURCE_LOCALE, Catalogs, _
from lms_core.settings import Settings, SettingsError

SECONDS, MEMORY, OUTPUT = 60.0, 2 << 30, 16 << 20
"""What the program may take: of time, of address space (the fonts are mapped into it), and to write."""
TEMPLATE = "certificate.typ"
FORMATS: Mapping[str, Literal["pdf", "png"]] = {".pdf": "pdf", ".png": "png"}
_OURS = Path(__file__).with_name("template")
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_SANS = (
    "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Armenian", "Noto Sans Georgian",
    "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Gurmukhi", "Noto Sans Gujarati", "Noto Sans Oriya",
    "Noto Sans Tamil", "Noto Sans Telugu", "Noto Sans Kannada", "Noto Sans Malayalam", "Noto Sans Sinhala",
    "Noto Sans Thai", "Noto Sans Lao", "Noto Sans Myanmar", "Noto Sans Khmer", "Noto Sans Ethiopic",
)  # fmt: skip
_SYMBOLS = ("Noto Sans Symbols", "Noto Emoji")
_SERIF = "Libertinus Serif"
"""Comes with typst."""
_KANA, _HANGUL = re.compile(r"[\u3040-\u30ff]"), re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_HAN_BY_TAG = (
    (re.compile(r"zh.*[-_](hk|mo)\b", re.IGNORECASE), "HK"), (re.compile(r"zh.*[-_](tw|hant)\b", re.IGNORECASE), "TC"),
    (re.compile("zh", re.IGNORECASE), "SC"), (re.compile("ja", re.IGNORECASE), "JP"),
    (re.compile("ko", re.IGNORECASE), "KR"),
)  # fmt: skip
"""Whose forms of the same Chinese character a language writes."""


class TemplateError(Exception):
    """A template that cannot be set; the message says where it is wrong."""


@dataclass(frozen=True, slots=True)
class Template:
    """``name`` is null for ours."""

    folder: Path
    name: str | None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Template":
        """Raises SettingsError where the folder has no template."""
        told = settings.text("lms.certificates.template")
        return cls.in_folder(Path(told).expanduser().absolute()) if told else cls(_OURS, None)

    @classmethod
    def in_folder(cls, folder: Path) -> "Template":
        if not (folder / TEMPLATE).is_file():
            raise SettingsError(f"lms.certificates.template: there is no {TEMPLATE} in {folder}")
        return cls(folder, folder.name)


@dataclass(frozen=True, slots=True)
class Printed:
    """All that stands on a certificate: its number, what it says, its days, and where it is verified.

    ``issued_at`` is when its file says it was made: the same certificate is the same file.
    """

    number: str
    said: Mapping[str, Any]
    issued_at: dt.datetime
    issued_on: dt.date
    expires_on: dt.date | None
    verify_url: str


def printed(
    i18n: Catalogs, template: Template, certificate: Printed, credential: Mapping[str, Any] | None, form: str = "pdf"
) -> bytes:
    """The document, the credential attached. Raises :class:`TemplateError`, and ProgramError (``too_complex``)."""
    job = {
        "root": "template",
        "fonts": [*font_folders(), *_fonts_of(template)],
        "inputs": {
            "data": json.dumps(_data(i18n, certificate)),
            "credential": json.dumps(credential) if credential else "",
        },
        "format": form,
        "timestamp": int(certificate.issued_at.timestamp()),
    }
    with tempfile.TemporaryDirectory(prefix="lms-certificate-") as folder:
        shutil.copytree(template.folder, Path(folder) / "template")
        (Path(folder) / "job.json").write_text(json.dumps(job))
        command = [sys.executable, "-I", press.__file__, "job.json"]
        try:
            made = run_confined(command, folder=Path(folder), seconds=SECONDS, memory=MEMORY, output=OUTPUT)
        except ProgramError as error:
            raise TemplateError(f"{TEMPLATE}: {error.problem}") from None
    if made.startswith(b"error: ") or not made:
        raise TemplateError(made.removeprefix(b"error: ").decode(errors="replace") or f"{TEMPLATE}: nothing came of it")
    return made


def _fonts_of(template: Template) -> list[str]:
    own = template.folder / "fonts"
    return [str(own)] if own.is_dir() else []


@cache
def font_folders() -> tuple[str, ...]:
    """Where the fonts are that came with the installation: those of the system are not looked at."""
    specs = [find_spec(name) for name in _FONT_PACKAGES]
    return tuple(place for spec in specs if spec is not None for place in spec.submodule_search_locations or ())


def language_of(i18n: Catalogs, settings: Settings, *wanted: str | None) -> str:
    """The first of these languages that we speak, else the installation's."""
    spoken = i18n.locales
    for tag in (*wanted, settings.text("lms.locale")):
        for each in (tag or "", re.split("[-_]", tag or "")[0]):
            if each in spoken:
                return each
    return SOURCE_LOCALE


def _data(i18n: Catalogs, certificate: Printed) -> dict[str, Any]:
    """What the template gets; times and numbers are words already."""
    said, language = certificate.said, certificate.said["language"]
    locale, say = _locale(language), i18n.localizer(language).translate

    def day(when: dt.date | None) -> str | None:
        return None if when is None else format_date(when, "long", locale)

    holder, course = said["holder"], said["course"]
    return {
        "number": certificate.number,
        "verifyUrl": certificate.verify_url,
        "qr": _qr(certificate.verify_url),
        "language": language,
        "fonts": [*_SANS, *_han("", language), *_SYMBOLS],
        "titleFonts": _display("", language),
        "documentTitle": f"{say(_('Certificate of completion'))}: {course['title']}",
        "issuer": said["issuer"],
        "holder": {**holder, "fonts": _display(holder["name"], holder["language"], course["language"], language)},
        "course": {**course, "fonts": _display(course["title"], course["language"], language)},
        "completedOn": day(dt.date.fromisoformat(said["completedOn"])),
        "issuedOn": day(certificate.issued_on),
        "expiresOn": day(certificate.expires_on),
        "grade": said["grade"],
        "duration": _duration(course["minutes"], locale),
        "words": {name: say(words) for name, words in _WORDS.items()},
    }


_WORDS = {
    "title": _("Certificate of completion"),
    "certifies": _("This is to certify that"),
    "completed": _("has successfully completed the course"),
    "completedOn": _("Completed on"),
    "issuedOn": _("Issued on"),
    "validUntil": _("Valid until"),
    "duration": _("Duration"),
    "grade": _("Grade"),
    "instructor": _("Instructor"),
    "number": _("Certificate number"),
    "verify": _("Verify this certificate at"),
}


def _display(text: str, *languages: str) -> list[str]:
    return [_SERIF, *_SANS, *_han(text, *languages), *_SYMBOLS]


def _han(text: str, *languages: str) -> Sequence[str]:
    """The fonts of Chinese characters, first the one whose forms the text wants: kana and hangul tell by themselves."""
    if _KANA.search(text):
        first = "JP"
    elif _HANGUL.search(text):
        first = "KR"
    else:
        first = next((region for tag in languages for known, region in _HAN_BY_TAG if known.match(tag)), "SC")
    return [f"Noto Sans CJK {region}" for region in dict.fromkeys((first, "SC", "TC", "HK", "JP", "KR"))]


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return Locale(SOURCE_LOCALE)


def _duration(minutes: int, locale: Locale) -> str | None:
    """In hours from one on, to the half: nobody measures a course closer than that."""
    if minutes <= 0:
        return None
    if minutes < 60:
        return format_unit(minutes, "duration-minute", locale=locale)
    return format_unit(round(minutes / 30) / 2, "duration-hour", locale=locale)


def _qr(url: str) -> str:
    drawn = io.BytesIO()
    segno.make(url, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()
