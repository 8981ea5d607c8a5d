"""Migrations that change what is there already, on databases that have something."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from lms_core.kernel import migrations
from lms_core.kernel.db import normal_url


@pytest.fixture
def before(empty_database_url: str) -> Iterator[Any]:
    """``before("0040_payments")`` answers a connection in autocommit to a database of that revision."""
    engine = create_engine(normal_url(empty_database_url), isolation_level="AUTOCOMMIT")

    def make(revision: str) -> Connection:
        migrations.upgrade(empty_database_url, revision=revision)
        return engine.connect()

    yield make
    engine.dispose()


# Two courses; the first has six published lessons in three modules, one of them only in the draft, and four students.
FILL = """
INSERT INTO users (email, password_hash, first_name, last_name)
SELECT 'person-' || n || '@example.org', '-', 'Person', n::text FROM generate_series(0, 4) AS n;
INSERT INTO courses (code, title, slug, instructor_id, is_published)
SELECT 'C' || n, 'Course ' || n, 'course-' || n, (SELECT id FROM users WHERE last_name = '0'), n = 1
FROM generate_series(1, 2) AS n;
INSERT INTO modules (course_id, title, order_index)
SELECT courses.id, 'Module ' || n, n FROM courses, generate_series(0, 2) AS n;
INSERT INTO lessons (module_id, title, content_type, order_index, min_seconds)
SELECT modules.id, modules.title || '.' || n, 'text', n, 0 FROM modules, generate_series(0, 2) AS n;
INSERT INTO course_versions (course_id, number, lessons_total) SELECT id, 1, 6 FROM courses WHERE code = 'C1';
UPDATE courses SET version_id = course_versions.id FROM course_versions WHERE course_id = courses.id;
INSERT INTO version_modules (version_id, module_id, title, place, lessons_total)
SELECT course_versions.id, modules.id, modules.title, order_index, 2
FROM modules JOIN course_versions USING (course_id);
INSERT INTO lesson_revisions (lesson_id, digest, title, content_type)
SELECT lessons.id, lessons.id::text, lessons.title, content_type FROM lessons WHERE order_index < 2;
INSERT INTO version_lessons (version_id, lesson_id, module_id, place, revision_id)
SELECT version_id, lessons.id, lessons.module_id, lessons.order_index, lesson_revisions.id
FROM lesson_revisions JOIN lessons ON lessons.id = lesson_id JOIN version_modules USING (module_id);
INSERT INTO enrollments (user_id, course_id, lessons_total)
SELECT users.id, courses.id, 6 FROM users, courses WHERE last_name <> '0' AND code = 'C1';
"""
"""Modules and lessons are numbered from 0 in their titles, people by their last names."""

PROGRESS = text(
    """
    INSERT INTO lesson_progress (user_id, lesson_id, enrollment_id, status, started_at, completed_at,
                                 time_spent_seconds, last_position)
    SELECT users.id, lessons.id, enrollments.id, :status,
           CASE WHEN :status <> 'not_started' THEN timestamptz '2026-01-01 00:00:00Z' + :at * interval '1 hour' END,
           CASE WHEN :status = 'completed' THEN now() END, :seconds, 7
    FROM users JOIN enrollments ON user_id = users.id
    JOIN modules ON modules.course_id = enrollments.course_id JOIN lessons ON module_id = modules.id
    WHERE users.last_name = :person AND lessons.title = :lesson
    """
)


def fill(db: Connection, *progress: tuple[str, str, str, int, int]) -> None:
    """``progress`` are person, lesson, status, seconds, and the hour of the start."""
    for statement in FILL.strip().split(";\n"):
        db.execute(text(statement))
    for person, lesson, status, seconds, hour in progress:
        row = {"person": person, "lesson": lesson, "status": status, "seconds": seconds, "at": hour}
        db.execute(PROGRESS, row)


RECOUNT = text(
    """
    SELECT users.last_name AS person, modules.title AS module, kept.lessons_total, kept.lessons_completed,
           kept.time_spent_seconds, kept.started_at IS NOT NULL AS begun,
           (SELECT count(*) FROM version_lessons AS l WHERE l.module_id = v.module_id AND l.version_id = v.version_id)
               AS total,
           count(p.id) FILTER (WHERE p.status = 'completed') AS done,
           count(p.id) FILTER (WHERE p.started_at IS NOT NULL) AS started
    FROM enrollments JOIN users ON users.id = user_id JOIN courses ON courses.id = course_id
    JOIN version_modules AS v ON v.version_id = courses.version_id JOIN modules ON modules.id = v.module_id
    JOIN version_lessons AS l ON l.version_id = v.version_id AND l.module_id = v.module_id
    LEFT JOIN lesson_progress AS p ON p.lesson_id = l.lesson_id AND p.user_id = users.id
    LEFT JOIN module_progress AS kept ON kept.module_id = v.module_id AND kept.user_id = users.id
    GROUP BY users.last_name, modules.title, kept.id, v.module_id, v.version_id ORDER BY 1, 2
    """
)


def test_whoever_was_in_a_module_when_time_came_to_be_counted_has_a_place_for_it(
    before: Any, empty_database_url: str
) -> None:
    db = before("0040_payments")
    fill(
        db,
        ("1", "Module 0.0", "completed", 0, 1), ("1", "Module 0.1", "in_progress", 0, 2),
        ("2", "Module 1.0", "in_progress", 0, 1), ("2", "Module 1.1", "in_progress", 0, 2),
        ("3", "Module 0.2", "in_progress", 0, 1), ("3", "Module 2.0", "not_started", 0, 1),
    )  # fmt: skip
    db.execute(
        text(
            """
            INSERT INTO module_progress (user_id, module_id, enrollment_id, lessons_total, lessons_completed,
                                         completion_percentage, started_at)
            SELECT users.id, modules.id, enrollments.id, 2, 1, 50, now() FROM enrollments
            JOIN users ON users.id = user_id JOIN modules USING (course_id)
            WHERE users.last_name = '1' AND modules.title = 'Module 0'
            """
        )
    )
    db.close()
    migrations.upgrade(empty_database_url)
    with before("heads") as db:
        rows = db.execute(RECOUNT).all()
        assert len(rows) == 12
        kept = {(row.person, row.module) for row in rows if row.lessons_total is not None}
        assert kept == {("1", "Module 0"), ("2", "Module 1")} == {(r.person, r.module) for r in rows if r.started}
        for row in rows:
            if row.lessons_total is not None:
                counted = (row.lessons_total, row.lessons_completed, row.time_spent_seconds)
                assert counted == (row.total, row.done, 0)
        seen = db.execute(text("SELECT DISTINCT seen::text, finished, last_position FROM lesson_progress")).all()
        assert seen == [("{}", False, 7)]
    migrations.downgrade(empty_database_url, revision="0040_payments")
    migrations.upgrade(empty_database_url)


def test_notes_and_bookmarks_keep_their_words(before: Any, empty_database_url: str) -> None:
    marks = f"""[{{"id": "{uuid.uuid4()}", "position": 12, "note": "Here", "createdAt": "2026-01-02T00:00:00Z"}},
                 {{"position": "x"}}, 7]"""
    db = before("0046_invitations")
    fill(db, ("1", "Module 0.0", "in_progress", 0, 1), ("2", "Module 0.0", "in_progress", 0, 1),
         ("3", "Module 0.0", "in_progress", 0, 1))  # fmt: skip
    change = text(
        "UPDATE lesson_progress SET notes = :notes, bookmarks = CAST(:marks AS jsonb)"
        " FROM users WHERE users.id = user_id AND last_name = :person"
    )
    db.execute(change, [{"person": "1", "notes": " Words. ", "marks": marks},
                        {"person": "2", "notes": " ", "marks": '{"no": "list"}'}])  # fmt: skip
    db.close()
    migrations.upgrade(empty_database_url)
    with before("heads") as db:
        found = db.execute(
            text("SELECT last_name, kind, position, text FROM lesson_annotations JOIN users ON users.id = user_id")
        ).all()
    assert sorted(found, key=str) == [
        ("1", "bookmark", 12, "Here"), ("1", "bookmark", None, ""), ("1", "note", None, "Words."),
    ]  # fmt: skip
    migrations.downgrade(empty_database_url, revision="0046_invitations")
    with before("0046_invitations") as db:
        back = db.execute(text("SELECT notes, jsonb_array_length(bookmarks) FROM lesson_progress")).all()
    assert sorted(back, key=str) == [("Words.", 2), (None, 0), (None, 0)]


def test_a_published_course_is_as_long_as_its_version(before: Any, empty_database_url: str) -> None:
    db = before("0048_vouchers_of_courses")
    fill(db)
    db.execute(text("UPDATE version_modules SET estimated_duration_minutes = 10 WHERE title <> 'Module 2'"))
    db.execute(text("UPDATE courses SET duration_minutes = 609"))
    touched = text("SELECT updated_at FROM courses ORDER BY code")
    before_that = db.scalars(touched).all()
    db.close()
    migrations.upgrade(empty_database_url)
    with before("heads") as db:
        kept = db.execute(text("SELECT code, published_minutes, duration_minutes FROM courses ORDER BY code")).all()
        assert db.scalars(touched).all() == before_that
    assert kept == [("C1", 20, 609), ("C2", 0, 609)]


CODES = """
INSERT INTO courses (code, title, slug, instructor_id, created_at, is_published, prerequisites, deleted_at)
SELECT code, title, lower(title), (SELECT id FROM users WHERE last_name = '0'), made::timestamptz, published, needs,
       gone
