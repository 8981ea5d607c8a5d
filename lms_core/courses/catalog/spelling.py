"""What somebody meant who searched for what no course has: the closest of the words that titles have.

``catalog_words`` holds the words of titles that are or were in the catalog; a trigger writes it. There are far fewer of
them than courses, so that comparing with them costs little in a catalog of any size.
"""

import re
import unicodedata

from sqlalchemy import Connection, Integer, Text, bindparam, cast, func, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from lms_core.courses.models import CatalogWord
from lms_core.kernel.prepared import Prepared

_WORD = re.compile(r"[^\W_]{4,50}")
"""What may be misspelled: a shorter word has too many neighbours."""
_MOST = 10
"""Words of one search that are looked at."""


def corrected(connection: Connection, search: str) -> str | None:
    """The search with each word replaced by the closest one of a title; None where that changes nothing."""
    plain = _plain(search)
    asked = list(dict.fromkeys(_WORD.findall(plain)))[:_MOST]
    spellings = [(word, spelled) for word in asked for spelled in (word, *_swapped(word))]
    rows = _CLOSEST.all(
        connection,
        words=asked,
        asked=[word for word, _spelled in spellings],
        spelled=[spelled for _word, spelled in spellings],
    )
    closest = {row.asked: row.word for row in rows}
    found = _WORD.sub(lambda match: closest.get(match[0], match[0]), plain)
    return found if found != plain else None


def _plain(text: str) -> str:
    """Without case and accents, as ``courses.title_key`` is."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text)).lower()


def _swapped(word: str) -> list[str]:
    """The word with two neighbours swapped, which leaves a short one hardly a trigram of its own."""
    return [word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(len(word) - 1)]


def _closest() -> Prepared:
    """For each word asked for: itself, else one that a swap makes of it, else the one most like it."""
    texts = ARRAY(Text)
    pair = (
        func.unnest(bindparam("asked", type_=texts), bindparam("spelled", type_=texts))
        .table_valued("asked", "spelled", name="pair")
        .render_derived()
    )
    one = func.unnest(bindparam("words", type_=texts)).table_valued("asked", name="one").render_derived()
    word = CatalogWord.word
    spelled_so = select(pair.c.asked, word, (cast(word == pair.c.asked, Integer) + 1).label("closeness"))
    alike = select(one.c.asked, word, func.similarity(word, one.c.asked))
    found = union_all(
        spelled_so.join_from(pair, CatalogWord, word == pair.c.spelled),
        alike.join_from(one, CatalogWord, word.bool_op("%")(one.c.asked)),
    ).subquery("found")
    best = select(found.c.asked, found.c.word).ext(distinct_on(found.c.asked))
    return Prepared(best.order_by(found.c.asked, found.c.closeness.desc(), found.c.word))


_CLOSEST = _closest()
