"""The tus protocol: what it promises, and what must not happen."""

import base64
import datetime as dt
import hashlib
import io
import threading
from email.utils import parsedate_to_datetime
from uuid import UUID

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from sqlalchemy import func, select, update

from lms_core.files.models import FileClaim, FileUpload, Upload, UploadPart
from lms_core.files.storage import Storages
from lms_core.files.uploads import parts, service
from lms_core.files.uploads.locks import LEASE, hold
from lms_core.files.uploads.parts import Place
from lms_core.files.uploads.protocol import Checksum
from lms_core.files.uploads.service import append, finish
from lms_core.kernel.errors import BadRequest, Locked

UPLOADS, FILES = "/api/v1/uploads", "/api/v1/files"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 40
LENGTH = len(CONTENT)


def b64(value):
    return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()


def sha1(content):
    return f"sha1 {b64(hashlib.sha1(content, usedforsecurity=False).digest())}"


@pytest.fixture(autouse=True, params=["local", pytest.param("s3", marks=pytest.mark.needs("s3"))])
def backend(request):
    """Where files rest: what is promised here is promised wherever that is."""
    if request.param == "s3":
        request.getfixturevalue("in_bucket")


@pytest.fixture
def objects(registry):
    """``objects()``: what rests in the storages."""

    def objects():
        storages = [registry.storages.of(name) for name in {"local", registry.storage.name}]
        return [content(storage, found.key) for storage in storages for found in storage.objects()]

    def content(storage, key):
        with storage.open(key) as stream:
            return stream.read()

    return objects


@pytest.fixture
def begin(student):
    """``begin(length, body, client=..., **headers)``: begin an upload as the student."""

    def send(length=LENGTH, body=b"", *, client=student.client, status=201, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**(CHUNK if body else TUS), "Upload-Length": str(length), **given}
        return client.send("POST", UPLOADS, body, headers=sent, status=status)

    return send


@pytest.fixture
def url(begin):
    """The path of an upload of the student's that has no bytes yet."""
    return path_of(begin(Upload_Metadata=f"filename {b64('Übung 1.pdf')},private"))


@pytest.fixture
def patch(student):
    """``patch(url, offset, body)`` as the student."""

    def send(url, offset, body, *, client=student.client, status=204, length=-1, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**CHUNK, "Upload-Offset": str(offset), **given}
        return client.send("PATCH", url, body, headers=sent, status=status, length=length)

    return send


@pytest.fixture
def place(registry):
    return Place(registry.storages, registry.storage, scan=False)


def path_of(answer):
    return answer.headers["Location"].removeprefix("http://localhost")


def head(client, url, **options):
    return client.send("HEAD", url, headers=TUS, **options)


def offset(client, url):
    return int(head(client, url, status=200).headers["Upload-Offset"])


def rows(core, *columns):
    with core.transaction() as db:
        return [tuple(row) for row in db.execute(select(*columns))]


# What the server can do.


def test_the_server_says_what_it_can_do_and_asks_nobody_who_they_are(app):
    answer = app.send("OPTIONS", UPLOADS, status=204)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "2147483648"
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination,checksum"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", ""])
def test_another_version_is_refused_and_nothing_is_done(student, url, core, version):
    headers = {**CHUNK, "Upload-Offset": "0", "Upload-Length": "5"}
    headers = {**headers, "Tus-Resumable": version} if version is not None else headers
    if version is None:
        del headers["Tus-Resumable"]
    for method, path in (("POST", UPLOADS), ("HEAD", url), ("PATCH", url), ("DELETE", url), ("POST", url)):
        sent = {**headers, "X-HTTP-Method-Override": "PATCH"} if path == url else headers
        answer = student.client.send(method, path, b"some" if method != "HEAD" else b"", headers=sent, status=412)
        assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert offset(student.client, url) == 0
    assert len(rows(core, Upload.id)) == 1


# From the beginning to the file.


