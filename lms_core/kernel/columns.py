"""The words models are written in: column types that recur, and checks that name themselves.

A check built here is called ``ck_<table>_<column>`` through the naming convention, so that an error names the column.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any

from sqlalchemy import CheckConstraint, Index, Numeric, false, text, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import Text

On = Annotated[bool, mapped_column(server_default=true())]
"""A flag that is true unless told otherwise."""
Off = Annotated[bool, mapped_column(server_default=false())]
"""A flag that is false unless told otherwise."""
Count = Annotated[int, mapped_column(server_default=text("0"))]
"""A whole number that begins at zero."""
Percent = Annotated[Decimal, mapped_column(Numeric(5, 2))]
"""0.00 to 100.00; pair it with ``percent()``."""
Points = Annotated[Decimal, mapped_column(Numeric(10, 2))]
"""Points of a question or an attempt."""
Money = Annotated[Decimal, mapped_column(Numeric(10, 2))]
"""An amount in the currency named beside it."""
Words = Annotated[list[str], mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))]
"""A list of words, empty unless told otherwise."""
Document = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"))]
"""A JSON object, empty unless told otherwise."""
Records = Annotated[list[Any], mapped_column(JSONB, server_default=text("'[]'::jsonb"))]
"""A JSON array, empty unless told otherwise."""

SEARCHED: Mapping[str, Any] = MappingProxyType({"eager_defaults": True, "exclude_properties": ("search",)})
"""``__mapper_args__`` of a model whose table has a ``search`` vector: matched against as ``Model.__table__.c.search``,
it is too large to bring back with each row, and so is not mapped."""


def one_of(column: str, *values: str) -> CheckConstraint:
    """The column is one of the values (or null, where it may be)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def percent(column: str) -> CheckConstraint:
    """0 to 100, both included."""
    return CheckConstraint(f"{column} BETWEEN 0 AND 100", name=column)


def at_least(minimum: int, *columns: str) -> list[CheckConstraint]:
    """One check per column: no smaller than the minimum."""
    return [CheckConstraint(f"{column} >= {minimum}", name=column) for column in columns]


def sparse_index(column: str) -> Index:
    """An index on a reference that most rows leave empty ("who did it"); it holds only the rows that have one."""
    return Index(None, column, postgresql_where=text(f"{column} IS NOT NULL"))
