"""What web processes, workers and commands share: settings, database, plugins, keys, words and a clock."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

from lms_core.kernel.db import make_engine, make_reader_engine, request_sessionmaker
from lms_core.kernel.i18n import Catalogs
from lms_core.kernel.tokens import Tokens
from lms_core.settings import Settings

if TYPE_CHECKING:
    from lms_core.kernel.plugins import Plugins

Clock = Callable[[], dt.datetime]


def system_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Core:
    """One per process, on ``registry.core`` and ``request.core``. Engines connect lazily."""

    settings: Settings
    plugins: "Plugins"
    i18n: Catalogs
    tokens: Tokens
    engine: Engine
    clock: Clock = field(default=system_clock)

    @cached_property
    def readers(self) -> Engine:
        """The engine of the read lane: a pool of its own, so that slow commands starve no read."""
        return make_reader_engine(
            self.engine.url.render_as_string(hide_password=False),
            pool_size=self.settings.integer("sqlalchemy.pool_size"),
        )

    @cached_property
    def request_sessions(self) -> sessionmaker[Session]:
        return request_sessionmaker(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session of its own that commits on leaving and rolls back on an exception: for tasks and commands."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        with self.readers.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One moment of the database, for reads that belong together; nothing can be written."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Return every connection; used after a fork and at the end of a command."""
        self.engine.dispose()
        self.readers.dispose()


def make_core(settings: Settings, plugins: "Plugins", *, clock: Clock = system_clock) -> Core:
    return Core(
        settings=settings,
        plugins=plugins,
        i18n=Catalogs(("lms_core", *plugins.packages_with_words())),
        tokens=Tokens.from_settings(settings, clock),
        engine=make_engine(settings.text("sqlalchemy.url"), pool_size=settings.integer("sqlalchemy.pool_size")),
        clock=clock,
    )