def test_an_upload_in_pieces_becomes_a_file_like_any_other(student, begin, patch, core, objects, deliver):
    made = begin(Upload_Metadata=f"filename {b64('Übung 1.pdf')},private")
    url = path_of(made)
    assert made.headers["Location"].startswith("http://localhost/api/v1/uploads/")
    assert made.headers["Tus-Resumable"] == "1.0.0"
    expires = parsedate_to_datetime(made.headers["Upload-Expires"])
    assert dt.timedelta(days=1) < expires - core.clock() < dt.timedelta(days=3)
    assert made.headers["Upload-Offset"] == "0"
    first = patch(url, 0, CONTENT[:4000])
    assert first.headers["Upload-Offset"] == "4000"
    assert parsedate_to_datetime(first.headers["Upload-Expires"]) == expires
    state = head(student.client, url)
    assert (state.status_int, state.body) == (200, b"")
    assert state.headers["Upload-Offset"] == "4000"
    assert state.headers["Upload-Length"] == str(LENGTH)
    assert state.headers["Upload-Metadata"] == f"filename {b64('Übung 1.pdf')},private"
    assert state.headers["Cache-Control"] == "no-store"
    last = patch(url, 4000, CONTENT[4000:])
    assert last.headers["Upload-Offset"] == str(LENGTH)
    file = student.client.get(last.headers["Upload-File"].removeprefix("http://localhost")).json
    assert (file["name"], file["mimeType"], file["size"]) == ("Übung 1.pdf", "application/pdf", LENGTH)
    assert file["checksum"] == hashlib.sha256(CONTENT).hexdigest()
    assert student.client.get(f"{FILES}/{file['id']}/content").body == CONTENT
    deliver()
    assert len(objects()) == 1
    assert rows(core, FileClaim.id) == rows(core, UploadPart.id) == []


def test_the_state_as_a_document(student, url, patch):
    patch(url, 0, b"some")
    shown = student.client.get(url).json
    assert (shown["name"], shown["length"], shown["offset"], shown["fileId"]) == ("Übung 1.pdf", LENGTH, 4, None)
    patch(url, 4, CONTENT[4:])
    assert student.client.get(f"{FILES}/{student.client.get(url).json['fileId']}").json["size"] == LENGTH


def test_the_first_bytes_can_come_at_the_beginning(student, begin, patch):
    part = begin(body=CONTENT[:100])
    assert part.headers["Upload-Offset"] == "100"
    whole = begin(body=CONTENT)
    assert whole.headers["Upload-Offset"] == str(LENGTH)
    assert student.client.get(f"{path_of(whole)}").json["fileId"] in whole.headers["Upload-File"]
    assert patch(path_of(part), 100, CONTENT[100:]).headers["Upload-File"]


def test_an_empty_upload_is_done_at_once(student, begin):
    made = begin(0)
    assert student.client.get(made.headers["Upload-File"].removeprefix("http://localhost")).json["size"] == 0


def test_a_body_of_unknown_length_is_taken(student, url, patch):
    patch(url, 0, CONTENT[:1000], length=None)
    patch(url, 1000, CONTENT[1000:], length=None)
    assert student.client.get(url).json["fileId"]


def test_methods_that_a_network_does_not_let_through(student, url):
    def post(method, body=b"", **headers):
        sent = {**CHUNK, "X-HTTP-Method-Override": method, **headers}
        return student.client.send("POST", url, body, headers=sent, status="*")

    assert post("PATCH", b"some", **{"Upload-Offset": "0"}).headers["Upload-Offset"] == "4"
    assert post("PUT").json["code"] == "method_not_allowed"
    assert post("DELETE").status_int == 204
    head(student.client, url, status=404)


def test_reading_takes_two_statements(student, url, statements):
    student.client.get(url)
    with statements() as seen:
        student.client.get(url)
    assert seen.count == 2, seen


