"""Addresses that hand out one file for a short time, to whoever has them: for what sends no token.

A browser's ``<img>``, ``<video>`` or PDF viewer asks for an address and nothing else. Such an address is signed; it
names the file, when it ends, and whom it was given to: it opens what that person may open, and is traced to them. Who
may no longer have the file keeps it for ``lms.files.url_ttl`` at most.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from lms_core.kernel.core import Core
from lms_core.kernel.errors import Forbidden, Gone
from lms_core.kernel.i18n import _

PURPOSE = "files.link"


@dataclass(frozen=True, slots=True)
class FileLink:
    """An address, relative to the API's base, and when it ends."""

    path: str
    expires_at: dt.datetime


def make_link(core: Core, file_id: uuid.UUID, person: uuid.UUID | None) -> FileLink:
    """An address of the file for a person, or for nobody who is known."""
    seconds = int(core.clock().timestamp() + core.settings.seconds("lms.files.url_ttl"))
    signed = {"by": str(person or ""), "expires": str(seconds)}
    signature = core.tokens.signatures.sign(PURPOSE, str(file_id), signed["by"], signed["expires"])
    query = urlencode({**signed, "signature": signature})
    return FileLink(f"files/{file_id}/download?{query}", dt.datetime.fromtimestamp(seconds, dt.UTC))


@dataclass(frozen=True, slots=True)
class Checked:
    """What a good link says: whom it was given to, or None for nobody who is known, and how long it lives."""

    given_to: uuid.UUID | None
    seconds_left: int


def check_link(core: Core, file_id: uuid.UUID, query: Mapping[str, str]) -> Checked:
    """What the link of a request says.

    Raises 403 ``link_invalid`` where anything in it was changed, and 410 ``link_expired``.
    """
    by, expires = query["by"], query["expires"]
    if not core.tokens.signatures.fits(query["signature"], PURPOSE, str(file_id), by, expires):
        raise Forbidden("link_invalid", _("This link is not valid; ask for a new one."))
    left = int(expires) - core.clock().timestamp()
    if left <= 0:
        raise Gone("link_expired", _("This link has expired; ask for a new one."))
    return Checked(uuid.UUID(by) if by else None, int(left))
