"""Lessons of every type: what an author may put in, whose files, and what is left of what is hostile."""

import pytest
from sqlalchemy import select, update

from lms_core.courses.models import Course, Lesson, Module
from lms_core.files.models import FileUpload
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ...plugins.content_types.media import MP3_HEAD, MP4_HEAD, PNG, VTT, pdf

TYPES = "/api/v1/content-types"
NOBODYS = "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, lessons=1)


@pytest.fixture
def make(instructor, course):
    """``make(type, content)`` -> the answer to the author who creates such a lesson."""

    def make(kind, content, status=201, author=instructor, **fields):
        body = {"title": "L", "contentType": kind, "content": content, **fields}
        return author.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons", body, status=status).json

    return make


@pytest.fixture
def change(instructor):
    def change(lesson, status=200, author=instructor, **fields):
        return author.client.put_json(f"/api/v1/lessons/{lesson['id']}", fields, status=status).json

    return change


@pytest.fixture
def upload(registry, instructor):
    """``upload(content)`` -> the id of a file of the author's."""
    return lambda content, owner=instructor, name="A file": str(make_file(registry, owner.id, content, name).id)


def test_a_client_can_build_an_editor_for_every_type(app, make_app, student, statements):
    with statements() as seen:
        items = {each["name"]: each for each in student.client.get(TYPES).json["items"]}
    assert seen.count <= 1, seen
    assert set(items) == {"audio", "interactive", "link", "pdf", "text", "video"}
    film = items["video"]["schema"]
    assert film["additionalProperties"] is False
    assert film["properties"]["measuredSeconds"]["readOnly"] is True
    assert film["properties"]["tracks"]["items"] == {"$ref": "#/$defs/Track"}
    assert film["$defs"]["Track"]["required"] == ["fileId", "kind", "language"]
    assert items["pdf"]["criteria"]["properties"]["readPercent"]["maximum"] == 100
    assert items["link"]["criteria"]["properties"]["opened"]["type"] == "boolean"
    assert items["video"]["evidence"] == {"parts": "second", "pace": 2, "reports": False}
    assert items["interactive"]["evidence"] == {"parts": "", "pace": None, "reports": True}
    german = app.get(TYPES, headers={"Accept-Language": "de"}).json["items"]
    assert next(each for each in german if each["name"] == "link")["schema"]["properties"]["url"]["title"] == "Adresse"
    off = make_app(lms__plugins__disabled=("content_video",))
    assert "video" not in [each["name"] for each in off.get(TYPES).json["items"]]


def test_a_lesson_of_each_type_is_made_read_and_sent_back(make, change, upload, instructor):
    page, sheet, film, sound, words = (upload(content) for content in (PNG, pdf(1), MP4_HEAD, MP3_HEAD, VTT))
    track = {"fileId": words, "kind": "captions", "language": "en"}
    for kind, content, files in (
        ("text", {"html": f'<p>Words</p><img src="/api/v1/files/{page}/content">'}, [page]),
        ("link", {"url": "https://example.org/", "description": "There"}, []),
        ("pdf", {"fileId": sheet}, [sheet]),
        ("video", {"fileId": film, "tracks": [track], "posterFileId": page}, [film, words, page]),
        ("video", {"url": "https://player.vimeo.com/video/1", "durationSeconds": 61}, []),
        ("audio", {"fileId": sound}, [sound]),
        ("interactive", {"src": "https://h5p.org/h5p/embed/1", "width": 10}, []),
    ):
        made = make(kind, content)
        assert made["content"].items() >= content.items()
        assert [each["fileId"] for each in made["attachments"]] == files
        read = instructor.client.get(f"/api/v1/lessons/{made['id']}").json
        assert read["content"] == made["content"]
        again = change(made, content=read["content"], completionCriteria=read["completionCriteria"])
        assert (again["content"], again["attachments"]) == (made["content"], made["attachments"])


def test_an_unknown_type_is_refused(make):
    refused = make("hologram", {}, status=422)
    assert (refused["code"], refused["errors"]) == ("content_type_unknown", {"contentType": ["hologram"]})


def test_a_type_that_is_switched_off_leaves_its_lessons_readable(make, upload, make_app, instructor):
    sheet = make("pdf", {"fileId": upload(pdf(1))})
    url, token = f"/api/v1/lessons/{sheet['id']}", instructor.client.authorization[1]
    off = make_app(lms__plugins__disabled=("content_pdf",)).bearer(token)
    assert off.get(url).json["content"] == sheet["content"]
    for fields in ({"content": sheet["content"]}, {"completionCriteria": {}}):
        assert off.put_json(url, fields, status=409).json["code"] == "content_type_unavailable"
    assert off.put_json(url, {"title": "Renamed", "isPublished": False}).json["title"] == "Renamed"
    module = f"/api/v1/modules/{sheet['moduleId']}/lessons"
    new = {"title": "L", "contentType": "pdf", "content": sheet["content"]}
    assert off.post_json(module, new, status=422).json["code"] == "content_type_unknown"