# What is refused.


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload_Length": ""}, 400, "upload_header_invalid"),
        ({"Upload_Length": "-1"}, 400, "upload_header_invalid"),
        ({"Upload_Length": "1e3"}, 400, "upload_header_invalid"),
        ({"Upload_Length": "9" * 30}, 400, "upload_header_invalid"),
        ({"Upload_Length": "2147483649"}, 413, "file_too_large"),
        ({"Upload_Metadata": "filename ***"}, 400, "upload_header_invalid"),
        ({"Upload_Metadata": "a YQ==,a YQ=="}, 400, "upload_header_invalid"),
        ({"Upload_Metadata": "x" * 5000}, 400, "upload_header_invalid"),
        ({"Upload_Checksum": "crc32 AAAA"}, 400, "checksum_unsupported"),
        ({"Upload_Checksum": "sha1 ***"}, 400, "upload_header_invalid"),
    ],
)
def test_a_beginning_that_is_none(begin, nothing_left, core, headers, status, code):
    body = b"some" if "Upload_Checksum" in headers else b""
    assert begin(4, body, status=status, **headers).json["code"] == code
    if not body:
        nothing_left()
        assert rows(core, Upload.id) == []


@pytest.mark.parametrize(("sent", "status"), [(3, 409), (5, 409), ("x", 400), ("-4", 400), ("", 400)])
def test_bytes_that_belong_elsewhere(student, url, patch, sent, status):
    patch(url, 0, b"some")
    answer = patch(url, sent, b"more", status=status)
    assert answer.json["code"] == ("upload_offset_mismatch" if status == 409 else "upload_header_invalid")
    assert offset(student.client, url) == 4


def test_bytes_of_another_type(student, url, patch):
    answer = patch(url, 0, b"some", status=415, Content_Type="application/octet-stream")
    assert (answer.json["code"], offset(student.client, url)) == ("unsupported_media_type", 0)


def test_more_bytes_than_there_is_room_for(student, url, patch):
    assert patch(url, 0, CONTENT + b"x", status=413).json["code"] == "file_too_large"
    assert offset(student.client, url) == 0
    patch(url, 0, CONTENT)
    patch(url, LENGTH, b"x", status=413)


def test_names_are_made_harmless(student, begin):
    for sent, shown in (("../../etc/passwd", "passwd"), ("a\0b", "ab"), ("ann\u202efdp.exe", "annfdp.exe")):
        made = begin(1, b"a", Upload_Metadata=f"filename {b64(sent)}")
        assert student.client.get(made.headers["Upload-File"].removeprefix("http://localhost")).json["name"] == shown


def test_nobody_knows_of_anothers_upload(url, patch, app, instructor, admin, student):
    for client, status in ((instructor.client, 404), (admin.client, 404), (app, 401)):
        assert patch(url, 0, b"some", client=client, status=status).headers["Tus-Resumable"]
        head(client, url, status=status)
        client.get(url, status=status)
        client.send("DELETE", url, headers=TUS, status=status)
    assert offset(student.client, url) == 0
    app.send("POST", UPLOADS, headers={**TUS, "Upload-Length": "1"}, status=401)


def test_what_is_not_there(student, patch):
    for name in ("00000000-0000-4000-8000-000000000000", "x"):
        patch(f"{UPLOADS}/{name}", 0, b"some", status=404)


# Checksums.


def test_bytes_with_their_checksum(student, url, patch):
    patch(url, 0, CONTENT[:100], Upload_Checksum=sha1(CONTENT[:100]))
    rest = CONTENT[100:]
    sha256 = f"sha256 {b64(hashlib.sha256(rest).digest())}"
    assert patch(url, 100, rest, Upload_Checksum=sha256).headers["Upload-File"]


def test_bytes_with_another_checksum_count_for_nothing(student, url, patch, objects, core):
    patch(url, 0, b"some")
    answer = patch(url, 4, CONTENT[4:], status=460, Upload_Checksum=sha1(b"else"))
    assert (answer.status_int, answer.json["code"]) == (460, "checksum_mismatch")
    assert offset(student.client, url) == 4
    assert len(objects()) == 1
    assert rows(core, FileUpload.id) == []


def test_a_broken_body_with_a_checksum_counts_for_nothing(student, url, core, place, objects):
    with hold(core, upload_id(url), student.id) as held, pytest.raises(BadRequest):
        append(core, place, held, Breaking(CONTENT[:4000]), Checksum.of(sha1(CONTENT)))
    assert (offset(student.client, url), objects()) == (0, [])


