"""Thumbnails and avatars: drawn anew, by whoever may see them, and never from a bomb."""

import gzip
import io
import threading
from contextlib import suppress

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from PIL import Image
from sqlalchemy import literal, select, update
from structlog.testing import capture_logs

from lms_core.accounts.events import ProfileChanged
from lms_core.accounts.models import User
from lms_core.files.models import Avatar, FileUpload, Rendition
from lms_core.files.pictures import drawing
from lms_core.files.pictures.drawing import Studio
from lms_core.files.pictures.service import set_avatar
from lms_core.files.scanning import ScannerUnavailable, Verdict
from lms_core.kernel.errors import Invalid, Unavailable
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.testing.courses import make_course

from .pictures import claiming, colour_at, image, opened, with_secrets, written

FILES, AVATAR = "/api/v1/files", "/api/v1/users/me/avatar"
BROKEN = {
    "truncated jpeg": image()[:3000],
    "truncated png": image("PNG", mode="RGBA")[:300],
    "truncated webp": image("WEBP")[:200],
    "head only": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "damaged": image()[:600] + bytes(200) + image()[800:1200],
}
BOMBS = {
    "claims 100 gigapixels": claiming(100_000, 1_000_000),
    "claims 60 megapixels": claiming(10_000, 6_000),
    "is one": written(Image.new("1", (9_000, 9_000)), "PNG"),
    "is one, as JPEG": written(Image.new("L", (12_000, 11_000)), "JPEG"),
}


def send(person, content, name="picture.jpg"):
    return person.client.send("POST", f"{FILES}?name={name}", content, status=201).json


def set_to(person, content, **options):
    return person.client.send("POST", AVATAR, content, **{"status": 201, **options})


def objects(settings):
    return [path for path in (settings.data / "files").rglob("*") if path.is_file()]


def rows(core, *columns):
    with core.transaction() as db:
        return [tuple(row) for row in db.execute(select(*columns))]


@pytest.fixture
def broken_storage(registry, monkeypatch, tmp_path):
    (tmp_path / "store").write_text("not a folder")
    monkeypatch.setattr(registry, "storage", LocalStorage(tmp_path / "store"))


# Thumbnails.


@pytest.mark.parametrize(
    "content",
    [image("JPEG"), image("PNG"), image("WEBP"), image("GIF", mode="L"), image("PNG", mode="RGBA")],
    ids=["jpeg", "png", "webp", "gif", "alpha"],
)
def test_an_image_gets_a_thumbnail(student, deliver, content):
    file = send(student, content)
    assert file["thumbnailUrl"] is None
    path = f"{FILES}/{file['id']}/thumbnail"
    student.client.get(path, status=404)
    deliver()
    assert student.client.get(f"{FILES}/{file['id']}").json["thumbnailUrl"] == path
    answer = student.client.get(path)
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("image/webp", "private, no-cache")
    assert opened(answer.body).size == (400, 267)
    assert student.client.get(path, headers={"If-None-Match": answer.headers["ETag"]}, status=304).body == b""


def test_a_thumbnail_is_upright_and_tells_nothing_else(student, deliver):
    content = with_secrets()
    assert content.count(b"secret") == 3
    file = send(student, content)
    deliver()
    thumbnail = student.client.get(f"{FILES}/{file['id']}/thumbnail").body
    made = opened(thumbnail)
    assert made.size == (400, 267)
    assert [colour_at(made, x, y) for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))] == ["r", "b", "b", "b"]
    assert b"secret" not in thumbnail
    assert (dict(made.getexif()), made.info.get("icc_profile")) == ({}, None)


def test_who_may_see_the_file_may_see_its_thumbnail(student, instructor, app, deliver, registry, monkeypatch):
    file = send(student, image())
    deliver()
    path = f"{FILES}/{file['id']}/thumbnail"
    for client in (instructor.client, app):
        client.get(path, status=404)
    monkeypatch.setattr(registry, "file_access", [literal(True)])
    for client in (student.client, instructor.client, app):
        client.get(path, status=200)