# Whose files.


def refusal(answer):
    return answer["code"], answer["errors"]["content"]


def test_other_peoples_files_do_not_exist(make, upload, make_person, student):
    gone = make("pdf", {"fileId": NOBODYS}, status=422)
    assert gone["code"] == "file_unknown"
    for owner in (make_person("instructor"), student):
        theirs = upload(pdf(1), owner)
        refused = make("pdf", {"fileId": theirs}, status=422)
        assert refused["code"] == gone["code"]
        assert refused["errors"] == {"content": {"fileId": [f"There is no file {theirs}."]}}
        html = f'<a href="/api/v1/files/{theirs}/content">mine?</a>'
        assert refusal(make("text", {"html": html}, status=422))[0] == "file_unknown"
        track = {"fileId": theirs, "kind": "captions", "language": "en"}
        content = {"url": "https://player.vimeo.com/1", "tracks": [track]}
        assert set(refusal(make("video", content, status=422))[1]) == {"tracks"}
        assert make("video", {**content, "tracks": [], "posterFileId": theirs}, status=422)["code"] == "file_unknown"


def test_a_file_of_the_wrong_kind_is_named(make, upload):
    page = upload(b"<!doctype html><p>x", name="paper.pdf")
    for kind, file in (("pdf", page), ("video", upload(pdf(1))), ("audio", upload(PNG)), ("pdf", upload(MP4_HEAD))):
        refused = make(kind, {"fileId": file}, status=422)
        assert refused["code"] == "file_kind_wrong"
        assert set(refused["errors"]["content"]) == {"fileId"}
    content = {"fileId": upload(MP4_HEAD), "tracks": [{"fileId": page, "kind": "captions", "language": "en"}]}
    assert make("video", content, status=422)["code"] == "file_kind_wrong"
    svg = upload(b"<svg onload='x()'/>")
    assert make("video", {"fileId": upload(MP4_HEAD), "posterFileId": svg}, status=422)["code"] == "file_kind_wrong"


def test_deleted_and_infected_files_cannot_be_used(make, upload, core, change):
    sheet = upload(pdf(1))
    lesson = make("pdf", {"fileId": sheet})
    with core.transaction() as db:
        db.execute(update(FileUpload).values(virus_scan_result="infected"))
    assert make("pdf", {"fileId": sheet}, status=422)["code"] == "file_infected"
    assert change(lesson, 422, content={"fileId": sheet})["code"] == "file_infected"
    with core.transaction() as db:
        db.execute(update(FileUpload).values(deleted_at=core.clock()))
    assert make("pdf", {"fileId": sheet}, status=422)["code"] == "file_unknown"
    assert change(lesson, title="Still editable")["title"] == "Still editable"


def test_who_helps_goes_on_with_the_files_of_the_course_and_takes_them_nowhere_else(
    make, change, upload, core, course, instructor, make_person
):
    sheet = upload(pdf(1))
    lesson = make("pdf", {"fileId": sheet})
    helper = make_person("instructor")
    staff = f"/api/v1/courses/{course.id}/staff"
    instructor.client.post_json(staff, {"userId": str(helper.id), "role": "co_instructor"}, status=201)
    assert change(lesson, author=helper, content={"fileId": sheet})["content"]["fileId"] == sheet
    make("pdf", {"fileId": sheet}, author=helper)
    own = make_course(core, helper.id)
    body = {"title": "L", "contentType": "pdf", "content": {"fileId": sheet}}
    refused = helper.client.post_json(f"/api/v1/modules/{own.modules[0]}/lessons", body, status=422).json
    assert refused["code"] == "file_unknown"


def test_readers_of_the_lesson_get_its_files_and_no_others_do(make, upload, student, app, course, instructor):
    picture, words, film = upload(PNG), upload(VTT), upload(MP4_HEAD)
    track = {"fileId": words, "kind": "captions", "language": "en"}
    make("video", {"fileId": film, "posterFileId": picture, "tracks": [track]})
    paths = [f"/api/v1/files/{file}/content" for file in (picture, words, film)]
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    for path in paths:
        student.client.get(path, status=404)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    for path in paths:
        student.client.get(path, status=200)
        app.get(path, status=404)