# Cut off in the middle.


class Breaking:
    """Gives so many bytes, and then says that the caller is gone."""

    def __init__(self, content):
        self.stream = io.BytesIO(content)

    def read(self, size, /):
        chunk = self.stream.read(min(size, 1500))
        if not chunk:
            raise BadRequest("body_incomplete")
        return chunk


def upload_id(url):
    return UUID(url.rpartition("/")[2])


def test_what_came_before_the_cut_is_kept(student, url, patch, core, place):
    with hold(core, upload_id(url), student.id) as held, pytest.raises(BadRequest):
        append(core, place, held, Breaking(CONTENT[:4000]))
    assert offset(student.client, url) == 4000
    patch(url, 4000, CONTENT[4000:])
    file = student.client.get(url).json["fileId"]
    assert student.client.get(f"{FILES}/{file}/content").body == CONTENT


def test_a_body_is_recorded_in_parts(student, url, core, place, monkeypatch):
    """So that a process that is killed in the middle loses the last one only."""
    monkeypatch.setattr(parts, "PART", 1000)
    monkeypatch.setattr(parts, "SMALL", 100)

    class Killed(BaseException):
        pass

    class Killing(Breaking):
        def read(self, size, /):
            if self.stream.tell() > 3500:
                raise Killed
            return self.stream.read(min(size, 300))

    with hold(core, upload_id(url), student.id) as held, pytest.raises(Killed):
        append(core, place, held, Killing(CONTENT))
    assert offset(student.client, url) == 3000
    assert rows(core, UploadPart.start, UploadPart.size) == [(0, 1000), (1000, 1000), (2000, 1000)]
    with hold(core, upload_id(url), student.id) as held:
        append(core, place, held, io.BytesIO(CONTENT[3000:]))
        made = finish(core, place, held, {})
    assert student.client.get(f"{FILES}/{made}/content").body == CONTENT


def test_many_small_requests_make_few_parts(student, url, patch, core, objects, deliver, monkeypatch):
    monkeypatch.setattr(parts, "SMALL", 100)
    for start in range(0, 1000, 10):
        patch(url, start, CONTENT[start : start + 10])
    assert [size for (size,) in rows(core, UploadPart.size)] == [100] * 10
    deliver()
    assert len(objects()) == 10
    patch(url, 1000, CONTENT[1000:])
    assert student.client.get(f"{FILES}/{student.client.get(url).json['fileId']}/content").body == CONTENT


# Two at once.


def test_of_two_writers_one_is_told_to_wait(student, url, patch, core):
    with hold(core, upload_id(url), student.id):
        refused = patch(url, 0, b"some", status=423)
        assert refused.json["code"] == "upload_locked"
        assert int(refused.headers["Retry-After"]) > 0
        student.client.send("DELETE", url, headers=TUS, status=423)
        assert offset(student.client, url) == 0
    patch(url, 0, b"some")


def test_writers_that_race_write_once(student, url, core, place):
    """Eight threads, one lock: whoever has it writes all, the others nothing."""
    begun, outcomes = threading.Barrier(8), []

    def write(number):
        begun.wait()
        try:
            with hold(core, upload_id(url), student.id) as held:
                done.wait()
                append(core, place, held, io.BytesIO(bytes([number]) * held.row.length))
                outcomes.append("written")
        except Locked:
            outcomes.append("locked")
            if outcomes.count("locked") == 7:
                done.set()

    done = threading.Event()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["locked"] * 7 + ["written"]
    assert offset(student.client, url) == LENGTH
    assert rows(core, func.sum(UploadPart.size)) == [(LENGTH,)]


def test_the_lock_of_a_killed_process_runs_out(student, url, patch, core):
    with hold(core, upload_id(url), student.id):
        with core.transaction() as db:
            db.execute(update(Upload).values(locked_until=core.clock() - dt.timedelta(seconds=1)))
        patch(url, 0, b"some")
    assert offset(student.client, url) == 4


