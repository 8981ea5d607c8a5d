"""The roster of a course of 10,000 students against that of one of 100: its first page in each order, and by filters.

Both courses are of one installation, where each request goes to the one and to the other in turn, as in ``scale``. What
indexes put in order costs the same; activity, progress and grade have none, so that their orders go through the course
(see ``lms_core/enrollment/rosters/queries.py``). Ends with 1 where a ratio is above its bound.
"""

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from benchmarks import load, server
from lms_core.demo import Demo, catalog, numbered, people
from lms_core.kernel import embedded

PORT = server.free_port()
SIZES = (100, 10_000)
ROUNDS, TURNS, WARM = 5, 40, 20
INDEXED_BOUND, SORTED_BOUND = 2.0, 3.0

INDEXED: Mapping[str, Mapping[str, object]] = {
    order: {"sort": order} for order in ("name", "-name", "enrolledAt", "-enrolledAt")
} | {"of a state": {"status": "active"}, "of a way in": {"enrollmentType": "self", "sort": "enrolledAt"}}
SORTED: Mapping[str, Mapping[str, object]] = {
    order: {"sort": order} for order in ("lastActivity", "-lastActivity", "progress", "-progress", "grade", "-grade")
} | {
    "inactive for a while": {"inactiveSince": "2026-01-01T00:00:00Z"},
    "a part of a name": {"search": "number 77"},
    "of no progress": {"maxProgress": 0},
    "over soon": {"endsBefore": "2100-01-01T00:00:00Z"},
}

FILL = """
INSERT INTO enrollments (user_id, course_id, enrolled_at, last_accessed_at, progress_percentage, grade_points)
SELECT users.id, sizes.course_id, now() - draw * interval '300 days', now() - draw * draw * interval '90 days',
       (draw * 100)::integer, (draw * 100)::integer
FROM (VALUES {sizes}) AS sizes (course_id, students)
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS number,
             (hashtextextended(id::text, 1) & 65535) / 65536.0 AS draw
      FROM users WHERE email LIKE 'student-%') AS users ON users.number <= sizes.students
"""


def main() -> None:
    processes = []
    with tempfile.TemporaryDirectory(prefix="lms-bench-") as name, embedded.server(Path(name)) as url:
        try:
            environ, token = server.install(Path(name), url, _fill)
            processes.append(server.serve(Path(name), {**environ, "LMS_WEB_WORKERS": "1"}, PORT))
            server.wait_for(PORT, token)
            print(f"{'':<28}{SIZES[0]:>8,} students{SIZES[1]:>10,} students   ratio")
            indexed = max(_compare(token, what, query) for what, query in INDEXED.items())
            print("without an index:")
            whole = max(_compare(token, what, query) for what, query in SORTED.items())
        finally:
            server.stop(processes)
    if indexed > INDEXED_BOUND or whole > SORTED_BOUND:
        raise SystemExit(f"the bounds are {INDEXED_BOUND} and {SORTED_BOUND}")


def _fill(demo: Demo) -> object:
    people.copy_people(demo, "instructor", 1)
    people.copy_people(demo, "student", max(SIZES))
    catalog.copy_courses(demo, len(SIZES), 1)
    catalog.copy_modules(demo, len(SIZES))
    catalog.publish_many(demo, len(SIZES))
    sizes = ", ".join(f"('{numbered('course', course)}'::uuid, {size})" for course, size in enumerate(SIZES))
    with psycopg.connect(demo.core.settings.text("sqlalchemy.url"), autocommit=True) as connection:
        connection.execute(FILL.format(sizes=sizes))
        connection.execute("VACUUM ANALYZE")
    return numbered("instructor", 0)


def _compare(token: str, what: str, query: Mapping[str, object]) -> float:
    paths = [f"/api/v1/courses/{numbered('course', course)}/enrollments?" for course in range(len(SIZES))]
    header = {"Authorization": f"Bearer {token}"}
    requests = [load.request_bytes(path + urlencode(query), header) for path in paths]
    line = load.Line(PORT)

    def take_turns(turns: int) -> list[float]:
        took = [[line.ask(request) for request in requests] for _turn in range(turns)]
        return [statistics.median(times) * 1000 for times in zip(*took, strict=True)]

    take_turns(WARM)
    rounds = sorted((take_turns(TURNS) for _round in range(ROUNDS)), key=lambda both: both[1] / both[0])
    line.close()
    small, large = rounds[ROUNDS // 2]
    print(f"{what:<28}{small:>14.2f} ms{large:>16.2f} ms{large / small:>8.2f}", flush=True)
    return large / small


if __name__ == "__main__":
    main()