def test_it_is_made_once_the_image_was_found_clean(student, instructor, deliver, registry, monkeypatch):
    class Toy:
        name, says = "toy", "infected"

        def scan(self, stream, size):
            return Verdict(self.says, "why")

    toy = Toy()
    monkeypatch.setattr(registry, "scanners", (toy,))
    monkeypatch.setattr(registry, "file_access", [literal(True)])
    bad = send(student, image())
    deliver()
    assert student.client.get(f"{FILES}/{bad['id']}").json["thumbnailUrl"] is None
    assert student.client.get(f"{FILES}/{bad['id']}/thumbnail", status=409).json["code"] == "file_infected"
    toy.says = "clean"
    good = send(student, image())
    assert instructor.client.get(f"{FILES}/{good['id']}/thumbnail", status=409).json["code"] == "file_not_scanned"
    deliver()
    instructor.client.get(f"{FILES}/{good['id']}/thumbnail", status=200)


@pytest.mark.parametrize("name", [*BROKEN, *BOMBS])
def test_what_cannot_be_drawn_has_none(student, deliver, name):
    file = send(student, {**BROKEN, **BOMBS}[name])
    with capture_logs() as logs:
        deliver()
    assert [line["reason"] for line in logs if line["event"] == "no_thumbnail"] == [
        "image_too_large" if name in BOMBS else "image_invalid"
    ]
    assert not [line for line in logs if line["event"].startswith("delivery")]
    student.client.get(f"{FILES}/{file['id']}/thumbnail", status=404)


def test_an_avatar_may_have_fewer_pixels_than_a_thumbnail_and_a_jpeg_more():
    studio = Studio(10_000)
    assert studio.thumbnail(io.BytesIO(image("PNG", (100, 100)))).width == 100
    assert studio.thumbnail(io.BytesIO(image("JPEG", (200, 200)))).width == 200
    for kind, size in (("PNG", (101, 100)), ("JPEG", (201, 200))):
        with pytest.raises(Invalid, match="image_too_large"):
            studio.thumbnail(io.BytesIO(image(kind, size)))
    assert studio.avatar(io.BytesIO(image("PNG", (100, 50))), ["PNG"])
    with pytest.raises(Invalid, match="image_too_large"):
        studio.avatar(io.BytesIO(image("PNG", (101, 50))), ["PNG"])


