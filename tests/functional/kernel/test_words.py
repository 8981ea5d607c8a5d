"""Words over HTTP and by mail: in the user's language, else in that of ``Accept-Language``; codes in none."""

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from lms_core.kernel.core import Core
from lms_core.testing.client import Client

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
ADA = {"email": "ada@example.org", "password": "Tr0ub4dor&3-horses", "firstName": "Ada", "lastName": "Lovelace"}


def test_a_problem_speaks_the_callers_language(app: Client) -> None:
    english = app.get("/api/v1/users/me", status=401).json
    german = app.get("/api/v1/users/me", headers=GERMAN, status=401).json

    assert english["title"] == "Authentication needed"
    assert german["title"] == "Anmeldung erforderlich"
    assert german["code"] == english["code"] == "unauthorized"
    assert german["type"] == english["type"] == "urn:lms:error:unauthorized"


def test_an_unknown_language_is_answered_in_english(app: Client) -> None:
    answer = app.get("/api/v1/users/me", headers={"Accept-Language": "tlh, *;q=0.1"}, status=401)
    assert answer.json["title"] == "Authentication needed"


def test_messages_by_field_are_translated_and_fields_and_codes_are_not(app: Client) -> None:
    body = {"email": "nobody", "firstName": "x" * 101, "lastName": None, "surprise": 1}
    answer = app.post_json("/api/v1/auth/register", body, headers=GERMAN, status=422).json

    assert (answer["code"], answer["type"]) == ("invalid", "urn:lms:error:invalid")
    assert (answer["title"], answer["detail"]) == ("Ungültige Daten", "Einige Felder sind ungültig.")
    assert answer["errors"] == {
        "email": ["Keine E-Mail-Adresse."],
        "password": ["Pflichtfeld fehlt."],
        "firstName": ["Länger als 100 Zeichen."],
        "lastName": ["Das Feld darf nicht null sein."],
        "surprise": ["Unbekanntes Feld."],
    }


def test_messages_of_a_query_are_translated(make_person: Callable[..., Any]) -> None:
    client = make_person("student", preferred_language="de").client
    answer = client.get("/api/v1/courses?limit=1000&level=expert&free=maybe", status=422).json

    assert answer["errors"] == {
        "limit": ["Muss zwischen 1 und 100 liegen."],
        "level": {"0": ["Muss einer dieser Werte sein: beginner, intermediate, advanced."]},
        "free": ["Kein gültiger Wahrheitswert."],
    }


@pytest.mark.parametrize(("own", "title"), [("de", "Nicht gefunden"), ("de-CH", "Nicht gefunden"), ("en", "Not found")])
def test_the_users_own_language_wins(make_person: Callable[..., Any], own: str, title: str) -> None:
    client = make_person("student", preferred_language=own).client
    for accepted in ("en", "de"):
        answer = client.get("/api/v1/nothing", headers={"Accept-Language": accepted}, status=404).json
        assert (answer["title"], answer["code"]) == (title, "not_found")


def test_a_verification_mail_in_german(app: Client, core: Core, deliver: Callable[[], int]) -> None:
    answer = app.post_json("/api/v1/auth/register", ADA, headers=GERMAN).json
    assert answer["message"] == "Zum Abschließen folgen Sie bitte dem Link, den wir an ada@example.org gesendet haben."
    deliver()

    [mail] = [mail for mail in _mails(core) if mail["To"] == "ada@example.org"]
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert mail["Subject"] == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert "Guten Tag,\n" in text.get_content()
    assert "willkommen bei " in text.get_content()
    assert "/verify-email?token=" in text.get_content()
    assert '<html lang="de">' in html.get_content()
    assert ">Adresse bestätigen</a>" in html.get_content()


def _mails(core: Core) -> list[EmailMessage]:
    return [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted((core.settings.data / "mail").glob("*.eml"))
    ]