def test_whoever_has_lost_the_lock_writes_nothing_any_more(student, url, patch, core, place, objects):
    with hold(core, upload_id(url), student.id) as held:
        with core.transaction() as db:
            db.execute(update(Upload).values(locked_until=core.clock() - dt.timedelta(seconds=1)))
        patch(url, 0, b"some")
        with pytest.raises(Locked):
            append(core, place, held, io.BytesIO(b"else"))
        held._renewed_at -= LEASE
        with pytest.raises(Locked):
            held.renew()
    assert offset(student.client, url) == 4
    assert objects() == [b"some"]


def test_a_lock_is_renewed_while_bytes_come_in(student, url, core):
    with hold(core, upload_id(url), student.id) as held:
        [(before,)] = rows(core, Upload.locked_until)
        held._renewed_at -= LEASE / 2
        held.renew()
        [(after,)] = rows(core, Upload.locked_until)
        assert after > before
    assert rows(core, Upload.locked_by, Upload.locked_until) == [(None, None)]


# Quota.


def test_what_an_upload_claims_counts_until_it_ends(make_app, student, begin):
    client = make_app(lms__files__quota=1000).bearer(student.client.authorization[1])
    url = path_of(begin(900, client=client))
    assert begin(200, client=client, status=413).json["code"] == "quota_exceeded"
    client.send("DELETE", url, headers=TUS, status=204)
    begin(1000, b"a" * 1000, client=client)
    assert begin(1, client=client, status=413).json["code"] == "quota_exceeded"
    assert client.get("/api/v1/users/me").json["storageUsedBytes"] == 1000


def test_a_large_claim_with_few_bytes_does_not_hold_the_quota_for_ever(
    make_app, student, begin, patch, core, run_periodic, deliver, objects
):
    client = make_app(lms__files__quota=2_000_000_000).bearer(student.client.authorization[1])
    url = path_of(begin(2_000_000_000, b"0123456789", client=client))
    assert begin(1, client=client, status=413).json["code"] == "quota_exceeded"
    over = core.clock() - dt.timedelta(seconds=1)
    with core.transaction() as db:
        db.execute(update(Upload).values(expires_at=over))
        db.execute(update(FileClaim).values(expires_at=over))
    begin(2_000_000_000, client=client)
    for gone in (patch(url, 10, b"x", status=404), head(client, url, status=404)):
        assert "Upload-Offset" not in gone.headers
    run_periodic("files.forget_uploads")
    deliver()
    assert (len(rows(core, Upload.id)), objects()) == (1, [])


def test_a_claim_of_an_upload_outlives_the_clean_up(begin, core, run_periodic):
    begin(900)
    run_periodic("files.purge")
    run_periodic("files.forget_uploads")
    assert rows(core, FileClaim.size) == [(900,)]


def test_nobody_begins_uploads_without_end(begin, monkeypatch):
    monkeypatch.setattr(service, "MAX_UNFINISHED", 3)
    urls = [path_of(begin(1)) for _each in range(3)]
    assert begin(1, status=409).json["code"] == "too_many_uploads"
    assert len(urls) == 3


# The end.


def test_ending_an_upload_forgets_its_bytes(student, url, patch, core, objects, deliver):
    patch(url, 0, b"some")
    student.client.send("DELETE", url, headers=TUS, status=204)
    deliver()
    head(student.client, url, status=404)
    patch(url, 4, b"more", status=404)
    assert objects() == rows(core, FileClaim.id) == rows(core, UploadPart.id) == []


def test_the_file_stays_when_its_upload_is_ended(student, url, patch):
    made = patch(url, 0, CONTENT).headers["Upload-File"].removeprefix("http://localhost")
    student.client.send("DELETE", url, headers=TUS, status=204)
    assert student.client.get(f"{made}/content").body == CONTENT


def test_a_storage_that_is_down_keeps_what_there_was(student, url, patch, registry, monkeypatch, tmp_path):
    patch(url, 0, b"some")
    (tmp_path / "store").write_text("not a folder")
    with monkeypatch.context() as broken:
        broken.setattr(registry, "storage", LocalStorage(tmp_path / "store"))
        assert patch(url, 4, CONTENT[4:], status=503).json["code"] == "storage_unavailable"
        assert offset(student.client, url) == 4
    patch(url, 4, CONTENT[4:])


