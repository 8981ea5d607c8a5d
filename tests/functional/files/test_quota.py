"""What a person's files may take: nobody gets past it, and nothing is held for ever."""

import datetime as dt
import io
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from lms_core.files.body import Body
from lms_core.files.claims import LEASE, claim, claimed, settle
from lms_core.files.models import FileClaim, FileUpload
from lms_core.files.service import receive_file
from lms_core.kernel.errors import TooLarge

FILES = "/api/v1/files"
QUOTA = 1000


@pytest.fixture
def small(make_app):
    """Callers of an application with a quota of 1,000 bytes, 3,000 for teachers."""
    app = make_app(lms__files__quota=QUOTA, lms__files__teacher_quota=3 * QUOTA)
    return lambda person: app.bearer(person.client.authorization[1])


class Undo(Exception):
    pass


def upload(client, size, status=201, claims=None):
    return client.send("POST", FILES, b"a" * size, length=claims or size, status=status)


def test_the_quota_is_what_all_files_take(small, student):
    client = small(student)
    upload(client, 600)
    first = upload(client, 400).json
    refused = upload(client, 1, 413).json
    assert (refused["code"], refused["quota"], refused["left"]) == ("quota_exceeded", QUOTA, 0)
    client.delete(f"{FILES}/{first['id']}")
    refused = upload(client, 401, 413).json
    assert (refused["code"], refused["left"]) == ("quota_exceeded", 400)
    upload(client, 400)
    assert client.get("/api/v1/users/me").json["storageUsedBytes"] == 1000


def test_everybody_has_their_own_and_teachers_more(small, student, instructor, make_person):
    upload(small(student), QUOTA)
    upload(small(make_person("student")), QUOTA)
    upload(small(instructor), 3 * QUOTA)
    assert upload(small(instructor), 1, 413).json["quota"] == 3 * QUOTA


def test_a_quota_of_none_is_no_limit(make_app, student):
    upload(make_app(lms__files__quota=0).bearer(student.client.authorization[1]), 5000)


def test_a_claim_without_its_bytes_holds_nothing(small, student, nothing_left):
    client = small(student)
    assert upload(client, 10, 400, claims=900).json["code"] == "body_incomplete"
    nothing_left()
    upload(client, QUOTA)


def test_of_uploads_at_once_those_get_through_that_fit(core, student):
    """Each of eight claims 300 of 1,000 bytes, and none is done before all have asked."""
    asked, outcomes = threading.Barrier(8), []

    def one():
        try:
            with claimed(core, student.id, 300, QUOTA):
                outcomes.append("claimed")
                asked.wait()
        except TooLarge as error:
            outcomes.append(error.code)
            asked.wait()

    threads = [threading.Thread(target=one) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("claimed"), outcomes.count("quota_exceeded")) == (3, 5)


def test_what_a_killed_process_claimed_is_free_again_after_a_while(core, small, student):
    now = core.clock()
    with core.transaction() as db:
        claim(db, student.id, QUOTA, QUOTA, now, now + LEASE)
    client = small(student)
    assert upload(client, 1, 413).json["code"] == "quota_exceeded"
    with core.transaction() as db:
        db.execute(update(FileClaim).values(expires_at=now - dt.timedelta(seconds=1)))
    upload(client, QUOTA)


def test_expired_claims_are_forgotten(core, student, run_periodic):
    now = core.clock()
    with core.transaction() as db:
        claim(db, student.id, 1, 0, now, now - dt.timedelta(seconds=1))
        kept = claim(db, student.id, 2, 0, now, now + LEASE)
    run_periodic("files.purge")
    with core.transaction() as db:
        assert db.scalars(select(FileClaim.id)).all() == [kept]


def test_a_claim_is_renewed_while_bytes_come_in(core, student):
    with claimed(core, student.id, 300, QUOTA) as made:
        expiry = select(FileClaim.expires_at).where(FileClaim.id == made.id)
        with core.transaction() as db:
            before = db.scalar(expiry)
        made._renewed_at -= LEASE / 2
        made.renew()
        with core.transaction() as db:
            assert db.scalar(expiry) > before
            settle(db, made.id)


def test_a_file_and_the_end_of_its_claim_are_one(core, registry, student, nothing_left):
    """Where the file cannot be recorded, the claim is given back by itself."""

    person = SimpleNamespace(user_id=student.id, principals=frozenset())
    with suppress(Undo), core.transaction() as db:
        receive_file(db, core, registry.storage, person, Body("a", io.BytesIO(b"some"), 4), scan=False)
        with core.transaction() as other:
            assert other.scalars(select(FileUpload.id)).all() == []
            assert other.scalars(select(FileClaim.size)).all() == [4]
        raise Undo
    # Rolled back after all was done: the file is gone with its object, and the claim expires.
    with core.transaction() as db:
        assert db.scalars(select(FileUpload.id)).all() == []
        db.execute(update(FileClaim).values(expires_at=core.clock()))
