"""Up, down and up again; the database and the models agree in every detail PostgreSQL knows."""

import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, create_engine, text

from lms_core.kernel import migrations
from lms_core.kernel.db import Base, normal_url
from lms_core.kernel.plugins import Migrations

DOMAINS = [
    "kernel",
    "accounts",
    "files",
    "courses",
    "enrollment",
    "assessment",
    "learning",
    "certificates",
    "forum",
    "notifications",
    "analytics",
    "administration",
]

CATALOG: Mapping[str, str] = {
    "columns": """
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated, attidentity,
               pg_get_expr(adbin, adrelid)
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relkind IN ('r', 'p')
    """,
    "constraints": """
        SELECT relname, conname, contype, pg_get_constraintdef(pg_constraint.oid)
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE true
    """,
    "indexes": """
        SELECT relname, pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE true
    """,
    "tables": "SELECT relname, relkind FROM pg_class WHERE relkind IN ('r', 'p')",
}


def snapshot(url: str) -> dict[str, set[tuple[object, ...]]]:
    """Everything the catalog says of the tables, partitions and Alembic's own table left out."""
    ours = " AND relnamespace = 'public'::regnamespace AND NOT relispartition AND relname <> 'alembic_version'"
    engine = create_engine(normal_url(url))
    with engine.connect() as db:
        found = {name: {tuple(row) for row in db.execute(text(query + ours))} for name, query in CATALOG.items()}
    engine.dispose()
    return found


def objects(db: Connection) -> list[str]:
    """What a migration leaves in the schema, extensions and their members left out."""
    return list(
        db.scalars(
            text(
                """
                SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
                UNION ALL
                SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
                    SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
                UNION ALL
                SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
                ORDER BY 1
                """
            )
        )
    )


def test_down_to_base_leaves_nothing_and_up_again_works(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    first = snapshot(empty_database_url)
    migrations.downgrade(empty_database_url)
    engine = create_engine(normal_url(empty_database_url))
    with engine.connect() as db:
        assert objects(db) == ["alembic_version"]
        assert migrations.current(db) == ()
    migrations.upgrade(empty_database_url)
    with engine.connect() as db:
        assert migrations.current(db) == migrations.heads()
    engine.dispose()
    assert snapshot(empty_database_url) == first


def test_each_revision_can_be_taken_back(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    engine = create_engine(normal_url(empty_database_url))
    with engine.connect() as db:
        while migrations.current(db):
            db.commit()
            migrations.downgrade(empty_database_url, revision="-1")
            migrations.upgrade(empty_database_url, revision="+1")
            migrations.downgrade(empty_database_url, revision="-1")
    engine.dispose()


def test_alembic_finds_no_drift(database_url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Where Alembic cannot compare, it warns.
        migrations.check(database_url)


def test_models_and_migrations_make_the_same(database_url: str, tables_of_models: str) -> None:
    """Alembic looks past much of this: predicates, operator classes, check texts, deferrability, generated columns."""
    made, migrated = snapshot(tables_of_models), snapshot(database_url)
    assert {what: made[what] ^ migrated[what] for what in CATALOG} == {what: set() for what in CATALOG}


@pytest.fixture
def tables_of_models(empty_database_url: str, database_url: str) -> str:
    """A database whose tables the models made themselves."""
    for domain in DOMAINS:
        importlib.import_module(f"lms_core.{domain}.models")
    migrations.upgrade(empty_database_url, revision="0001_text_search")
    migrated = create_engine(normal_url(database_url))
    engine = create_engine(normal_url(empty_database_url))
    with migrated.connect() as source, engine.begin() as db:
        # A later migration made it, for a column to be computed with.
        db.exec_driver_sql(source.scalars(text("SELECT pg_get_functiondef('lms_tag_keys'::regproc)")).one())
    migrated.dispose()
    Base.metadata.create_all(engine)
    engine.dispose()
    return empty_database_url


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrations.upgrade(empty_database_url)
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    migrations.check(empty_database_url)


REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "badges_0001"
down_revision = None
branch_labels = ("badges",)
depends_on = "0003_people_and_files"


def upgrade() -> None:
    op.create_table("badges", sa.Column("id", sa.Uuid, primary_key=True),
                    sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id")))


def downgrade() -> None:
    op.drop_table("badges")
"""


def test_a_plugin_brings_a_branch_of_its_own(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "50% badges" / "badges_migrations"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "badges_0001.py").write_text(REVISION)
    monkeypatch.syspath_prepend(package.parent)
    plugin = Migrations(package="badges_migrations", branch="badges")

    migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url, [plugin])
    engine = create_engine(normal_url(empty_database_url))
    with engine.connect() as db:
        assert migrations.current(db) == migrations.heads([plugin]) == (*migrations.heads(), "badges_0001")
        assert "badges" in objects(db)
    migrations.downgrade(empty_database_url, [plugin], f"{plugin.branch}@base")
    with engine.connect() as db:
        assert migrations.current(db) == migrations.heads()
        assert "badges" not in objects(db)
    engine.dispose()
