"""Addresses that hand out a file without a token: good for one file, for a short time, and for nothing else."""

import dataclasses
import datetime as dt
import uuid
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import literal, update

from lms_core.files.links import make_link
from lms_core.files.models import FileUpload
from lms_core.kernel.security import CALLER
from lms_core.kernel.tokens import Signatures

FILM = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(100_000)


@pytest.fixture
def film(stored, student):
    return stored(student, FILM, "film.mp4")


@pytest.fixture
def link(film, student):
    """The path and query of a link to the film."""
    return local(student.client.get(f"/api/v1/files/{film.id}/url").json["url"])


def local(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def changed(link, **changes):
    parts = urlsplit(link)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def test_a_link_works_without_a_token(app, film, student, settings):
    answer = student.client.get(f"/api/v1/files/{film.id}/url")
    url, expires = answer.json["url"], dt.datetime.fromisoformat(answer.json["expiresAt"])
    assert url.startswith(f"http://localhost/api/v1/files/{film.id}/download?")
    assert 290 < (expires - dt.datetime.now(dt.UTC)).total_seconds() <= 300
    given = app.get(local(url))
    assert given.body == FILM
    assert given.headers["Content-Disposition"].startswith("inline; ")
    assert given.headers["Content-Security-Policy"].endswith("; sandbox")
    assert app.get(local(url), headers={"Range": "bytes=4-7"}, status=206).body == b"ftyp"
    assert app.head(local(url)).content_length == len(FILM)


def test_a_browser_may_keep_it_as_long_as_the_link_lives(app, link):
    kept = app.get(link).headers["Cache-Control"]
    name, _equals, seconds = kept.partition("max-age=")
    assert name == "private, "
    assert 290 < int(seconds) <= 300


def test_credentials_that_are_no_good_do_not_matter(app, link, registry):
    assert app.bearer("no.such.token").get(link).body == FILM
    app.set_cookie("lms_access", "no.such.token")
    assert app.get(link).body == FILM


def test_who_may_not_have_the_file_gets_no_link(app, film, make_person):
    for client in (make_person("instructor").client, app):
        client.get(f"/api/v1/files/{film.id}/url", status=404)


def test_who_may_have_what_it_is_attached_to_gets_one(app, film, make_person, registry, monkeypatch):
    reader = make_person("student")
    monkeypatch.setattr(registry, "file_access", [*registry.file_access, literal(reader.id) == CALLER])
    url = reader.client.get(f"/api/v1/files/{film.id}/url").json["url"]
    assert f"by={reader.id}" in url
    monkeypatch.undo()
    # What has been given out is bounded by its time alone.
    assert app.get(local(url)).body == FILM
    reader.client.get(f"/api/v1/files/{film.id}/url", status=404)


def test_anybody_may_have_a_link_to_what_is_open_to_all(app, film, registry, monkeypatch):
    monkeypatch.setattr(registry, "file_access", [*registry.file_access, FileUpload.mime_type == "video/mp4"])
    assert app.get(local(app.get(f"/api/v1/files/{film.id}/url").json["url"])).body == FILM


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": None}, {"signature": ""}, {"signature": "A" * 43}, {"signature": "\u00e4"}, {"expires": None},
        {"expires": "9999999999"}, {"expires": "-1"}, {"expires": "x"}, {"expires": "9" * 5000}, {"by": None},
        {"by": ""}, {"by": "00000000-0000-4000-8000-000000000000"},
    ],
    ids=lambda changes: str(changes)[:40],
)  # fmt: skip
def test_a_link_that_was_changed_is_refused(app, student, link, changes):
    for client in (app, student.client):
        assert client.get(changed(link, **changes), status=403).json["code"] == "link_invalid"


def test_nothing_can_be_shifted_between_what_is_signed(app, link):
    query = dict(parse_qsl(urlsplit(link).query))
    moved = {"by": query["by"] + query["expires"][:3], "expires": query["expires"][3:]}
    app.get(changed(link, **moved), status=403)


