"""The part of a URL that names a course to people."""

import re
import unicodedata

SLUG_LENGTH = 200
"""Characters; a number may follow."""
RESERVED = frozenset({"categories", "facets", "import"})
"""What stands in the place of a course's name below ``/courses``."""


def slugify(title: str) -> str:
    """The title in lower case with dashes, in its own script: ``Électricité 1`` -> ``électricité-1``."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", title).casefold())
    return "-".join(words)[:SLUG_LENGTH].strip("-") or "course"
