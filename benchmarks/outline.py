"""The outline of a completed course of 500 lessons: as fast with 10,000 students as with 10, and nearly as a small one.

Three courses of one installation, all completed by all of their students; one student takes all three. Each request
goes to them in turn, in several rounds, and the middle round counts, as in ``scale``. Ends with 1 where a ratio is
above its bound.
"""

import statistics
import subprocess
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg

from benchmarks import load, server
from lms_core.demo import Demo, catalog, copy, numbered, people
from lms_core.kernel import embedded

PORT = server.free_port()
ROUNDS = 5
TURNS = 80
WARM = 20


@dataclass(frozen=True, slots=True)
class Size:
    """Of a course: its modules, the lessons of each, and its students."""

    modules: int
    lessons: int
    students: int

    @property
    def total(self) -> int:
        return self.modules * self.lessons


SMALL, FEW, MANY = SIZES = (Size(4, 5, 10), Size(25, 20, 10), Size(25, 20, 10_000))
STUDENTS_BOUND = 1.5
"""10,000 students against 10."""
LESSONS_BOUND = 2.0
"""500 lessons against 20, which are a 25th of what there is to send."""

# The rows are as the services would have made them; five million of them would take these hours.
_COMPLETED = """
SET session_replication_role = replica;
INSERT INTO enrollments (user_id, course_id, status, started_at, completed_at, lessons_total, lessons_completed,
                         progress_percentage)
SELECT users.id, courses.id, 'completed', now(), now(), versions.lessons_total, versions.lessons_total, 100
FROM course_versions AS versions
JOIN courses ON courses.version_id = versions.id
JOIN (VALUES {sizes}) AS sizes (course_id, first, students) ON sizes.course_id = courses.id
JOIN (SELECT id, substring(email FROM '[0-9]+')::integer AS number FROM users WHERE email LIKE 'student-%') AS users
    ON users.number >= sizes.first AND users.number < sizes.first + sizes.students;
INSERT INTO module_progress (user_id, module_id, enrollment_id, lessons_total, lessons_completed,
                             completion_percentage, started_at, completed_at)
SELECT user_id, module_id, enrollments.id, modules.lessons_total, modules.lessons_total, 100, now(), now()
FROM enrollments
JOIN courses ON courses.id = course_id
JOIN version_modules AS modules ON modules.version_id = courses.version_id;
INSERT INTO lesson_progress (user_id, lesson_id, enrollment_id, status, started_at, completed_at,
                             completion_percentage)
SELECT user_id, lesson_id, enrollments.id, 'completed', now(), now(), 100
FROM enrollments
JOIN courses ON courses.id = course_id
JOIN version_lessons AS lessons ON lessons.version_id = courses.version_id;
"""


def main() -> None:
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="lms-bench-") as name, embedded.server(Path(name)) as url:
        try:
            environ, token = server.install(Path(name), url, _fill)
            processes.append(server.serve(Path(name), {**environ, "LMS_WEB_WORKERS": "1"}, PORT))
            server.wait_for(PORT, token)
            _measure(token)
        finally:
            server.stop(processes)


def _fill(demo: Demo) -> object:
    people.copy_people(demo, "instructor", 1)
    people.copy_people(demo, "student", max(size.students for size in SIZES))
    catalog.copy_courses(demo, len(SIZES), 1)
    for course, size in enumerate(SIZES):
        copy_content(demo, course, size)
    catalog.publish_many(demo, len(SIZES))
    complete(demo, [(0, size) for size in SIZES])
    return numbered("student", 0)


def complete(demo: Demo, courses: Sequence[tuple[int, Size]]) -> None:
    """Have each course completed by its students, who are numbered from the first of them on."""
    sizes = ", ".join(
        f"('{numbered('course', course)}'::uuid, {first}, {size.students})"
        for course, (first, size) in enumerate(courses)
    )
    url = demo.core.settings.text("sqlalchemy.url")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _COMPLETED.format(sizes=sizes).split(";\n"):
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")


def copy_content(demo: Demo, course: int, size: Size) -> None:
    """The draft of a course: modules one after the other, of lessons to read."""
    copy(
        demo, "Modules", "modules", ("id", "course_id", "title", "order_index", "unlock_type"), size.modules,
        lambda n: (
            numbered(f"module of {course}", n), numbered("course", course), f"Part {n + 1}", n, "sequential",
        ),
    )  # fmt: skip
    copy(
        demo, "Lessons", "lessons",
        ("id", "module_id", "title", "content_type", "content", "order_index", "duration_minutes"), size.total,
        lambda n: (
            numbered(f"lesson of {course}", n), numbered(f"module of {course}", n // size.lessons),
            f"Lesson {n % size.lessons + 1} of part {n // size.lessons + 1}", "text", {"html": "<p>Words.</p>"},
            n % size.lessons, 5,
        ),
    )  # fmt: skip


def _check(path: str, header: dict[str, str], size: Size) -> None:
    """What is measured is the outline of a completed course."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers=header)  # Our own server.
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        modules = orjson.loads(answer.read())["modules"]
    states = [lesson["state"] for module in modules for lesson in module["lessons"]]
    if states != ["completed"] * size.total:
        raise SystemExit(f"{path} is no outline of {size.total} completed lessons")


def _measure(token: str) -> None:
    header = {"Authorization": f"Bearer {token}"}
    paths = [f"/api/v1/courses/{numbered('course', course)}/outline" for course in range(len(SIZES))]
    for path, size in zip(paths, SIZES, strict=True):
        _check(path, header, size)
    requests = [load.request_bytes(path, header) for path in paths]
    line = load.Line(PORT)

    def take_turns(turns: int) -> list[float]:
        took = [[line.ask(request) for request in requests] for _turn in range(turns)]
        return [statistics.median(times) * 1000 for times in zip(*took, strict=True)]

    take_turns(WARM)
    rounds = [take_turns(TURNS) for _round in range(ROUNDS)]
    line.close()
    for size, times in zip(SIZES, zip(*rounds, strict=True), strict=True):
        print(f"{size.total:>4} lessons, {size.students:>6,} students {statistics.median(times):>8.2f} ms")
    small, _few, many = (statistics.median(times) for times in zip(*rounds, strict=True))
    students = statistics.median(large / little for _small, little, large in rounds)
    lessons = statistics.median(large / little for little, _few, large in rounds)
    more = (many - small) * 1000 / (MANY.total - SMALL.total)
    print(f"10,000 students cost {students:.2f} times what 10 do, 500 lessons {lessons:.2f} times what 20 do")
    print(f"each lesson more costs {more:.1f} µs")
    if students > STUDENTS_BOUND or lessons > LESSONS_BOUND:
        raise SystemExit(f"the bounds are {STUDENTS_BOUND} and {LESSONS_BOUND}")


if __name__ == "__main__":
    main()
