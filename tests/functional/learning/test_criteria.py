"""What a lesson of each type asks before it counts as completed, and what students can and cannot claim of it."""

import pytest
from sqlalchemy import update

from lms_core.courses.models import LessonRevision
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ...plugins.content_types.media import pdf
from .beats import beat, do, let_pass, progress

FILM = {"url": "https://player.vimeo.com/video/1", "durationSeconds": 600}
PAGE = {"src": "https://h5p.org/h5p/embed/1"}
TEXT = {"html": "<p>Words.</p>"}


@pytest.fixture
def lesson(core, instructor, student):
    """``lesson("video", content, {"playedPercent": 90})`` -> a lesson of this kind that the student has started."""
    course = make_course(core, instructor.id, lessons=1)

    def lesson(kind, content, criteria, **facts):
        body = {"title": "L", "contentType": kind, "content": content, "completionCriteria": criteria}
        address = f"/api/v1/modules/{course.modules[0]}/lessons"
        made = instructor.client.post_json(address, body, status=201).json["id"]
        instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
        if facts:
            with core.transaction() as db:
                db.execute(update(LessonRevision).where(LessonRevision.lesson_id == made).values(derived=facts))
        do(student, "start", made)
        return made

    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    return lesson


def missing(person, lesson):
    refused = do(person, "complete", lesson, status=409)
    assert refused["code"] == "completion_criteria_not_met"
    return refused["missing"]


def spend(core, person, lesson, seconds, **said):
    """So many seconds in beats of five minutes; the last one says the rest."""
    while seconds > 0:
        let_pass(core, min(seconds, 300))
        seconds -= 300
        receipt = beat(person, lesson, min(seconds + 300, 300), **said)
    return receipt


def test_a_film_has_to_be_played(core, student, lesson):
    film = lesson("video", FILM, {"playedPercent": 90})
    assert missing(student, film) == [{"criterion": "playedPercent", "needed": 90, "reached": 0}]
    assert spend(core, student, film, 200, seen=[[0, 200]])["completionPercentage"] == 33.33
    assert spend(core, student, film, 200, seen=[[300, 600]])["completionPercentage"] == 83.33
    assert missing(student, film) == [{"criterion": "playedPercent", "needed": 90, "reached": 83.33}]
    spend(core, student, film, 60, seen=[[200, 260]])
    assert do(student, "complete", film)["completionPercentage"] == 100
    assert progress(student, film)["seen"] == [[0, 260], [300, 600]]


def test_an_hour_cannot_be_played_in_seconds(core, student, lesson):
    film = lesson("video", {**FILM, "durationSeconds": 3600}, {"playedPercent": 50})
    receipt = beat(student, film, 3600, seen=[[0, 3600]])
    assert receipt["completionPercentage"] < 0.5
    assert missing(student, film)[0]["reached"] < 0.5
    for _again in range(5):
        beat(student, film, 3600, seen=[[0, 1800], [1800, 3600]])
    assert missing(student, film)[0]["reached"] < 0.7
    spend(core, student, film, 900)  # Played at double speed, as fast as anybody follows.
    do(student, "complete", film)


def test_playing_the_same_again_is_no_progress(core, student, lesson):
    film = lesson("video", FILM, {"playedPercent": 50})
    spend(core, student, film, 900, seen=[[0, 250]])
    assert missing(student, film) == [{"criterion": "playedPercent", "needed": 50, "reached": 41.66}]


def test_what_lies_behind_the_end_is_not_seen(core, student, lesson):
    film = lesson("video", FILM, {"playedPercent": 50})
    assert spend(core, student, film, 600, seen=[[600, 5000]])["completionPercentage"] == 0
    assert missing(student, film)[0]["reached"] == 0


def test_what_was_measured_goes_before_what_the_author_said(core, student, lesson):
    film = lesson("video", FILM, {"playedPercent": 100}, measuredSeconds=300)
    spend(core, student, film, 200, seen=[[0, 300]])
    do(student, "complete", film)


@pytest.fixture
def unmeasured(registry, instructor):
    """A film of the author's that nobody has looked into yet."""
    return {"fileId": str(make_file(registry, instructor.id, b"\x1aE\xdf\xa3\x42\x82\x84webm" + bytes(99)).id)}


def test_a_film_whose_length_nobody_knows_holds_nobody_up(student, lesson, unmeasured):
    film = lesson("video", unmeasured, {"playedPercent": 90})
    assert beat(student, film, 1, seen=[[0, 10]])["completionPercentage"] == 0
    do(student, "complete", film)


