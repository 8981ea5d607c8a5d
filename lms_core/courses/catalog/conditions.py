"""What narrows a list of courses: each filter as a condition whose values are parameters.

PostgreSQL tries conditions of equal cost in the order they are written: what is told by a short column stands first.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, any_, bindparam, func, literal_column, or_
from sqlalchemy.dialects.postgresql import ARRAY

from lms_core.courses.models import Course

SEARCH = Course.__table__.c.search
WORDS = func.websearch_to_tsquery(literal_column("'lms'::regconfig"), bindparam("search"))
"""What is searched for: quoted phrases, ``or`` and ``-`` as web searches have them; any text is accepted."""
_TAG_KEYS = Course.__table__.c.tag_keys
_NOTHING: ColumnElement[Any] = literal_column("0")

FILTERS: Mapping[str, ColumnElement[bool]] = {
    **{
        name: getattr(Course, name) == any_(bindparam(name, type_=ARRAY(Text)))
        for name in ("category", "sub_category", "level", "language", "enrollment_type")
    },
    # One category, which most ask for, has an order of its own.
    "only_category": Course.category == bindparam("only_category"),
    # By the price itself: the indexes hold it, and what is computed from it they do not.
    "free": Course.price == _NOTHING,
    "paid": Course.price > _NOTHING,
    "min_price": Course.price >= bindparam("min_price"),
    "max_price": Course.price <= bindparam("max_price"),
    # What costs nothing costs nothing in every currency.
    "currency": or_(Course.currency == bindparam("currency"), Course.price == _NOTHING),
    "tags": _TAG_KEYS.overlap(func.lms_tag_keys(bindparam("tags", type_=ARRAY(Text)), type_=ARRAY(BigInteger))),
    "instructor": Course.instructor_id == bindparam("instructor"),
    "search": SEARCH.bool_op("@@")(WORDS),
}


def given(query: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a loaded ``schemas.CatalogQuery`` with their values, in the order of :data:`FILTERS`."""
    asked = dict(query)
    free = asked.pop("free", None)
    if free is not None:
        asked["free" if free else "paid"] = True
    if len(asked.get("category") or ()) == 1:
        [asked["only_category"]] = asked.pop("category")
    return {name: asked[name] for name in FILTERS if asked.get(name) not in (None, "", [])}