FROM (VALUES ('BIO-1', 'Old', '2026-01-01', false, '{}'::text[], NULL::timestamptz),
             ('bio-1', 'Published', '2026-01-02', true, '{BIO-1,Bio-1}', NULL),
             ('Bio-1', 'Young', '2026-01-03', false, '{bio-1}', NULL),
             ('bIO-1', 'Gone', '2026-01-01', true, '{}', now()),
             ('BIO-1-2', 'Second', '2026-01-01', false, '{BIO-1}', NULL),
             ('ART', 'Other', '2026-01-01', false, '{Bio-1}', NULL))
     AS given (code, title, made, published, needs, gone);
"""


def test_codes_that_differ_by_their_capitals_are_numbered(before: Any, empty_database_url: str) -> None:
    db = before("0057_forgotten_annotations")
    fill(db)
    db.execute(text(CODES))
    db.close()
    migrations.upgrade(empty_database_url)
    with before("heads") as db:
        rows = db.execute(text("SELECT title, code, prerequisites FROM courses WHERE title NOT LIKE 'Course%'")).all()
    assert {row.title: (row.code, row.prerequisites) for row in rows} == {
        "Published": ("bio-1", ["BIO-1-3", "Bio-1-4"]),
        "Old": ("BIO-1-3", []),
        "Young": ("Bio-1-4", ["bio-1"]),
        "Gone": ("bIO-1", []),
        "Second": ("BIO-1-2", ["BIO-1-3"]),
        "Other": ("ART", ["Bio-1-4"]),
    }
    migrations.downgrade(empty_database_url, revision="0057_forgotten_annotations")
    migrations.upgrade(empty_database_url)
