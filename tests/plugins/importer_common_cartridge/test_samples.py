"""Real cartridges: what a look into the archives proves to be there is brought, or named among the skipped."""

import re
from pathlib import Path

from lms_core.plugin_api import CourseImporter, ImportedCourse

from .cartridge import LIMITS, lessons, outline, skipped

WORKSHOP = {
    "Part 1: Overview: Accessibility and ALLY": [
        "Accessibility FAQ",
        "What is ALLY?",
        "Alt Text: Writing Alternative Text",
        "Caption Hub",
    ],
    'Part 2: "Before" courses': [],
    'Part 3: "After" courses': ["Call it out to your Students"],
    "More on Accessibility": ["Accessibility Resources"],
    "Pages": [
        "The Time is Now",
        "RTC Accessibilty Advisory Committee",
        "Ally for Students",
        "What ALLY does",
        "ALLY Explained: Video",
        "Page for Testing Ally",
    ],
    "Files": [
        "Accessible Technology Policy Final copy (2).pdf",
        "Ally Accessibility Checklist.pdf",
        "files_page_falconer.png",
        "bad_dog.jpg",
        "4a8he.jpg",
        "Ally - Student Documentation.docx",
        "Ally File Remediation Steps.png",
        "Ally Instructor Feedback Steps.png",
        "Ally-Canvas Files Gear Icon.png",
        "Click_Files_Button.png",
        "Dropdown_Menu_Icon.png",
        "Green_Ally_Score_Icon.png",
        "Hamburger_Icon.png",
        "Red_Ally_Score_Icon.png",
        "White_Background.png",
        "Ally Logo Image Card.png",
        "Ally Logo Image.png",
        "Ally-Logo-Image-Card.jpg",
    ],
}

SHOWN_IN_PAGES = {
    "Accessibility Technology Implementation Plan (2017-19).pdf",
    "about_ally.png",
    "adding_image_with_ALLY.png",
    "caption-hub.png",
    "Course Files/Images/Ally Accessible Version List.png",
    "Course Files/Images/Ally Dropdown Menu.png",
    "Course Files/Images/Ally Logo Image.png",
    "Files_for_Testing_Ally_(upload_here)/Getting the Most out of Canvas.pptx",
}


def imported(importer: CourseImporter, samples: Path, name: str) -> ImportedCourse:
    path = samples / "cartridges" / name
    assert importer.recognizes(path)
    return importer.read(path, LIMITS)


def test_workshop(importer: CourseImporter, samples: Path) -> None:
    course = imported(importer, samples, "allyworkshop.imscc")
    assert (course.title, course.language) == ("Ally: Accessibility Workshop", "en")
    assert outline(course) == WORKSHOP
    drafts = {lesson.title for lesson in lessons(course).values() if not lesson.is_published}
    assert drafts == {"What ALLY does", "ALLY Explained: Video", *WORKSHOP["Files"]}
    assert skipped(course) == [
        "Accessibility in your life",
        'Share your "Before" Courses',
        "Your courses, Accessible",
        "Badge: ALLY Badge",
        "The Time is Now → pages/rtc-accessibilty-advisory-committee",
        "The Time is Now → modules/ie302a5a763ef6c167429c5a05dd0f208",
        "Ally Questions and Answers",
        "Canvabadges",
    ]


def test_files_of_the_workshop(importer: CourseImporter, samples: Path) -> None:
    course = imported(importer, samples, "allyworkshop.imscc")
    texts = [lesson.html for lesson in lessons(course).values() if lesson.html is not None]
    assert len(texts) == 12
    files = {lesson.file for lesson in lessons(course).values() if lesson.file}
    assert set(course.files) - files == {f"web_resources/{path}" for path in SHOWN_IN_PAGES}
    assert len(course.files) == 26
    for file in course.files.values():
        with file.open() as stream:
            assert len(stream.read()) == file.size
    references = [url for html in texts for url in re.findall(r'(?:src|href)="([^"]*)"', html)]
    assert {url.split(":")[0] for url in references} == {"http", "https", "lms-file"}
    assert not [html for html in texts if "<body" in html or "<title" in html]


def test_course_of_assignments(importer: CourseImporter, samples: Path) -> None:
    course = imported(importer, samples, "canvas_cc_gem_course.imscc")
    assert course.title == "Canvas CC Gem Course"
    titles = [f"Course with {kind} Submission Type" for kind in ("Known", "Unknown", "Missing")]
    assert outline(course) == {"Assignments": titles}
    assert {lesson.html for lesson in lessons(course).values()} == {"<p>This is assignment content.</p>"}
    assert all(lesson.is_published for lesson in lessons(course).values())
    assert dict(course.files) == {}
    assert skipped(course) == ["course_settings/syllabus.html"]