def test_what_is_no_picture_is_not_asked_for_one(student, core, deliver):
    for content in (b"words", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM" + bytes(100), b"%PDF-1.7"):
        send(student, content)
    assert "files.thumbnail_due" not in {name for (name,) in rows(core, Outbox.name)}


def test_a_thumbnail_goes_with_its_file(student, core, deliver, run_periodic, settings):
    file = send(student, image())
    deliver()
    assert len(objects(settings)) == 2
    student.client.delete(f"{FILES}/{file['id']}")
    student.client.get(f"{FILES}/{file['id']}/thumbnail", status=404)
    with core.transaction() as db:
        db.execute(update(FileUpload).values(deleted_at=core.clock().replace(year=2020)))
    run_periodic("files.purge")
    deliver()
    assert objects(settings) == []


def test_a_storage_that_is_down_is_tried_again(student, registry, deliver, monkeypatch, tmp_path):
    (tmp_path / "store").write_text("not a folder")
    file = send(student, image())
    with monkeypatch.context() as broken:
        broken.setattr(registry, "storage", LocalStorage(tmp_path / "store"))
        with capture_logs() as logs:
            deliver()
    assert "delivery_failed" in [line["event"] for line in logs]
    student.client.get(f"{FILES}/{file['id']}/thumbnail", status=404)


def test_reading_a_thumbnail_takes_three_statements(student, deliver, statements):
    path = f"{FILES}/{send(student, image())['id']}/thumbnail"
    deliver()
    student.client.get(path)
    with statements() as seen:
        student.client.get(path)
    assert seen.count == 3, seen


# Avatars.


def test_an_avatar_in_all_its_forms(student, app, settings):
    answer = set_to(student, with_secrets())
    url = answer.json["avatarUrl"]
    assert answer.headers["Location"] == f"http://localhost{url}"
    assert student.client.get("/api/v1/users/me").json["avatarUrl"] == url
    for size, shape in (("50", (50, 50)), ("200", (200, 200)), ("thumbnail", (400, 267))):
        for query, kind in ((f"?size={size}", "jpeg"), (f"?size={size}&type=webp", "webp")):
            shown = app.get(url + query)
            made = opened(shown.body)
            assert (shown.content_type, made.size) == (f"image/{kind}", shape)
            assert colour_at(made, 0.1, 0.1) == "r"
            assert colour_at(made, 0.9, 0.9) == "b"
            assert b"secret" not in shown.body
    assert app.get(url).body == app.get(f"{url}?size=200").body
    assert len(objects(settings)) == 6


def test_what_is_not_opaque_stays_so(student, app):
    url = set_to(student, image("PNG", (300, 300), "RGBA")).json["avatarUrl"]
    for query, kind in (("", "png"), ("?type=webp", "webp")):
        shown = app.get(url + query)
        assert shown.content_type == f"image/{kind}"
        assert [colour_at(opened(shown.body), place, place) for place in (0.2, 0.8)] == ["r", ""]


@pytest.mark.parametrize(
    "content",
    [
        written(Image.new("CMYK", (300, 300)), "JPEG"),
        written(Image.new("L", (300, 300)), "JPEG"),
        written(Image.new("I;16", (300, 300)), "PNG"),
        written(Image.new("P", (300, 300)), "PNG", transparency=0),
        written(Image.new("1", (300, 300)), "PNG"),
        written(Image.new("RGB", (1, 1)), "PNG"),
        written(Image.new("RGB", (1, 9000)), "PNG"),
        image("WEBP", save_all=True, append_images=[Image.new("RGB", (600, 400))]),
    ],
    ids=["cmyk", "grey", "deep", "palette", "bits", "dot", "line", "film"],
)
def test_images_of_every_kind_can_be_drawn(student, app, content):
    url = set_to(student, content).json["avatarUrl"]
    assert opened(app.get(url).body).size == (200, 200)
    assert max(opened(app.get(f"{url}?size=thumbnail").body).size) <= 400


def test_a_browser_may_keep_it_and_shows_nothing_else(student, app, statements):
    url = set_to(student, image()).json["avatarUrl"]
    app.get(url)
    with statements() as seen:
        shown = app.get(url)
    assert seen.count == 1, seen
    assert shown.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert "Vary" not in shown.headers
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert shown.headers["Content-Security-Policy"].endswith("; sandbox")
    assert app.get(url, headers={"If-None-Match": shown.headers["ETag"]}, status=304).body == b""
    # Credentials that are stale, as a browser sends them along, keep nobody from seeing it.
    app.bearer("stale").get(url, status=200)


def test_the_form_of_a_page_can_send_it(student):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\n\r\n' + image() + b"\r\n--x--\r\n"
    set_to(student, body, headers={"Content-Type": "multipart/form-data; boundary=x"})


def test_others_see_it_in_the_catalog(core, instructor, app):
    make_course(core, instructor.id)
    url = set_to(instructor, image()).json["avatarUrl"]
    assert app.get("/api/v1/courses").json["items"][0]["instructor"]["avatarUrl"] == url


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        *[(each, "image_invalid", 422) for each in BROKEN.values()],
        *[(each, "image_too_large", 422) for each in BOMBS.values()],
        (image("GIF", mode="L"), "image_unsupported", 422),
        (written(Image.new("RGB", (10, 10)), "TIFF"), "image_unsupported", 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image_unsupported", 422),
        (b"<html><script>1</script>", "image_unsupported", 422),
        (gzip.compress(image()), "image_unsupported", 422),
        (b"", "image_unsupported", 422),
        (image() + bytes(6 << 20), "file_too_large", 413),
    ],
)
def test_what_makes_no_avatar_changes_nothing(student, app, core, settings, content, code, status):
    before = set_to(student, image()).json["avatarUrl"]
    assert set_to(student, content, status=status).json["code"] == code
    assert student.client.get("/api/v1/users/me").json["avatarUrl"] == before
    assert app.get(before).status_int == 200
    assert len(objects(settings)) == 6


def test_nobody_needs_to_send_what_is_too_large(student):
    assert set_to(student, b"", length=(5 << 20) + 1, status=413).json["code"] == "file_too_large"


def test_who_may_set_one(app, student):
    assert app.send("POST", AVATAR, image(), status=401).json["code"] == "unauthorized"
    app.delete(AVATAR, status=401)
    app.get("/api/v1/avatars", status=404)
    for unknown in ("00000000-0000-4000-8000-000000000000", "x"):
        app.get(f"/api/v1/avatars/{unknown}", status=404)
    url = set_to(student, image()).json["avatarUrl"]
    for query in ("?size=51", "?size=../x", "?type=svg", "?other=1"):
        app.get(url + query, status=422)
    app.post(url, status=405)


