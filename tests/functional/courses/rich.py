"""A course with every kind of lesson, and all that can be said of each."""

import io
from decimal import Decimal

from lms_core.courses import service
from lms_core.courses.models import Lesson
from lms_core.files.service import store_file

PDF = b"%PDF-1.7 \0" + bytes(range(256)) * 40
VIDEO = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(3000)
AUDIO = b"ID3\x04\0\0\0\0\0\0" + bytes(500)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)

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
        picture, notes = stored("Käse 🧀 (1).png", PNG), stored("Notes.html", b"<!doctype html><p>Words.</p>")
        modules = [
            service.create_module(db, course.id, {"title": title, "description": description})
            for title, description in (("一 麦", "Woraus es ist"), ("Nothing yet", None), ("Später", None))
        ]
        modules[2].is_published, modules[2].unlock_type = False, "sequential"
        modules[2].prerequisites = [modules[0].id]
        first = [
            page(core, "Reading", f'<p><img src="{address(picture)}?x#y"> <a href="{address(notes)}">N</a></p>',
                 [picture, notes]),
            page(core, "قراءة من اليمين", ' <p dir="rtl">الخبز <a href="/courses/other">elsewhere</a></p>\n', []),
            lesson("Link", "link", {"url": "https://example.org/?a=1&b=%22", "description": "Out\nthere"}),
            offer("Paper", "pdf", stored("paper.pdf", PDF), transcript="Was darin steht\n" * 50 + "Ende"),
            offer("Film", "video", stored("paper.pdf", VIDEO), min_seconds=90, duration_minutes=12, duration_given=True,
                  completion_criteria={"playedPercent": 90}),
            offer("Sound", "audio", stored("../../sound.mp3", AUDIO), allow_comments=False),
        ]  # fmt: skip
        last = [
            page(core, "Same picture", f'<p><img src="{address(picture)}"></p>', [picture], is_preview=True),
            page(core, "Draft", "<p>Not yet.</p>", [], is_published=False),
            page(core, "x" * 255, "<p>Long title &amp; <code>&lt;/body&gt;</code></p>", []),
        ]
        for module, lessons in ((modules[0], first), (modules[2], last)):
            for place, values_of_lesson in enumerate(lessons):
                db.add(Lesson(module_id=module.id, order_index=place, **values_of_lesson))
        db.flush()
        service.roll_up_durations(db, course.id)
        return course.id


def lesson(title, kind, content, files=(), **values):
    attachments = [
        {"fileId": str(file.id), "name": file.file_name, "size": file.file_size, "type": file.mime_type}
        for file in files
    ]
    description = f"Über {title}\nmehr"
    return {"title": title, "content_type": kind, "content": content, "attachments": attachments,
            "description": description, **values}  # fmt: skip


def page(core, title, html, files, **values):
    from lms_core.courses.html import reading_minutes, sanitize

    clean = sanitize(html).html
    return lesson(title, "text", {"html": clean}, files, duration_minutes=reading_minutes(clean), **values)


def offer(title, kind, file, **values):
    content = {"fileId": str(file.id), "name": file.file_name, "size": file.file_size, "mimeType": file.mime_type}
    return lesson(title, kind, content, [file], **values)


def address(file):
    return f"/api/v1/files/{file.id}/content"
