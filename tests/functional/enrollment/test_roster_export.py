"""Rosters as files: the same students as the list shows, no more than the caller may see, nothing that runs."""

import csv
import io
import re
import tracemalloc

import openpyxl
import pytest
from sqlalchemy import insert, select, update

from lms_core.accounts.models import User
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.rosters import queries, sheets
from lms_core.kernel.models import AuditLog

HOSTILE = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1")  # noqa: RUF001


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/enrollments/export"


@pytest.fixture
def ada(make_person, take, core):
    person = make_person(first_name="Ada", last_name="Lovelace, Countess")
    take(person)
    with core.transaction() as db:
        db.execute(update(Enrollment).values(grade="A", grade_points=95, progress_percentage=12.5))
    return person


def read_csv(answer):
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


def read_xlsx(answer):
    sheet = openpyxl.load_workbook(io.BytesIO(answer.body), read_only=True).worksheets[0]
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_csv_says_what_the_list_says(instructor, course, url, ada):
    answer = instructor.client.get(url)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f'attachment; filename="{course.slug}-students.csv"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body.startswith(b"\xef\xbb\xbf")
    [row] = read_csv(answer)
    expected = {
        "Last name": "Lovelace, Countess", "First name": "Ada", "E-mail address": ada.email, "State": "active",
        "Progress in percent": "12.50", "Grade": "A", "Grade points": "95.00", "Lessons in all": "2", "From (UTC)": "",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row["Enrolled (UTC)"].endswith("Z")
    assert not instructor.client.get(f"{url}?bom=false").body.startswith(b"\xef\xbb\xbf")


def test_a_workbook_has_numbers_and_times(instructor, url, ada):
    answer = instructor.client.get(f"{url}?format=xlsx")
    assert answer.headers["Content-Type"].endswith("spreadsheetml.sheet")
    [row] = read_xlsx(answer)
    assert (row["Progress in percent"], row["Grade points"], row["E-mail address"]) == (12.5, 95, ada.email)
    assert row["Enrolled (UTC)"].year >= 2024
    assert row["Display name"] is None


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_text_is_taken_for_a_formula(core, instructor, make_person, take, url, form):
    for text in HOSTILE:
        person = make_person()
        take(person)
        with core.transaction() as db:
            db.execute(update(User).where(User.id == person.id).values(first_name=text, display_name=text))
    answer = instructor.client.get(f"{url}?format={form}")
    if form == "csv":
        cells = [row["First name"] for row in read_csv(answer)]
        assert sorted(cells) == sorted(f"'{text}".replace("\t=", "\t'=") for text in HOSTILE)
    else:
        book = openpyxl.load_workbook(io.BytesIO(answer.body))
        kinds = {cell.data_type for row in book.worksheets[0].iter_rows(min_row=2) for cell in row}
        assert "f" not in kinds
        assert [row["Display name"].strip().removeprefix("_x000D_") for row in read_xlsx(answer)] == [
            text.strip() for text in HOSTILE
        ]


def test_no_text_begins_a_cell_of_its_own(core, instructor, make_person, take, url):
    """Where a program splits the file at semicolons or tabs, whatever the commas and quotes say."""
    names = {
        "Reed;=1+1;": "Reed;'=1+1;", 'Reed"; @SUM(A1)': "Reed\"; '@SUM(A1)", "Reed\t-1": "Reed\t'-1",
        "Reed|+1": "Reed|'+1", "Reed; Jr.": "Reed; Jr.", "Reed-Smith, a=b": "Reed-Smith, a=b",
    }  # fmt: skip
    for name in names:
        person = make_person()
        take(person)
        with core.transaction() as db:
            db.execute(update(User).where(User.id == person.id).values(last_name=name))
    answer = instructor.client.get(url)
    assert {row["Last name"] for row in read_csv(answer)} == set(names.values())
    for line in answer.body.decode("utf-8-sig").splitlines():
        for cell in re.split(r"[;,\t|]", line):
            assert not cell.strip(' "').startswith(("=", "+", "-", "@")), line


def test_contact_data_is_for_who_may_see_it_and_every_download_is_kept(core, instructor, assist, url, ada):
    helper = assist()
    for form in ("csv", "xlsx"):
        for person, sees in ((instructor, True), (helper, False)):
            answer = person.client.get(f"{url}?format={form}&status=active")
            [row] = (read_csv if form == "csv" else read_xlsx)(answer)
            assert ("E-mail address" in row) == sees
            assert (ada.email in str(row.values())) == sees
            assert row["Last name"] == "Lovelace, Countess"
    needle = ada.email.split("@")[0]
    assert read_csv(helper.client.get(f"{url}?search={needle}")) == []
    with core.reader() as db:
        kept = select(AuditLog.user_id, AuditLog.new_values).where(AuditLog.action == "rosters.export")
        rows = db.execute(kept.order_by(AuditLog.created_at)).all()
    assert len(rows) == 5
    assert rows[0] == (instructor.id, {"status": ["active"], "format": "csv", "contact": True})
    assert rows[-1].new_values == {"search": needle, "format": "csv", "contact": False}


def test_who_may_not_download(app, make_person, assist, url, ada, core):
    app.get(url, status=401)
    for person in (make_person(), make_person("instructor"), ada, assist(rosters_read=False)):
        person.client.get(url, status=403)
    for query in ("format=pdf", "status=gone", "sort=name", "page=1", "bom=maybe"):
        assist().client.get(f"{url}?{query}", status=422)
    with core.reader() as db:
        assert db.execute(select(AuditLog.id).where(AuditLog.action == "rosters.export")).all() == []


def test_the_filters_are_the_lists_and_the_words_the_readers(core, make_person, instructor, take, url, ada):
    other = make_person(first_name="Grace", last_name="Hopper")
    instructor.client.post_json(f"{take(other)}/suspend", {})
    assert [row["Last name"] for row in read_csv(instructor.client.get(f"{url}?status=suspended"))] == ["Hopper"]
    assert [row["First name"] for row in read_xlsx(instructor.client.get(f"{url}?search=ada&format=xlsx"))] == ["Ada"]
    assert read_xlsx(instructor.client.get(f"{url}?search=nobody&format=xlsx")) == []
    with core.transaction() as db:
        db.execute(update(User).where(User.id == instructor.id).values(preferred_language="de"))
    assert read_csv(instructor.client.get(url))[0]["Nachname"] == "Lovelace, Countess"


def fill(core, course, number):
    """Students by the hundred, in one statement each."""
    with core.transaction() as db:
        people = [{"email": f"n{n}@example.org", "password_hash": "x", "first_name": f"N{n}", "last_name": "Name"}
                  for n in range(number)]  # fmt: skip
        made = db.scalars(insert(User).returning(User.id), people).all()
        # One moment for all: only the ids tell them apart.
        db.execute(insert(Enrollment), [{"user_id": user, "course_id": course.id} for user in made])


def test_batches_leave_nobody_out_and_name_nobody_twice(core, course):
    fill(core, course, 25)
    rows = list(queries.all_students(core, course.id, {}, contact=True, at_once=10))
    assert sorted(row.student_email for row in rows) == sorted(f"n{n}@example.org" for n in range(25))
    assert len(list(queries.all_students(core, course.id, {}, contact=True, at_once=25))) == 25


def test_no_connection_is_held_while_somebody_receives(core, course):
    fill(core, course, 30)
    rows = queries.all_students(core, course.id, {}, contact=True, at_once=10)
    next(rows)
    assert core.readers.pool.checkedout() == 0
    rows.close()


def test_memory_does_not_grow_with_the_roster(core, course):
    fill(core, course, 3_000)
    names = sheets.columns(contact=True)

    def most(number):
        rows = queries.all_students(core, course.id, {}, contact=True, at_once=500)
        some = (row for row, _number in zip(rows, range(number), strict=False))
        tracemalloc.start()
        for _piece in sheets.csv_pieces(some, names, str, bom=True):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(500)
    assert most(3_000) < 1.5 * most(1_000)


def test_a_long_roster_goes_on_in_another_sheet(core, course, monkeypatch):
    fill(core, course, 7)
    monkeypatch.setattr(sheets, "_SHEET", 3)
    rows = queries.all_students(core, course.id, {}, contact=True)
    with sheets.xlsx_file(rows, sheets.columns(contact=True), str) as file:
        book = openpyxl.load_workbook(file)
    assert [sheet.max_row for sheet in book.worksheets] == [4, 4, 2]
