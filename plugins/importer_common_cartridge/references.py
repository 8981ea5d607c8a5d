"""Where the references of a page lead: to a file of the cartridge, to another part of the course, or outside."""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from lms_core.plugin_api import FILE_SCHEME, _

from .archive import Archive, too_large

WEB_RESOURCES = "web_resources"
"""The folder that Canvas means by ``$IMS-CC-FILEBASE$``; others mean the folder of the page, or the root."""

NO_FILE = _("The cartridge does not hold this file.")
LINK_LOST = _("Links to other parts of the course are not imported; the text of the link remains.")

_HTML = (".html", ".htm", ".xhtml", ".xht")
_TOKEN = re.compile(r"/?\$([A-Z][A-Z_-]*)\$/*(.*)", re.DOTALL)
_FILE_TOKENS = {"IMS-CC-FILEBASE", "IMS_CC_FILEBASE"}
_FILE_BY_ID = re.compile(r"file_ref/([^/]+)")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_IGNORED = str.maketrans("", "", "\t\r\n")

Lost = dict[str, str]
"""What one page refers to in vain, as a person would name it, and why."""


def is_html(path: str) -> bool:
    return path.lower().endswith(_HTML)


class References:
    """Resolves the references of all pages. ``used`` are the paths of the files that pages need."""

    def __init__(self, archive: Archive, file_by_id: Mapping[str, str]) -> None:
        """``file_by_id``: the main files of the resources."""
        self.used: dict[str, None] = {}
        self._archive = archive
        self._file_by_id = file_by_id

    def rewrite(self, reference: str, folder: str, lost: Lost) -> str | None:
        """What a page in that folder is to say instead; None, and an entry in ``lost``, if it leads nowhere."""
        plain = reference.translate(_IGNORED).strip()
        path = unquote(re.split(r"[?#]", plain, maxsplit=1)[0])
        token = _TOKEN.match(path)
        if not path or plain.startswith("//"):
            return reference
        if not token and _SCHEME.match(plain):
            # What a page names in the scheme of imports was not put there by this import.
            return None if plain.lower().startswith(FILE_SCHEME) else reference
        found, reason = self._found(token, path, folder)
        if found is None or is_html(found):
            lost[token[2] if token else path] = reason if found is None else LINK_LOST
            if len(lost) > self._archive.limits.entries:
                raise too_large(_("A page of the cartridge has too many broken links."))
            return None
        self.used[found] = None
        return FILE_SCHEME + quote(found)

    def _found(self, token: re.Match[str] | None, path: str, folder: str) -> tuple[str | None, str]:
        """The path in the archive; or None, and then why."""
        if token is None:
            return self._look_up(folder, "", WEB_RESOURCES, path=path), NO_FILE
        if token[1] in _FILE_TOKENS:
            return self._look_up(WEB_RESOURCES, folder, "", path=token[2]), NO_FILE
        if by_id := _FILE_BY_ID.match(token[2]):
            return self._archive.find(self._file_by_id.get(by_id[1], "")), NO_FILE
        return None, LINK_LOST

    def _look_up(self, *folders: str, path: str) -> str | None:
        names = (self._archive.find(posixpath.join(folder, path.lstrip("/"))) for folder in folders)
        return next((name for name in names if name is not None), None)