def test_a_file_that_the_content_no_longer_names_is_let_go(make, change, upload, instructor):
    picture = upload(PNG)
    lesson = make("text", {"html": f'<img src="/api/v1/files/{picture}/content">'})
    instructor.client.delete(f"/api/v1/files/{picture}", status=409)
    assert change(lesson, content={"html": "<p>Gone</p>"})["attachments"] == []
    instructor.client.delete(f"/api/v1/files/{picture}", status=204)


def test_only_addresses_of_this_installation_are_its_files(make):
    html = "".join(
        f'<a href="{address}">x</a>'
        for address in (
            f"https://elsewhere.example/api/v1/files/{NOBODYS}/content",
            f"/other/api/v1/files/{NOBODYS}/content",
            f"/api/v1/files/{NOBODYS}",
            "/api/v1/files/x/content",
            f"/api/v1/files/{NOBODYS}0/content",
        )
    )
    words = f'<p>Write &lt;img src="/api/v1/files/{NOBODYS}/content"&gt;</p>'
    assert make("text", {"html": html + words})["attachments"] == []
    here = f'<a href="http://localhost/api/v1/files/{NOBODYS}/content?x#y">x</a>'
    assert make("text", {"html": here}, status=422)["code"] == "file_unknown"


# How long it takes.


def durations(core):
    with core.transaction() as db:
        return (
            db.scalars(select(Lesson.duration_minutes).order_by(Lesson.order_index)).all(),
            db.scalars(select(Module.estimated_duration_minutes)).one(),
            db.scalars(select(Course.duration_minutes)).one(),
        )


def test_the_author_has_the_last_word_on_how_long_it_takes(make, change, core):
    lesson = make("text", {"html": "word " * 500}, durationMinutes=30)
    assert durations(core) == ([1, 30], 31, 31)
    change(lesson, content={"html": "word " * 5000})
    assert durations(core) == ([1, 30], 31, 31)
    assert change(lesson, durationMinutes=None)["durationMinutes"] == 25
    assert durations(core) == ([1, 25], 26, 26)
    assert change(lesson, content={"html": "word " * 500})["durationMinutes"] == 3
    assert change(lesson, title="Renamed")["durationMinutes"] == 3
    assert change(lesson, durationMinutes=3, content={"html": "word"})["durationMinutes"] == 3
    film = make("video", {"url": "https://player.vimeo.com/1", "durationSeconds": 121})
    assert film["durationMinutes"] == 3
    assert durations(core) == ([1, 3, 3], 7, 7)


# What is asked before a lesson counts as completed.


@pytest.mark.parametrize(
    ("kind", "content", "criteria"),
    [
        ("video", {"url": "https://player.vimeo.com/1"}, {"playedPercent": 90}),
        ("text", {"html": "x"}, {}),
    ],
)
def test_completion_criteria_are_kept(make, change, instructor, kind, content, criteria):
    lesson = make(kind, content, completionCriteria=criteria)
    assert lesson["completionCriteria"] == criteria
    assert instructor.client.get(f"/api/v1/lessons/{lesson['id']}").json["completionCriteria"] == criteria
    assert change(lesson, completionCriteria={})["completionCriteria"] == {}


@pytest.mark.parametrize(
    ("kind", "content", "criteria", "field"),
    [
        ("video", {"url": "https://player.vimeo.com/1"}, {"playedPercent": 0}, "playedPercent"),
        ("video", {"url": "https://player.vimeo.com/1"}, {"playedPercent": 101}, "playedPercent"),
        ("video", {"url": "https://player.vimeo.com/1"}, {"playedPercent": "90"}, "playedPercent"),
        ("text", {"html": "x"}, {"playedPercent": 90}, "playedPercent"),
    ],
)
def test_criteria_that_the_type_does_not_know_are_refused(make, kind, content, criteria, field):
    refused = make(kind, content, status=422, completionCriteria=criteria)
    assert list(refused["errors"]["completionCriteria"]) == [field]


# What is hostile.


