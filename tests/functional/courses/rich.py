"""A course with every kind of lesson, and all that can be said of each."""

import io
from decimal import Decimal

from lms_core.courses import service
from lms_core.files.service import store_file

PDF = b"%PDF-1.7 \0" + bytes(range(256)) * 40
VIDEO = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(3000)
AUDIO = b"ID3\x04\0\0\0\0\0\0" + bytes(500)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)
SIMULATION = "https://phet.colorado.edu/sims/html/waves.html"
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:02.000\nKäse\n".encode()

COURSE = {
    "title": "Brot für alle: «Grundkurs»  " + "und mehr " * 20 + "!",
    "code": "BROT-1.0_x",
    "description": "Erste Zeile, „Zitat“\n\nZweite <b>Zeile</b> & mehr",
    "syllabus": "1. Mehl\n2. Wasser",
    "language": "de-AT",
    "category": "Essen",
    "sub_category": "Brot",
    "level": "beginner",
    "thumbnail_url": "https://example.org/brot.png",
    "intro_video_url": "https://example.org/brot.mp4",
    "price": Decimal("12.50"),
    "currency": "EUR",
    "max_students": 30,
    "tags": ["Brot", "хлеб", "パン"],
    "learning_outcomes": ["Backen können", "Essen können"],
    "requirements": ["Ein Ofen"],
    "target_audience": "Alle\nund jeder",
    "completion_certificate": False,
    "certificate_months": 24,
    "allow_discussion": False,
    "allow_download": True,
}


def make_rich_course(registry, owner_id, **values):
    """The id of a course of three modules: one full, one with nothing in it, one that is not published."""
    core = registry.core
    with core.transaction() as db:

        def stored(name, data):
            about = {"uploaded_by": owner_id, "max_bytes": 1 << 20, "scan": False}
            return store_file(db, registry.storage, name=name, stream=io.BytesIO(data), **about)

        course = service.create_course(db, core, owner_id, {**COURSE, **values}, with_introduction=False)
        modules = [
            service.create_module(db, course.id, {"title": title, "description": description})
            for title, description in (("一 麦", "Woraus es ist"), ("Nothing yet", None), ("Später", None))
        ]
        modules[2].is_published, modules[2].unlock_type = False, "sequential"
        modules[2].prerequisites = [modules[0].id]
        picture = stored("Käse 🧀 (1).png", PNG)
        for place, lessons in ((0, first_lessons(stored, picture)), (2, last_lessons(picture))):
            for each in lessons:
                service.create_lesson(db, core, modules[place].id, owner_id, each)
        return course.id


def first_lessons(stored, picture):
    notes = stored("Notes.html", b"<!doctype html><p>Words.</p>")
    captions, film, sound = stored("de.vtt", CAPTIONS), stored("paper.pdf", VIDEO), stored("../../sound.mp3", AUDIO)
    sheet = stored("Übung.pdf", PDF + b"1")
    track = {"fileId": str(captions.id), "kind": "captions", "language": "de", "label": "Deutsch", "default": True}
    return [
        page("Reading", f'<p><img src="{address(picture)}?x#y"> <a href="{address(notes)}">N</a></p>',
             attachments=[sheet.id, picture.id]),
        page("قراءة من اليمين", ' <p dir="rtl">الخبز <a href="/courses/other">elsewhere</a></p>\n'),
        lesson("Link", "link", {"url": "https://example.org/?a=1&b=%22", "description": "Out\nthere"},
               attachments=[sheet.id]),
        lesson("Paper", "pdf", {"fileId": str(stored("paper.pdf", PDF).id)},
               transcript="Was darin steht\n" * 50 + "Ende"),
        lesson("Film", "video", {"fileId": str(film.id), "tracks": [track], "posterFileId": str(picture.id)},
               min_seconds=90, duration_minutes=12, completion_criteria={"playedPercent": 90}),
        lesson("Film elsewhere", "video", {"url": "https://player.vimeo.com/video/1?h=2", "durationSeconds": 600}),
        lesson("Sound", "audio", {"fileId": str(sound.id)}, allow_comments=False),
        lesson("Simulation", "interactive", {
            "src": SIMULATION, "width": 800, "height": 600, "title": "Wellen",
            "allow": ["fullscreen"],
        }),
    ]  # fmt: skip


def last_lessons(picture):
    return [
        page("Same picture", f'<p><img src="{address(picture)}"></p>', is_preview=True),
        page("Draft", "<p>Not yet.</p>", is_published=False, duration_minutes=0),
        page("x" * 255, "<p>Long title &amp; <code>&lt;/body&gt;</code></p>"),
    ]


def lesson(title, kind, content, **values):
    return {"title": title, "content_type": kind, "content": content, "description": f"Über {title}\nmehr", **values}


def page(title, html, **values):
    return lesson(title, "text", {"html": html}, **values)


def address(file):
    return f"/api/v1/files/{file.id}/content"
