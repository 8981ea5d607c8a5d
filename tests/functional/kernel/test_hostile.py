"""Whatever stands in a path, a query string or a body, it is the caller's mistake and never ours."""

import base64
import json
import re
import uuid
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from marshmallow import Schema

from lms_core.kernel.core import Core
from lms_core.kernel.errors import LONGEST_MESSAGE, MOST_ERRORS
from lms_core.kernel.openapi import Operation, operations
from lms_core.testing.client import Client
from lms_core.testing.courses import make_course

TEXTS = (
    "%00", "a%00b", "%ED%A0%80", "%ff", "-1", "0", "9" * 30, "9" * 5000, "1e999", "NaN", "true", "null", "%27%22%5C",
    "x" * 10_000, "", "%25s%25(x)s", "%F0%9F%8E%93", "../..", "[]", "2026-13-45T99:00:00Z",
    "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
"""As they stand in a URL."""
VALUES: tuple[Any, ...] = (
    "\x00", "a\x00b", -1, 2**31, 2**63, 10**18, 10**40, 1e308, True, None, "", "x" * 10_000, [], {}, [None], ["\x00"],
    {"\x00": "\x00"}, {"a": {"b": [1, {"c": "\x00"}]}}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "-1", str(2**70), "NaN", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
"""As they stand in a body."""
BODIES = (b"[" * 100_000, b'"\\ud800"', b"\xff", b"", b"null", b"[]", b'{"a":' * 5000, b"NaN", b"1e999")
CURSORS: tuple[list[str], ...] = (
    ["s", "\x00"], ["s", "x"], ["i", "9" * 30], ["i", "-1"], ["t", "2026-01-01T00:00:00"], ["t", "2026-01-01"],
    ["t", "0001-01-01T00:00:00+14:00"], ["t", "9999-12-31T23:59:59-14:00"], ["u", str(uuid.UUID(int=0))], ["u", "x"],
    ["?", "x"],
)  # fmt: skip
"""What stands in a cursor: the kind of a value, and the value."""
HEADERS = (
    "\xff", "x" * 9000, ",", ";;", "bytes=-", "bytes=-0", "bytes=" + "9" * 5000 + "-", "Bearer \xe9.\xe9.\xe9",
    "lms_access=\xff", "en;q=9e9",
)  # fmt: skip


@pytest.fixture
def known(core: Core, admin: Any) -> dict[str, Any]:
    """Things that are there, by the name they have in a path."""
    course = make_course(core, admin.id)
    return {
        "courseIdOrSlug": course.id,
        "moduleId": course.modules[0],
        "lessonId": course.lessons[0],
        "versionNumber": 1,
    }


def path_of(operation: Operation, known: dict[str, Any], **instead: str) -> str:
    values = {**known, **instead}
    return re.sub(r"{(\w+)}", lambda found: str(values.get(found[1], uuid.UUID(int=1))), operation.path)


def keys(schema: type[Schema] | None) -> list[str]:
    return [str(field.data_key) for field in schema().load_fields.values()] if schema else []


def refused(client: Client, method: str, url: str, **options: Any) -> None:
    """Anything but a fault of ours."""
    answer = client.request(url, method=method.upper(), expect_errors=True, **options)
    assert answer.status_int < 500, (method, url[:200], options, answer.text)
    if answer.status_int >= 400:
        assert answer.content_type == "application/problem+json"
        assert len(answer.body) < 100_000


def paths(operation: Operation, known: dict[str, Any]) -> Iterator[str]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield from (path_of(operation, known, **{name: text}) for text in TEXTS)


def queries(operation: Operation, known: dict[str, Any]) -> Iterator[str]:
    path = path_of(operation, known)
    for name, text in product((*keys(operation.options.get("query")), "unknown"), TEXTS):
        yield f"{path}?{name}={text}"
        yield f"{path}?{name}={text}&{name}={text}"


def cursors(operation: Operation, known: dict[str, Any]) -> Iterator[str]:
    if "cursor" in keys(operation.options.get("query")):
        path = path_of(operation, known)
        for width in (0, 1, 2):
            for tagged in product(CURSORS, repeat=width):
                cursor = base64.urlsafe_b64encode(json.dumps(tagged).encode()).decode()
                yield f"{path}?cursor={quote(cursor)}"


@pytest.mark.parametrize("made_up", [paths, queries, cursors])
def test_no_url_breaks_anything(registry: Any, admin: Any, known: dict[str, Any], made_up: Any) -> None:
    asked = 0
    for operation in operations(registry):
        if operation.method == "get":
            for url in made_up(operation, known):
                refused(admin.client, "get", url)
                asked += 1
    assert asked > 100


def test_a_cursor_that_is_none_of_ours_is_called_so(registry: Any, admin: Any, known: dict[str, Any]) -> None:
    listed = [operation for operation in operations(registry) if operation.path == "/api/v1/files"]
    codes = {
        answer.json["code"]
        for url in cursors(listed[0], known)
        if (answer := admin.client.get(url, expect_errors=True)).status_int != 200
    }
    assert codes == {"cursor_invalid"}


def test_no_body_breaks_anything(make_app: Any, registry: Any, admin: Any, known: dict[str, Any]) -> None:
    client = make_app(lms__ratelimit__enabled=False).bearer(admin.client.authorization[1])
    for operation in operations(registry):
        names = keys(operation.options.get("body"))
        sent = [json.dumps({name: value}).encode() for name, value in product(names, VALUES)]
        for body in (*sent, *BODIES) if names else ():
            headers = {"Content-Type": "application/json"}
            refused(client, operation.method, path_of(operation, known), body=body, headers=headers)


@pytest.mark.parametrize("value", HEADERS)
def test_no_header_breaks_anything(app: Client, admin: Any, known: dict[str, Any], value: str) -> None:
    path = f"/api/v1/courses/{known['courseIdOrSlug']}"
    for name in ("Accept-Language", "If-None-Match", "If-Modified-Since", "Range", "X-Request-Id", "X-Forwarded-For"):
        refused(admin.client, "get", path, headers={name: value})
    for name in ("Authorization", "Cookie", "Host", "Content-Type"):
        refused(app, "get", path, headers={name: value})


@pytest.mark.parametrize("path", ["/api/v1/courses/%00", "/api/v1/courses/a%00b/modules", "/%00", "/api/%00/courses"])
def test_nothing_is_named_by_what_no_name_holds(app: Client, path: str) -> None:
    assert app.get(path, status=404).json["code"] == "not_found"


def test_an_answer_lists_no_more_mistakes_than_somebody_can_mend(app: Client) -> None:
    many = {f"{'x' * 5000}{number}": number for number in range(150)}
    answer = app.post_json("/api/v1/auth/login", many, status=422)
    assert answer.json["code"] == "invalid"
    assert 0 < len(answer.json["errors"]) <= MOST_ERRORS
    assert len(answer.body) < MOST_ERRORS * (LONGEST_MESSAGE + 100)
