"""The cover of a course that has no picture."""

import io

from PIL import Image

from lms_core.courses.covers.drawing import initials
from lms_core.testing.courses import make_course


def test_a_published_course_gets_a_cover_that_everybody_sees(app, instructor, student, core, deliver):
    course = make_course(core, instructor.id, title="Life on a small planet")
    url = f"/api/v1/courses/{course.id}"
    deliver()
    address = app.get(url).json["thumbnailUrl"]
    shown = app.get(address)
    picture = Image.open(io.BytesIO(shown.body))
    assert (shown.content_type, picture.size) == ("image/webp", (640, 360))
    assert len(picture.convert("RGB").getcolors(maxcolors=1 << 20)) > 100

    instructor.client.post_json(f"{url}/unpublish")
    app.get(address, status=404)
    student.client.get(address, status=404)
    instructor.client.get(address)
    kept = instructor.client.delete(address.removesuffix("/content"), status=409)
    assert kept.json["code"] == "file_in_use"


def test_the_authors_own_picture_stays(app, instructor, core, deliver):
    chosen = "https://example.org/me.png"
    course = make_course(core, instructor.id, thumbnail_url=chosen)
    deliver()
    url = f"/api/v1/courses/{course.id}"
    assert app.get(url).json["thumbnailUrl"] == chosen
    instructor.client.put_json(url, {"thumbnailUrl": None})
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "New"})
    instructor.client.post_json(f"{url}/publish")
    deliver()
    assert app.get(url).json["thumbnailUrl"].startswith("/api/v1/files/")


def test_letters_that_no_font_here_can_write_are_left_out():
    assert initials("Life on a small planet") == "LOA"
    assert initials("Éléments, 2 volumes") == "É2V"
    assert initials("Основы биологии") == ""
    assert initials("— …") == ""