def test_a_length_that_is_found_out_meanwhile_counts(core, student, lesson, unmeasured):
    film = lesson("video", unmeasured, {"playedPercent": 90})
    with core.transaction() as db:
        derived = {"measuredSeconds": 100}
        db.execute(update(LessonRevision).where(LessonRevision.lesson_id == film).values(derived=derived))
    assert missing(student, film) == [{"criterion": "playedPercent", "needed": 90, "reached": 0}]
    do(student, "start", film)
    assert spend(core, student, film, 50, seen=[[0, 90]])["completionPercentage"] == 90
    do(student, "complete", film)


def test_pages_have_to_be_shown(core, registry, instructor, student, lesson):
    sheet = str(make_file(registry, instructor.id, pdf(4)).id)
    document = lesson("pdf", {"fileId": sheet}, {"readPercent": 100}, pages=4)
    beat(student, document, 1, seen=[[0, 2]], position=1)
    assert missing(student, document) == [{"criterion": "readPercent", "needed": 100, "reached": 50}]
    beat(student, document, 1, seen=[[3, 4]], position=3)
    assert missing(student, document)[0]["reached"] == 75
    beat(student, document, 1, seen=[[2, 3]], position=2)
    do(student, "complete", document)


def test_a_text_has_to_be_scrolled(student, lesson):
    text = lesson("text", TEXT, {"readPercent": 100})
    beat(student, text, 1, seen=[[0, 60]])
    assert missing(student, text) == [{"criterion": "readPercent", "needed": 100, "reached": 60}]
    beat(student, text, 1, seen=[[55, 100]])
    do(student, "complete", text)


def test_a_link_has_to_be_opened(student, lesson):
    link = lesson("link", {"url": "https://example.org/"}, {"opened": True})
    assert missing(student, link) == [{"criterion": "opened", "needed": True, "reached": False}]
    assert beat(student, link, 1, seen=[[0, 1]])["completionPercentage"] == 100
    do(student, "complete", link)


def test_an_embedded_page_has_to_report(student, lesson):
    page = lesson("interactive", PAGE, {"finished": True, "minScore": 80})
    assert [each["criterion"] for each in missing(student, page)] == ["finished", "minScore"]
    assert beat(student, page, 1, finished=True, score=60)["completionPercentage"] == 100
    assert missing(student, page) == [{"criterion": "minScore", "needed": 80, "reached": 60}]
    beat(student, page, 1, score=92.5)
    do(student, "complete", page)


def test_another_students_evidence_is_not_ones_own(core, student, make_person, lesson):
    text = lesson("text", TEXT, {"readPercent": 100})
    beat(student, text, 1, seen=[[0, 100]])
    other = make_person("student")
    course = student.client.get("/api/v1/users/me/courses").json["items"][0]["course"]["id"]
    other.client.post_json("/api/v1/enrollments", {"courseId": course}, status=201)
    do(other, "start", text)
    assert missing(other, text)[0]["reached"] == 0


def test_time_is_asked_for_before_anything_else(student, instructor, lesson):
    text = lesson("text", TEXT, {"readPercent": 100})
    instructor.client.put_json(f"/api/v1/lessons/{text}", {"minSeconds": 60})
    course = student.client.get("/api/v1/users/me/courses").json["items"][0]["course"]["id"]
    instructor.client.post_json(f"/api/v1/courses/{course}/publish")
    beat(student, text, 1, seen=[[0, 100]])
    assert do(student, "complete", text, status=409)["code"] == "minimum_time_not_reached"


def test_what_the_author_changes_counts_once_it_is_published(student, instructor, lesson):
    text = lesson("text", TEXT, {"readPercent": 100})
    instructor.client.put_json(f"/api/v1/lessons/{text}", {"completionCriteria": {}})
    missing(student, text)
    course = student.client.get("/api/v1/users/me/courses").json["items"][0]["course"]["id"]
    instructor.client.post_json(f"/api/v1/courses/{course}/publish")
    do(student, "complete", text)


def test_a_type_that_is_switched_off_holds_nobody_up(make_app, core, student, lesson):
    film = lesson("video", FILM, {"playedPercent": 90})
    missing(student, film)
    off = make_app(lms__plugins__disabled=("content_video",))
    token = student.client.authorization[1]
    off.bearer(token).post_json(f"/api/v1/lessons/{film}/complete")