@pytest.mark.parametrize(
    ("kind", "content", "code", "field"),
    [
        ("link", {"url": "javascript:alert(1)"}, "invalid", "url"),
        ("link", {"url": "data:text/html,x"}, "invalid", "url"),
        ("link", {"url": "https://example.org/" + "x" * 2000}, "invalid", "url"),
        ("link", {"url": "https://example.org/", "description": "a\x07b"}, "invalid", "description"),
        ("text", {"html": "x" * 500_001}, "invalid", "html"),
        ("text", {"html": "<div>" * 30_000}, "html_too_complex", "html"),
        ("text", {"html": None}, "invalid", "html"),
        ("text", {}, "invalid", "html"),
        ("pdf", {"fileId": "../../etc/passwd"}, "invalid", "fileId"),
        ("video", {}, "invalid", "fileId"),
        ("video", {"fileId": NOBODYS, "url": "https://player.vimeo.com/1"}, "invalid", "fileId"),
        ("video", {"url": "http://player.vimeo.com/1"}, "host_not_allowed", "url"),
        ("video", {"url": "https://player.vimeo.com@evil.example/"}, "host_not_allowed", "url"),
        ("video", {"url": "https://evil.example/player.vimeo.com"}, "host_not_allowed", "url"),
        ("video", {"url": "https://player.vimeo.com:8443/1"}, "host_not_allowed", "url"),
        ("video", {"url": "https://player.vimeo.com\\@evil.example/"}, "host_not_allowed", "url"),
        ("video", {"url": "https://player.vimeo.com/1", "durationSeconds": 0}, "invalid", "durationSeconds"),
        ("audio", {"url": "https://player.vimeo.com/1"}, "host_not_allowed", "url"),
        ("interactive", {"src": "https://evil.example/"}, "host_not_allowed", "src"),
        ("interactive", {"src": "javascript:alert(1)//h5p.org"}, "host_not_allowed", "src"),
        ("interactive", {"src": "https://h5p.com/"}, "host_not_allowed", "src"),
        ("interactive", {"src": "https://h5p.org/", "allow": ["everything"]}, "invalid", "allow"),
        ("interactive", {"src": "https://h5p.org/", "width": 0}, "invalid", "width"),
        ("interactive", {"embedCode": "<p>No frame</p>"}, "invalid", "embedCode"),
        ("interactive", {"embedCode": "<iframe src='https://h5p.org/'><iframe src='https://h5p.org/'>"},
         "invalid", "embedCode"),
        ("interactive", {"embedCode": "<iframe src='//evil.example/'>"}, "host_not_allowed", "embedCode"),
        ("interactive", {"embedCode": "<iframe srcdoc='<script>1</script>'>"}, "host_not_allowed", "embedCode"),
        ("interactive", {"embedCode": "x" * 10_001}, "invalid", "embedCode"),
    ],
)  # fmt: skip
def test_bad_content_is_refused_by_name(make, core, kind, content, code, field):
    refused = make(kind, content, status=422)
    assert (refused["code"], list(refused["errors"]["content"])) == (code, [field])
    with core.transaction() as db:
        assert len(db.scalars(select(Lesson)).all()) == 1


def test_an_embed_code_is_reduced_to_what_a_frame_needs(make):
    code = (
        '<div onclick="x()"><script src="https://evil.example/x.js"></script>'
        '<iframe SRC="//www.youtube.com/embed/x?a=1&amp;b=2" src="https://evil.example/" width="560px" height="100%"'
        ' title="A &lt;b&gt; film" allow="autoplay; camera *; payment" allowfullscreen onload="y()" name="z"'
        ' sandbox="allow-top-navigation" srcdoc="<script>1</script>" style="position:fixed"></iframe></div>'
    )
    made = make("interactive", {"embedCode": code})
    assert made["content"] == {
        "src": "https://www.youtube.com/embed/x?a=1&b=2",
        "width": 560,
        "title": "A <b> film",
        "allow": ["autoplay", "camera", "fullscreen"],
        "sandbox": ["allow-forms", "allow-popups", "allow-presentation", "allow-same-origin", "allow-scripts"],
    }
    assert made["removed"] == ["onclick", "onload", "script", "srcdoc"]


def test_the_hosts_that_may_be_embedded_are_the_institutions_choice(make_app, instructor, course):
    def embed(app, src, status=201):
        body = {"title": "L", "contentType": "interactive", "content": {"src": src}}
        url = f"/api/v1/modules/{course.modules[0]}/lessons"
        return app.bearer(instructor.client.authorization[1]).post_json(url, body, status=status).json

    app = make_app(lms__content__embed_hosts=("*.uni.example", "localhost.example"))
    assert embed(app, "HTTPS://Sim.Uni.Example:443/a")["content"]["src"] == "https://sim.uni.example/a"
    for src in (
        "https://uni.example/",
        "https://evil-uni.example/",
        "https://h5p.org/",
        "https://uni.example.evil.org/",
    ):
        assert embed(app, src, 422)["code"] == "host_not_allowed"
    here = make_app(lms__content__embed_hosts=("lms.example",), lms__url="https://lms.example")
    assert embed(here, "https://lms.example/api/v1/files/x/content", 422)["code"] == "host_not_allowed"
