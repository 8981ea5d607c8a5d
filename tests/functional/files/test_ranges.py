"""A part of a file: what RFC 9110 says of ranges, and what hostile headers make of it."""

import pytest

CONTENT = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 2000
SIZE = len(CONTENT)


@pytest.fixture
def path(stored, student):
    return f"/api/v1/files/{stored(student, CONTENT, 'a.png').id}/content"


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=300000-300004", 300_000, 300_005),
        ("bytes=-5", SIZE - 5, SIZE),
        ("bytes=-99999999", 0, SIZE),
        ("bytes=510000-", 510_000, SIZE),
        ("bytes=10-99999999", 10, SIZE),
        (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE),
        ("bytes=0-999999999999999999", 0, SIZE),
    ],
)
def test_a_part_can_be_had(student, path, wanted, start, stop):
    part = student.client.get(path, headers={"Range": wanted}, status=206)
    assert part.body == CONTENT[start:stop]
    assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert part.content_length == stop - start
    whole = student.client.get(path)
    same = ("Content-Type", "ETag", "Content-Disposition", "Content-Security-Policy", "Cache-Control", "Accept-Ranges")
    assert [part.headers[name] for name in same] == [whole.headers[name] for name in same]


@pytest.mark.parametrize(
    "ignored",
    [
        "bytes=0-9,20-29", "bytes=0-9, -5", "bytes=-", "bytes=", "bytes=9-0", "bytes=a-b", "bytes=0-9;", "items=0-9",
        "bytes=0x1-2", "bytes=--5", "bytes=+1-2", "bytes=1.5-2", "0-9", "", "bytes=" + "9" * 5000 + "-",
        "bytes=0-" + "9" * 5000, "bytes=" + "0-0," * 2000, "bytes=\u0661-\u0662".encode().decode("latin-1"),
    ],
    ids=lambda header: header[:16],
)  # fmt: skip
def test_what_is_no_single_range_is_answered_with_the_whole(student, path, ignored):
    whole = student.client.get(path, headers={"Range": ignored}, status=200)
    assert whole.body == CONTENT
    assert "Content-Range" not in whole.headers


@pytest.mark.parametrize("beyond", [f"bytes={SIZE}-", "bytes=9999999-", "bytes=9999999-99999999"])
def test_a_part_beyond_the_end_cannot_be_had(student, path, beyond):
    refused = student.client.get(path, headers={"Range": beyond}, status=416)
    assert refused.json["code"] == "range_not_satisfiable"
    assert refused.content_type == "application/problem+json"
    assert refused.headers["Content-Range"] == f"bytes */{SIZE}"


def test_an_empty_file_has_no_part(student, stored):
    path = f"/api/v1/files/{stored(student, b'', 'empty').id}/content"
    assert student.client.get(path).body == b""
    student.client.get(path, headers={"Range": "bytes=0-"}, status=416)


@pytest.mark.parametrize("other", ['"other"', "W/{etag}", "Wed, 21 Oct 2015 07:28:00 GMT", "garbage", "*"])
def test_whoever_holds_another_version_gets_the_whole(student, path, other):
    etag = student.client.get(path).headers["ETag"]
    assert student.client.get(path, headers={"Range": "bytes=0-9", "If-Range": etag}, status=206).body == CONTENT[:10]
    stale = other.replace("{etag}", etag)
    assert student.client.get(path, headers={"Range": "bytes=0-9", "If-Range": stale}, status=200).body == CONTENT


def test_who_has_it_already_is_told_so_before_ranges_count(student, path):
    etag = student.client.get(path).headers["ETag"]
    for more in ({}, {"Range": "bytes=0-9"}):
        assert student.client.get(path, headers={"If-None-Match": etag, **more}, status=304).body == b""
    assert student.client.get(path, headers={"If-None-Match": '"other"'}).body == CONTENT


def test_where_no_tag_is_sent_the_time_counts(student, path):
    modified = student.client.get(path).headers["Last-Modified"]
    student.client.get(path, headers={"If-Modified-Since": modified}, status=304)
    for other in ("Wed, 21 Oct 2015 07:28:00 GMT", "garbage"):
        assert student.client.get(path, headers={"If-Modified-Since": other}).body == CONTENT
    both = {"If-Modified-Since": modified, "If-None-Match": '"other"'}
    assert student.client.get(path, headers=both).body == CONTENT


def test_head_says_what_get_would_and_knows_no_ranges(student, path):
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999999-"}):
        head = student.client.head(path, headers=headers, status=200)
        assert (head.content_length, head.body) == (SIZE, b"")
        assert head.headers["Accept-Ranges"] == "bytes"
        assert "Content-Range" not in head.headers


def test_no_stream_is_left_open(student, path, registry, monkeypatch):
    opened = []
    genuine = type(registry.storage).open

    def watched(storage, key):
        opened.append(genuine(storage, key))
        return opened[-1]

    monkeypatch.setattr(type(registry.storage), "open", watched)
    etag = student.client.get(path).headers["ETag"]
    student.client.head(path)
    student.client.get(path, headers={"Range": "bytes=0-9"})
    student.client.get(path, headers={"If-None-Match": etag}, status=304)
    student.client.get(path, headers={"Range": "bytes=9999999-"}, status=416)
    assert len(opened) == 3  # Nothing is fetched for who has it already, or wants what is not there.
    assert all(stream.closed for stream in opened)
