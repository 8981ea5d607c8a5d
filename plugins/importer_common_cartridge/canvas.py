"""What Canvas writes beside the manifest: which modules, items and assignments are drafts."""

from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import basename

from .archive import Archive
from .kinds import ASSIGNMENT_SETTINGS, Kind
from .safe_xml import Malformed, attribute, child, children, local, parse, text

MAX_DESCRIPTION = 4 << 20
"""Bytes of a small XML file that describes something."""

_MODULES = "course_settings/module_meta.xml"
_KINDS = {"ContextExternalTool": Kind.TOOL, "DiscussionTopic": Kind.DISCUSSION, "Quizzes::Quiz": Kind.QUIZ}


@dataclass(frozen=True, slots=True)
class ModuleMeta:
    """By the identifiers of modules and items: which are hidden, and the kinds that the manifest may not tell."""

    hidden: frozenset[str]
    kinds: dict[str, Kind]


@dataclass(frozen=True, slots=True)
class AssignmentMeta:
    title: str = ""
    hidden: bool = False


def module_meta(archive: Archive) -> ModuleMeta:
    """Empty without the file, or if it cannot be read."""
    hidden, kinds = set[str](), dict[str, Kind]()
    if _MODULES in archive and archive.size(_MODULES) <= MAX_DESCRIPTION:
        try:
            root = parse(archive.read(_MODULES))
        except Malformed:
            return ModuleMeta(frozenset(), {})
        for element in root.iter():
            if local(element) in {"module", "item"}:
                if _is_draft(text(child(element, "workflow_state"))):
                    hidden.add(attribute(element, "identifier"))
                if kind := _KINDS.get(text(child(element, "content_type"))):
                    kinds[attribute(element, "identifier")] = kind
    return ModuleMeta(frozenset(hidden), kinds)


def assignment_meta(archive: Archive, files: Iterable[str]) -> AssignmentMeta:
    """From the settings among the files of an assignment."""
    for path in map(archive.find, files):
        if path and basename(path) == ASSIGNMENT_SETTINGS and archive.size(path) <= MAX_DESCRIPTION:
            try:
                root = parse(archive.read(path))
            except Malformed:
                break
            title = next(children(root, "title"), None)
            return AssignmentMeta(text(title), _is_draft(text(child(root, "workflow_state"))))
    return AssignmentMeta()


def is_hidden_page(meta: dict[str, str]) -> bool:
    return _is_draft(meta.get("workflow_state", ""))


def _is_draft(state: str) -> bool:
    return state.lower() in {"unpublished", "deleted"}
