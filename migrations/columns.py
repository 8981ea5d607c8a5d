"""Words that recur in the revisions. Shipped revisions are written in them: add words, never change one."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

MOMENT = sa.DateTime(timezone=True)
TEXTS = pg.ARRAY(sa.Text())
UUIDS = pg.ARRAY(sa.Uuid())

NOW = sa.text("now()")
NEW_ID = sa.text("gen_random_uuid()")
ZERO = sa.text("0")
ONE = sa.text("1")
TRUE = sa.true()
FALSE = sa.false()
OBJECT = sa.text("'{}'::jsonb")
LIST = sa.text("'[]'::jsonb")
NO_TEXTS = sa.text("'{}'::text[]")
NO_UUIDS = sa.text("'{}'::uuid[]")
