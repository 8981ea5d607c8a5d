"""The database lane: declarative base, engine, and the two connections of a request.

``request.db`` is an ORM session on pyramid_tm's transaction: commands use it, and raising rolls back.
``request.reader`` is a Core connection in autocommit: reads use it, and it never joins a transaction, so a read
costs no BEGIN and no COMMIT.
"""

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from psycopg.types.json import set_json_loads
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    FetchedValue,
    MetaData,
    Numeric,
    Row,
    Select,
    Text,
    Uuid,
    create_engine,
    event,
    func,
    inspect,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from zope.sqlalchemy.datamanager import STATUS_CHANGED, join_transaction

from lms_core.kernel.security import caller_id

if TYPE_CHECKING:
    from lms_core.kernel.request import Request

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


AnySelect = Select[*tuple[Any, ...]]
"""A SELECT of whatever columns."""
AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns."""


class Base(DeclarativeBase):
    """Every table of the core and of plugins hangs on this metadata.

    What the database fills in (defaults, generated columns, ``updated_at``) comes back with RETURNING in the same
    statement, for UPDATE as for INSERT.
    """

    __mapper_args__: Any = {"eager_defaults": True}
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        str: Text,
        uuid.UUID: Uuid,
        dt.datetime: DateTime(timezone=True),
        Decimal: Numeric,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        list[uuid.UUID]: ARRAY(Uuid),
    }

    def as_dict(self) -> dict[str, Any]:
        """The loaded columns by attribute name."""
        return {attribute.key: getattr(self, attribute.key) for attribute in inspect(type(self)).column_attrs}


class Identified:
    """A random UUID key, known before the row is flushed."""

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, default=uuid.uuid4, server_default=func.gen_random_uuid(), sort_order=-10
    )


class Created:
    """``created_at``, set by the database."""

    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), sort_order=90)


class Timestamped(Created):
    """``created_at`` and ``updated_at``; a trigger keeps the latter (``touch_updated_at`` in the migrations)."""

    updated_at: Mapped[dt.datetime] = mapped_column(
        server_default=func.now(), server_onupdate=FetchedValue(), sort_order=91
    )


POOL_WAIT = 10.0
"""Seconds a request waits for a connection before its caller hears 503: a thread that waits serves nobody."""
IDLE_LIMIT = 600
"""Seconds between two statements of a transaction, after which the server rolls it back. Storing the largest file of an
imported course takes less; who takes longer hangs, and holds locks that others wait for."""


def leave_times(db: Session) -> None:
    """From here on the transaction writes what follows from what others wrote: ``updated_at`` stays as it is.

    Or the ETag in an editor's hands would be stale through nobody's doing.
    """
    db.execute(text("SELECT set_config('lms.derived', 'on', true)"))


def make_reader_engine(url: str, *, pool_size: int = 5) -> Engine:
    """The engine of the read lane: connections are in autocommit for life, so taking and returning one is free."""
    return make_engine(
        url,
        pool_size=pool_size,
        pre_ping=False,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )


def make_engine(url: str, *, pool_size: int = 5, pre_ping: bool = True, **options: Any) -> Engine:
    """A pooled engine for a ``postgresql://`` URL, with psycopg 3 and orjson for JSONB; times come in UTC.

    With ``pre_ping`` a connection is tried before a command gets it, so that none fails because the server restarted.
    """
    engine = create_engine(
        normal_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=pre_ping,
        pool_timeout=POOL_WAIT,
        pool_recycle=1800,
        json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
        json_deserializer=orjson.loads,
        query_cache_size=2000,
        native_inet_types=False,
        hide_parameters=True,
        connect_args={"prepare_threshold": 2, "application_name": "lms", "options": _SESSION},
        **options,
    )
    event.listen(engine, "connect", _teach_driver)
    return engine


_SESSION = f"-c timezone=UTC -c idle_in_transaction_session_timeout={IDLE_LIMIT}s"


def _teach_driver(connection: Any, _record: Any) -> None:
    """What the driver's own cursors answer is then what SQLAlchemy's do."""
    set_json_loads(orjson.loads, connection)


def normal_url(url: str) -> str:
    """The URL with the psycopg 3 driver named: libpq's own spelling names none."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url[len(scheme) :]
    return url


def request_sessionmaker(engine: Engine) -> sessionmaker[Session]:
    """Sessions for requests: each joins the transaction manager it carries in ``info["tm"]``.

    One listener on the factory serves all requests; registering per session costs 0.3 ms each. A session counts
    as changed from its first statement, because Core statements (``INSERT .. ON CONFLICT``) fire no flush event:
    committing nothing costs less than losing a write.
    """
    maker = sessionmaker(engine, expire_on_commit=False)

    def join(session: Session, _transaction: Any, _connection: Any) -> None:
        join_transaction(session, STATUS_CHANGED, session.info["tm"])

    event.listen(maker, "after_begin", join)
    return maker


def request_session(request: "Request") -> Session:
    """``request.db``; it carries who asks and in which request, for what it publishes."""
    return request.core.request_sessions(
        info={
            "tm": request.tm,
            "request_id": request.request_id,
            "actor_id": caller_id(request),
        }
    )


def request_reader(request: "Request") -> Connection:
    """``request.reader``: returned to its pool when the response has been made."""
    connection = request.core.readers.connect()
    request.add_finished_callback(lambda _request: connection.close())
    return connection


def changes_data(request: "Request") -> bool:
    """Whether pyramid_tm opens a transaction: reads use the other lane and pay for none."""
    return request.method not in ("GET", "HEAD", "OPTIONS")
