"""A connection to the migrated database, and the few rows that tests of the schema hang on."""

from collections.abc import Iterator
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, insert

from lms_core.accounts.models import User
from lms_core.courses.models import Course, Module
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import Identified, make_engine


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """Autocommit, so that what is checked at commit is checked after each statement."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


class Rows:
    """Makes rows with no more in them than the schema demands; each method answers the id."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._numbers = count(1)

    def add(self, model: type[Identified], **values: object) -> UUID:
        """Insert one row of any model."""
        return self._db.execute(insert(model).values(**values).returning(model.id)).scalar_one()

    def user(self, **values: object) -> UUID:
        number = next(self._numbers)
        person = {"email": f"u{number}@example.org", "password_hash": "x", "first_name": "Ada", "last_name": "Byron"}
        return self.add(User, **{**person, **values})

    def course(self, **values: object) -> UUID:
        number = next(self._numbers)
        if "instructor_id" not in values:
            values["instructor_id"] = self.user()
        return self.add(Course, **{"code": f"C{number}", "slug": f"course-{number}", "title": "Course", **values})

    def module(self, course_id: UUID, order_index: int = 0, **values: object) -> UUID:
        return self.add(Module, course_id=course_id, title="Module", order_index=order_index, **values)

    def enrollment(self, course_id: UUID, **values: object) -> UUID:
        if "user_id" not in values:
            values["user_id"] = self.user()
        return self.add(Enrollment, course_id=course_id, **values)


@pytest.fixture
def rows(db: Connection) -> Rows:
    return Rows(db)
