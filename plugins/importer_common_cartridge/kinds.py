"""What a resource is, by its type and the names of its files; and what becomes of the kinds that lessons can't be."""

from collections.abc import Mapping
from enum import Enum
from posixpath import basename

from lms_core.plugin_api import _

from .manifest import Resource
from .references import is_html

SETTINGS_FOLDER = "course_settings/"
"""Where Canvas keeps what is no content."""

ASSIGNMENT_SETTINGS = "assignment_settings.xml"


class Kind(Enum):
    """The first four become lessons; their values are the titles of the modules for what isn't placed anywhere."""

    PAGE = _("Pages")
    ASSIGNMENT = _("Assignments")
    LINK = _("Links")
    FILE = _("Files")
    DISCUSSION = "discussion"
    QUIZ = "quiz"
    TOOL = "tool"
    SETTINGS = "settings"
    OTHER = "other"


WHY_NOT: Mapping[Kind, str] = {
    Kind.DISCUSSION: _("Discussions are not imported yet."),
    Kind.QUIZ: _("Quizzes and question banks are not imported yet."),
    Kind.TOOL: _("External tools (LTI) are not imported."),
    Kind.OTHER: _("This kind of content is not known."),
}

_BY_TYPE = (
    ("imswl", Kind.LINK),
    ("imsdt", Kind.DISCUSSION),
    ("imsqti", Kind.QUIZ),
    ("imsapip", Kind.QUIZ),
    ("imsbasiclti", Kind.TOOL),
    ("imslti", Kind.TOOL),
    ("assignment", Kind.ASSIGNMENT),
)


def kind_of(resource: Resource) -> Kind:
    for beginning, kind in _BY_TYPE:
        if resource.type.startswith(beginning):
            return kind
    if ASSIGNMENT_SETTINGS in map(basename, resource.files):
        return Kind.ASSIGNMENT
    main = main_file(resource)
    if not main:
        return Kind.OTHER
    if is_html(main):
        return Kind.PAGE
    if resource.type == "webcontent":
        return Kind.FILE
    if any(path.endswith(".qti") or basename(path) == "assessment_meta.xml" for path in resource.files):
        return Kind.QUIZ
    if main.startswith(SETTINGS_FOLDER):
        return Kind.SETTINGS
    return Kind.OTHER if main.lower().endswith(".xml") else Kind.FILE


def main_file(resource: Resource) -> str:
    """The file that is the lesson: the one the resource points to, or its page if it points to mere settings."""
    if resource.type == "webcontent" or is_html(resource.href):
        return resource.href
    return next((path for path in resource.files if is_html(path)), resource.href)
