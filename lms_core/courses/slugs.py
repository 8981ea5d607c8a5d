"""The part of a URL that names a course to people."""

import re
import unicodedata

from lms_core.kernel.traversal import parse_uuid

SLUG_LENGTH = 200
"""Characters; a number may follow."""
RESERVED = frozenset({"categories", "facets", "import"})
"""What stands in the place of a course's name below ``/courses``."""


def is_reserved(slug: str) -> bool:
    """Whether it names something else in an address: another resource, or a course by its id."""
    return slug in RESERVED or parse_uuid(slug) is not None


def slugify(title: str) -> str:
    """The title in lower case with dashes, in its own script: ``Électricité 1`` -> ``électricité-1``."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", title).casefold())
    return "-".join(words)[:SLUG_LENGTH].strip("-") or "course"