def test_what_was_all_there_and_made_no_file_is_made_one_later(
    student, url, core, place, registry, run_periodic, monkeypatch, tmp_path
):
    """The process was killed, or the storage down, between the last byte and the file."""
    with hold(core, upload_id(url), student.id) as held:
        append(core, place, held, io.BytesIO(CONTENT))
    assert student.client.get(url).json["fileId"] is None
    (tmp_path / "store").write_text("not a folder")
    with monkeypatch.context() as broken:
        broken.setattr(registry, "storage", LocalStorage(tmp_path / "store"))
        run_periodic("files.finish_uploads")
    assert student.client.get(url).json["fileId"] is None
    for _time in range(2):
        run_periodic("files.finish_uploads")
    assert student.client.get(f"{FILES}/{student.client.get(url).json['fileId']}/content").body == CONTENT
    assert len(rows(core, FileUpload.id)) == 1


def test_the_last_request_sent_again_makes_the_file(student, url, core, place, patch):
    with hold(core, upload_id(url), student.id) as held:
        append(core, place, held, io.BytesIO(CONTENT))
    made = patch(url, LENGTH, b"").headers["Upload-File"]
    assert patch(url, LENGTH, b"").headers["Upload-File"] == made
    assert len(rows(core, FileUpload.id)) == 1


def test_an_upload_is_scanned_like_any_file(student, url, patch, registry, monkeypatch):
    monkeypatch.setattr(registry, "scanners", (object(),))
    patch(url, 0, CONTENT)
    assert student.client.get(f"{FILES}/{student.client.get(url).json['fileId']}").json["scanStatus"] == "pending"


def test_parts_are_read_from_where_they_were_written(student, url, core, registry, settings, tmp_path):
    """The backend for new files is another one when the upload goes on."""

    class Attic(LocalStorage):
        name = "attic"

    attic = Attic(tmp_path / "attic")

    class Both(Storages):
        def of(self, provider):
            return attic if provider == "attic" else registry.storage

    both = Both((), settings)
    with hold(core, upload_id(url), student.id) as held:
        append(core, Place(both, attic, scan=False), held, io.BytesIO(CONTENT[:50]))
        append(core, Place(both, registry.storage, scan=False), held, io.BytesIO(CONTENT[50:]))
        made = finish(core, Place(both, registry.storage, scan=False), held, {})
    assert student.client.get(f"{FILES}/{made}/content").body == CONTENT


def test_browsers_of_other_origins_may_speak_the_protocol(make_app):
    app = make_app(lms__cors__origins=("https://learn.example.org",))
    asked = {"Origin": "https://learn.example.org", "Access-Control-Request-Method": "PATCH"}
    answer = app.send("OPTIONS", UPLOADS, headers=asked)
    allowed = answer.headers["Access-Control-Allow-Headers"]
    for name in ("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum"):
        assert name in allowed
    seen = app.send("OPTIONS", UPLOADS, headers={"Origin": "https://learn.example.org"})
    assert "Upload-Offset" in seen.headers["Access-Control-Expose-Headers"]


def test_asking_by_head_is_an_operation_of_its_own(app, student, url):
    path = app.get("/api/v1/openapi.json").json["paths"]["/api/v1/uploads/{uploadId}"]
    asked = path["head"]
    [version] = [each for each in asked["parameters"] if each.get("name") == "Tus-Resumable"]
    assert version["required"] is True
    assert {"Upload-Offset", "Upload-Length", "Upload-Expires"} <= asked["responses"]["200"]["headers"].keys()
    assert "content" not in asked["responses"]["200"]
    assert "412" in asked["responses"]
    assert "412" not in path["get"]["responses"]
    assert head(student.client, url, status=200).body == b""
    assert student.client.get(url).json["offset"] == 0, "who reads the representation speaks no tus"
