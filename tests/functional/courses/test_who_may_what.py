"""Each content type from its author to its readers: who may see, use, change and delete it at each step."""

import pytest

from lms_core.testing.files import make_file

from ...plugins.content_types.media import MP3_HEAD, MP4_HEAD, PNG, pdf

CALLERS = ("anonymous", "student", "other student", "assistant", "instructor", "other instructor", "admin")

DRAFT = {"instructor": 200, "assistant": 200, "admin": 200, None: 404}
READ = {"anonymous": 401, "other student": 403, "other instructor": 403, None: 200}
PREVIEW = {None: 200}
FILE = {"anonymous": 404, "other student": 404, "other instructor": 404, None: 200}
EDIT = {"anonymous": 401, "instructor": 200, "admin": 200, None: 403}
LEARN = {"anonymous": 401, "student": 200, None: 403}
GONE = {"student": 403, None: 404}


def text_with_a_picture(upload):
    picture = upload(PNG)
    return {"html": f'<p>Words.</p><img src="/api/v1/files/{picture}/content">'}, picture


CONTENT = {
    "text": text_with_a_picture,
    "link": lambda upload: ({"url": "https://example.org/"}, None),
    "pdf": lambda upload: ({"fileId": (file := upload(pdf(1)))}, file),
    "video": lambda upload: ({"fileId": (file := upload(MP4_HEAD))}, file),
    "audio": lambda upload: ({"fileId": (file := upload(MP3_HEAD))}, file),
    "interactive": lambda upload: ({"src": "https://h5p.org/h5p/embed/1"}, None),
}


@pytest.fixture
def callers(app, student, instructor, admin, make_person):
    others = {"other student": make_person(), "assistant": make_person(), "other instructor": make_person("instructor")}
    known = {"student": student, "instructor": instructor, "admin": admin, **others}
    return {"anonymous": app, **{name: person.client for name, person in known.items()}}, known


@pytest.mark.parametrize("kind", CONTENT)
def test_from_the_author_to_every_reader(registry, instructor, callers, deliver, kind):
    clients, people = callers
    author = clients["instructor"]
    content, file = CONTENT[kind](lambda data: str(make_file(registry, instructor.id, data).id))

    def expect(allowed, ask):
        """Each caller's answer, against the table: by name, or None for all the others."""
        seen = {name: ask(clients[name]).status_int for name in CALLERS}
        assert seen == {name: allowed.get(name, allowed[None]) for name in CALLERS}

    # The author writes a draft; only who runs the course sees it.
    course = author.post_json(
        "/api/v1/courses", {"code": kind.upper(), "title": kind, "description": "All about it."}, status=201
    ).json
    url = f"/api/v1/courses/{course['id']}"
    assistant = {"userId": str(people["assistant"].id), "role": "teaching_assistant"}
    author.post_json(f"{url}/staff", assistant, status=201)
    [module] = author.get(f"{url}/modules").json["items"]
    made = author.post_json(
        f"/api/v1/modules/{module['id']}/lessons", {"title": "L", "contentType": kind, "content": content}, status=201
    ).json
    lesson = f"/api/v1/lessons/{made['id']}"
    deliver()

    def read(client):
        return client.get(lesson, expect_errors=True)

    def read_file(client):
        return client.get(f"/api/v1/files/{file}/content", expect_errors=True)

    def edit(client):
        return client.put_json(lesson, {"title": "Mine"}, expect_errors=True)

    expect(DRAFT, read)
    if file:
        expect(DRAFT, read_file)

    # Published, it is its students' to read and to complete, and still nobody else's to change.
    author.post_json(f"{url}/publish")
    clients["student"].post_json("/api/v1/enrollments", {"courseId": course["id"]}, status=201)
    expect(READ, read)
    if file:
        expect(FILE, read_file)
    expect(EDIT, edit)
    expect(LEARN, lambda client: client.post_json(f"{lesson}/start", expect_errors=True))
    expect(LEARN, lambda client: client.post_json(f"{lesson}/complete", expect_errors=True))
    assert clients["student"].get(lesson).json["title"] == "L"

    # As a preview it is everybody's, with its file, from the next publication on.
    author.put_json(lesson, {"isPreview": True})
    expect(READ, read)
    author.post_json(f"{url}/publish")
    expect(PREVIEW, read)
    if file:
        expect(PREVIEW, read_file)
    expect(EDIT, edit)

    # Taken back, it is who runs the course's again; deleted, nobody's.
    author.post_json(f"{url}/unpublish")
    expect({**DRAFT, "student": 403}, read)
    if file:
        expect(DRAFT, read_file)
    for name in ("anonymous", "student", "other student", "assistant", "other instructor"):
        clients[name].delete(lesson, status=(401, 403, 404))
    author.delete(lesson, status=204)
    expect(GONE, read)
