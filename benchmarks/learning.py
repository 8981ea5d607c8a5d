"""Learning in a course of 500 lessons and 10,000 students, against one of 10 lessons and 20 students.

Both courses are of one installation, and completed by all of their students but for what is to be measured: of each
course one student has completed all, one has the last lesson before them, and one completes lessons again and again,
what was completed being undone in between. Each request goes to the one course and to the other in turn, in several
rounds, and the middle round counts, as in ``scale``. Ends with 1 where a ratio is above the bound.
"""

import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import load, server
from benchmarks.outline import Size, complete, copy_content
from lms_core.demo import Demo, catalog, numbered, people
from lms_core.kernel import embedded
from lms_core.testing.accounts import bearer

PORT = server.free_port()
ROUNDS = 5
TURNS = 60
WARM = 20
BOUND = 1.5

SMALL, LARGE = SIZES = (Size(2, 5, 20), Size(25, 20, 10_000))
FIRST = (0, SMALL.students)
"""The number of the first student of each course."""
DONE, NEARLY, AGAIN = range(3)
"""Of each course's students: who has completed it, who has one lesson to do, who does lessons over and over."""

_OPEN = """
WITH opened AS (
    UPDATE lesson_progress SET status = 'in_progress', completed_at = NULL, completion_percentage = 0
    WHERE user_id = %(student)s AND lesson_id = ANY (%(lessons)s)
), module AS (
    UPDATE module_progress SET lessons_completed = lessons_total - %(count)s, completed_at = NULL,
                               completion_percentage = (lessons_total - %(count)s) * 100.0 / lessons_total
    WHERE user_id = %(student)s AND module_id = %(module)s
)
UPDATE enrollments SET status = 'active', completed_at = NULL, continue_lesson_id = %(lesson)s,
                       lessons_completed = lessons_total - %(count)s,
                       progress_percentage = trunc((lessons_total - %(count)s) * 100.0 / lessons_total, 2)
WHERE user_id = %(student)s AND course_id = %(course)s
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of both courses."""

    course: int
    size: Size
    tokens: Sequence[str]
    """Of its three students."""

    def lesson(self, from_the_end: int) -> str:
        """The path of a lesson; 1 is the last one."""
        return f"/api/v1/lessons/{numbered(f'lesson of {self.course}', self.size.total - from_the_end)}"

    def request(self, who: int, path: str, body: bytes | None = None) -> bytes:
        return load.request_bytes(path, {"Authorization": f"Bearer {self.tokens[who]}"}, body)

    def open_last(self, connection: psycopg.Connection[Any], who: int, count: int) -> None:
        """Undo what a student has completed of the last lessons, and the course with it."""
        lessons = [numbered(f"lesson of {self.course}", self.size.total - place) for place in range(count, 0, -1)]
        values = {
            "student": numbered("student", FIRST[self.course] + who), "lessons": lessons, "lesson": lessons[0],
            "count": count, "course": numbered("course", self.course),
            "module": numbered(f"module of {self.course}", self.size.modules - 1),
        }  # fmt: skip
        connection.execute(_OPEN, values)


@dataclass(frozen=True, slots=True)
class Measured:
    """A request to either course; ``undo`` last lessons are to be done again before each."""

    name: str
    request: Callable[[Side], bytes]
    undo: int = 0


_MINE, _BEAT = "/api/v1/users/me/courses", b'{"seconds": 1, "position": 3, "seen": [[0, 3]]}'
REQUESTS = (
    Measured("my courses, all done", lambda side: side.request(DONE, _MINE)),
    Measured("my courses, one lesson left", lambda side: side.request(NEARLY, _MINE)),
    Measured("start of a lesson", lambda side: side.request(NEARLY, f"{side.lesson(1)}/start", b"")),
    Measured("heartbeat", lambda side: side.request(NEARLY, f"{side.lesson(1)}/heartbeat", _BEAT)),
    Measured("lesson completed", lambda side: side.request(AGAIN, f"{side.lesson(2)}/complete", b""), undo=2),
    Measured("last lesson completed", lambda side: side.request(AGAIN, f"{side.lesson(1)}/complete", b""), undo=1),
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="lms-bench-") as name, embedded.server(Path(name)) as url:
        with _served(Path(name), url) as (sides, connection):
            print(f"{'':<32}" + "".join(f"{_named(side.size):>32}" for side in sides) + "   ratio")
            worst = max(_compare(sides, connection, each) for each in REQUESTS)
        if worst > BOUND:
            raise SystemExit(f"a request costs {worst:.2f} times as much; the bound is {BOUND}")


def _named(size: Size) -> str:
    return f"{size.total} lessons, {size.students:,} students"


@contextmanager
def _served(folder: Path, url: str) -> Iterator[tuple[Sequence[Side], psycopg.Connection[Any]]]:
    """Both courses, and a connection to their database past all triggers."""
    tokens: list[list[str]] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        environ, token = server.install(folder, url, lambda demo: _fill(demo, tokens))
        processes.append(server.serve(folder, {**environ, "LMS_WEB_WORKERS": "1"}, PORT))
        server.wait_for(PORT, token)
        sides = [Side(course, size, tokens[course]) for course, size in enumerate(SIZES)]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for side in sides:
                side.open_last(connection, NEARLY, 1)
            yield sides, connection
    finally:
        server.stop(processes)


def _fill(demo: Demo, tokens: list[list[str]]) -> object:
    people.copy_people(demo, "instructor", 1)
    people.copy_people(demo, "student", sum(size.students for size in SIZES))
    catalog.copy_courses(demo, len(SIZES), 1)
    for course, size in enumerate(SIZES):
        copy_content(demo, course, size)
    catalog.publish_many(demo, len(SIZES))
    complete(demo, list(zip(FIRST, SIZES, strict=True)))
    tokens.extend(
        [bearer(demo.core, numbered("student", first + who)) for who in (DONE, NEARLY, AGAIN)] for first in FIRST
    )
    return numbered("student", 0)


def _compare(sides: Sequence[Side], connection: psycopg.Connection[Any], measured: Measured) -> float:
    requests = [measured.request(side) for side in sides]
    line = load.Line(PORT)

    def ask(side: Side, request: bytes) -> float:
        if measured.undo:
            side.open_last(connection, AGAIN, measured.undo)
        return line.ask(request)

    def take_turns(turns: int) -> list[float]:
        took = [[ask(side, request) for side, request in zip(sides, requests, strict=True)] for _turn in range(turns)]
        return [statistics.median(times) * 1000 for times in zip(*took, strict=True)]

    take_turns(WARM)
    rounds = sorted((take_turns(TURNS) for _round in range(ROUNDS)), key=lambda both: both[1] / both[0])
    line.close()
    small, large = rounds[ROUNDS // 2]
    print(f"{measured.name:<32}{small:>29.2f} ms{large:>29.2f} ms{large / small:>8.2f}", flush=True)
    return large / small


if __name__ == "__main__":
    main()