def test_a_link_is_good_for_its_file_alone(app, film, link, stored, student):
    other = stored(student)
    assert app.get(link.replace(str(film.id), str(other.id)), status=403).json["code"] == "link_invalid"
    assert app.get(link.replace(str(film.id), str(uuid.uuid4())), status=403).json["code"] == "link_invalid"
    bare, query = link.split("?")
    for view in (f"/api/v1/files/{film.id}", f"/api/v1/files/{film.id}/content"):
        app.get(f"{view}?{query}", status=404)
    app.get(bare, status=403)


def test_more_than_the_link_is_refused(app, link):
    assert app.get(f"{link}&as=admin", status=422).json["code"] == "invalid"


def earlier(core, **ago):
    return dataclasses.replace(core, clock=lambda: core.clock() - dt.timedelta(**ago))


def test_a_link_that_has_expired_is_gone(app, core, film, student):
    alive = make_link(earlier(core, seconds=290), film.id, student.id)
    dead = make_link(earlier(core, seconds=301), film.id, student.id)
    assert app.get(f"/api/v1/{alive.path}").body == FILM
    assert app.get(f"/api/v1/{dead.path}", status=410).json["code"] == "link_expired"
    assert app.get(changed(f"/api/v1/{dead.path}", expires="9999999999"), status=403).json["code"] == "link_invalid"


def test_how_long_a_link_lives_is_a_setting(make_app, core, film, student):
    brief = make_app(lms__files__url_ttl=10.0)
    made = make_link(brief.app.registry.core, film.id, student.id)
    assert (made.expires_at - core.clock()).total_seconds() <= 10


def test_a_deleted_file_is_not_there(app, core, film, link):
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.id == film.id).values(deleted_at=core.clock()))
    assert app.get(link, status=404).json["code"] == "not_found"


@pytest.mark.parametrize(
    ("result", "own", "others"), [("infected", "file_infected", "file_infected"), ("pending", None, "file_not_scanned")]
)
def test_a_link_gets_no_more_than_whom_it_was_given_to(app, core, film, student, admin, result, own, others):
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.id == film.id).values(virus_scan_result=result))
    for person, code in ((student, own), (admin, others)):
        link = f"/api/v1/{make_link(core, film.id, person.id).path}"
        if code is None:
            assert app.get(link).body == FILM
            assert person.client.get(f"/api/v1/files/{film.id}/url").status_int == 200
        else:
            assert app.get(link, status=409).json["code"] == code
            assert person.client.get(f"/api/v1/files/{film.id}/url", status=409).json["code"] == code


def test_a_download_by_link_takes_one_statement(app, link, statements):
    app.get(link)
    with statements() as seen:
        app.get(link)
    assert seen.count == 1, seen


def test_the_log_says_whom_a_link_was_given_to_and_not_the_signature(app, core, link, registry, student):
    from sqlalchemy import text

    app.get(link)
    registry.request_log.flush()
    with core.reader() as db:
        [path] = db.scalars(text("SELECT request_path FROM system_logs WHERE request_path LIKE '%/download?%'"))
    assert f"by={student.id}" in path
    assert dict(parse_qsl(urlsplit(link).query))["signature"] not in path


def test_signatures_outlive_a_rotation_and_hold_for_one_purpose():
    old, both, new = (Signatures(keys) for keys in (("a" * 32,), ("b" * 32, "a" * 32), ("b" * 32,)))
    made = old.sign("files.link", "x", "y")
    assert both.fits(made, "files.link", "x", "y")
    assert not new.fits(made, "files.link", "x", "y")
    assert new.fits(both.sign("files.link", "x"), "files.link", "x")
    for other in (
        ("files.other", "x", "y"),
        ("files.link", "xy"),
        ("files.link", "x", "y", ""),
        ("files.link", "xy", ""),
    ):
        assert not old.fits(made, *other)
