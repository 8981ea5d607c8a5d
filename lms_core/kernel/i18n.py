"""Words for people: gettext catalogs, compiled from the ``.po`` files at start, for requests and tasks alike."""

import io
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from pyramid.i18n import Localizer, TranslationString, TranslationStringFactory
from pyramid.i18n import Translations as PyramidTranslations

if TYPE_CHECKING:
    from lms_core.kernel.request import Request

DOMAIN = "lms"
SOURCE_LOCALE = "en"
_ = TranslationStringFactory(DOMAIN)


class Catalogs:
    """The languages on offer and their localizers; immutable once built.

    ``packages`` are importable packages that hold ``locale/<language>/lms.po``; later ones add to earlier ones.
    """

    def __init__(self, packages: Iterable[str] = ("lms_core",)) -> None:
        translations: dict[str, PyramidTranslations] = {SOURCE_LOCALE: _translations(Catalog())}
        for package in packages:
            for locale, catalog in _compile(package):
                if locale in translations:
                    translations[locale].merge(catalog)
                else:
                    translations[locale] = catalog
        self._localizers: Mapping[str, Localizer] = {
            locale: Localizer(locale, catalog) for locale, catalog in translations.items()
        }

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self._localizers)

    def localizer(self, locale: str | None) -> Localizer:
        """The localizer for a language tag: ``de-AT`` falls back to ``de``, the unknown to English."""
        for tag in (locale or "", (locale or "").split("-")[0].split("_")[0]):
            if tag in self._localizers:
                return self._localizers[tag]
        return self._localizers[SOURCE_LOCALE]

    def say(self, text: str, locale: str | None) -> str:
        """A translation string in a language; a plain text is somebody's own words and stays as it is."""
        return str(self.localizer(locale).translate(text)) if isinstance(text, TranslationString) else text


def _compile(package: str) -> Iterable[tuple[str, PyramidTranslations]]:
    folder = files(package) / "locale"
    if not folder.is_dir():
        return
    for language in folder.iterdir():
        source = language / f"{DOMAIN}.po"
        if source.is_file():
            yield language.name, _translations(read_po(io.BytesIO(source.read_bytes()), locale=language.name))


def _translations(catalog: Catalog) -> PyramidTranslations:
    binary = io.BytesIO()
    write_mo(binary, catalog)
    binary.seek(0)
    return PyramidTranslations(fileobj=binary, domain=DOMAIN)


def request_localizer(request: "Request") -> Localizer:
    """``request.localizer``: the user's language, else the best of ``Accept-Language``."""
    identity = request.identity
    if identity is not None and identity.locale:
        return request.core.i18n.localizer(identity.locale)
    return browser_localizer(request)


def browser_localizer(request: "Request") -> Localizer:
    """The best of ``Accept-Language``, for whom we cannot ask who it is."""
    catalogs = request.core.i18n
    return catalogs.localizer(request.accept_language.lookup(catalogs.locales, default=SOURCE_LOCALE))


__all__ = ["DOMAIN", "Catalogs", "_", "browser_localizer", "request_localizer"]
