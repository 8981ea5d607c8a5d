"""A certificate of nobody's, to look at a template. It needs no database."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

from lms_core.certificates.addresses import Addresses
from lms_core.certificates.printing import Printed, Template, language_of, printed
from lms_core.certificates.statements import statement
from lms_core.kernel.i18n import Catalogs
from lms_core.settings import Settings

NUMBER = "0000-0000-0000-0000"


def preview_certificate(
    settings: Settings, folder: Path | None, name: str, title: str, language: str, form: str = "pdf"
) -> bytes:
    """The document. Raises TemplateError, and SettingsError where the folder has no template."""
    template = Template.in_folder(folder.absolute()) if folder is not None else Template.from_settings(settings)
    catalogs, now = Catalogs(), dt.datetime.now(dt.UTC)
    facts = SimpleNamespace(
        first_name=name, last_name="", preferred_language=language, timezone="UTC", completed_at=now, grade="A",
        course_id="preview", code="BREAD-1", title=title, description=None, language=language, version=1,
        duration_minutes=750, instructor_first_name="Ada", instructor_last_name="Lovelace",
    )  # fmt: skip
    at = Addresses(settings)
    issuer = {"name": settings.text("lms.name"), "url": at.site}
    until = now + dt.timedelta(days=730)
    said = statement(facts, issuer, language_of(catalogs, settings, language), now, until)
    sample = Printed(NUMBER, said, now, now.date(), until.date(), at.page(NUMBER))
    return printed(catalogs, template, sample, None, form)