def test_the_old_one_goes_when_a_new_one_comes(student, app, core, settings, deliver):
    first = set_to(student, image()).json["avatarUrl"]
    second = set_to(student, image("PNG")).json["avatarUrl"]
    assert first != second
    app.get(first, status=404)
    app.get(second, status=200)
    deliver()
    assert len(objects(settings)) == 6
    assert len(rows(core, Avatar.id)) == 1


def test_an_avatar_can_be_taken_away(student, app, core, settings, deliver):
    url = set_to(student, image()).json["avatarUrl"]
    for _time in range(2):
        student.client.delete(AVATAR, status=204)
    assert student.client.get("/api/v1/users/me").json["avatarUrl"] is None
    app.get(url, status=404)
    deliver()
    assert objects(settings) == rows(core, Avatar.id) == rows(core, Rendition.id) == []


def test_a_change_is_on_record_and_told(student, core):
    url = set_to(student, image()).json["avatarUrl"]
    assert (ProfileChanged.name,) in rows(core, Outbox.name)
    [(old, new)] = rows(core, AuditLog.old_values, AuditLog.new_values)
    assert (old, new) == ({"avatar_url": None}, {"avatar_url": url})


def test_of_two_at_once_one_is_left(student, core, registry, settings, deliver):
    pictures = registry.studio.avatar(io.BytesIO(image()), ["JPEG"])
    ready = threading.Barrier(4)

    def one():
        ready.wait()
        with core.transaction() as db:
            set_avatar(db, registry.storage, student.id, pictures, None)

    threads = [threading.Thread(target=one) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver()
    assert len(objects(settings)) == 6
    [(avatar,)] = rows(core, Avatar.id)
    [(url,)] = [row for row in rows(core, User.avatar_url) if row[0]]
    assert url.endswith(str(avatar))


def test_a_storage_that_is_down_changes_nothing(student, core, broken_storage):
    assert set_to(student, image(), status=503).json["code"] == "storage_unavailable"
    assert rows(core, Avatar.id) == rows(core, Rendition.id) == []
    assert student.client.get("/api/v1/users/me").json["avatarUrl"] is None


def test_what_is_not_committed_leaves_no_object(student, core, registry, settings):
    class Undo(Exception):
        pass

    pictures = registry.studio.avatar(io.BytesIO(image()), ["JPEG"])
    with suppress(Undo), core.transaction() as db:
        set_avatar(db, registry.storage, student.id, pictures, None)
        raise Undo
    assert objects(settings) == []


@pytest.mark.parametrize(
    ("says", "code", "status"),
    [("infected", "file_infected", 422), ("failed", "file_infected", 422), (None, "scanner_unavailable", 503)],
)
def test_malware_makes_no_avatar(student, core, registry, monkeypatch, says, code, status):
    class Toy:
        name = "toy"

        def scan(self, stream, size):
            if says is None:
                raise ScannerUnavailable
            return Verdict(says, "why")

    monkeypatch.setattr(registry, "scanners", (Toy(),))
    assert set_to(student, image(), status=status).json["code"] == code
    assert rows(core, Avatar.id) == []


def test_a_process_draws_one_at_a_time_and_turns_crowds_away(monkeypatch):
    monkeypatch.setattr(drawing, "WAITING", 1)
    studio, inside, go, outcomes = Studio(1_000_000), threading.Event(), threading.Event(), []

    class Slow(io.BytesIO):
        def read(self, *size):
            inside.set()
            go.wait()
            return super().read(*size)

    def draw(content):
        outcomes.append(studio.thumbnail(content).width)

    first = threading.Thread(target=draw, args=(Slow(image()),))
    first.start()
    inside.wait()
    second = threading.Thread(target=draw, args=(io.BytesIO(image()),))
    second.start()
    refused = []
    while not refused:  # Until the second one stands in the queue.
        if studio._places._value == 0:
            with pytest.raises(Unavailable) as raised:
                studio.thumbnail(io.BytesIO(image()))
            refused.append(raised.value.code)
    go.set()
    first.join()
    second.join()
    assert (refused, outcomes) == (["busy"], [400, 400])


def test_a_refusal_gives_the_place_back():
    studio = Studio(1_000)
    for _time in range(50):
        with pytest.raises(Invalid):
            studio.thumbnail(io.BytesIO(image()))
    assert studio.thumbnail(io.BytesIO(image(size=(20, 20)))).width == 20
