"""The catalog: an order by title, and an index for every filter and order that a large catalog is asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0024_catalog"
down_revision = "0023_pictures"
branch_labels = None
depends_on = None

IN_CATALOG = sa.text("is_published AND deleted_at IS NULL AND archived_at IS NULL")
HIDDEN = sa.text("NOT is_published OR archived_at IS NOT NULL OR deleted_at IS NOT NULL")
TITLE_KEY = r"lower(regexp_replace(NORMALIZE(title, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text))"
FACETS = ("category", "level", "language", "enrollment_type")


def upgrade() -> None:
    op.add_column(
        "courses",
        sa.Column("title_key", sa.Text(collation="C"), sa.Computed(TITLE_KEY, persisted=True), nullable=False),
    )
    op.create_index("ix_courses_catalog_title", "courses", ["title_key", "id"], postgresql_where=IN_CATALOG)
    op.drop_index("ix_courses_catalog_category", "courses")
    op.create_index(
        "ix_courses_catalog_category",
        "courses",
        [*FACETS, "sub_category", "price", "currency"],
        postgresql_where=IN_CATALOG,
    )
    op.create_index(
        "ix_courses_catalog_sub_category", "courses", ["sub_category", *FACETS[1:]], postgresql_where=IN_CATALOG
    )
    op.drop_index("ix_courses_catalog_price", "courses")
    op.create_index(
        "ix_courses_catalog_price",
        "courses",
        ["price", "id"],
        postgresql_include=["currency"],
        postgresql_where=IN_CATALOG,
    )
    op.create_index(
        "ix_courses_hidden", "courses", [sa.text("created_at DESC"), sa.text("id DESC")], postgresql_where=HIDDEN
    )
    # A sub-category all but names its category: taken for independent, the two would seem to fit hardly any course.
    op.execute("CREATE STATISTICS courses_categories (dependencies) ON category, sub_category FROM courses")


def downgrade() -> None:
    op.execute("DROP STATISTICS courses_categories")
    for index in ("hidden", "catalog_price", "catalog_sub_category", "catalog_category", "catalog_title"):
        op.drop_index(f"ix_courses_{index}", "courses")
    op.create_index("ix_courses_catalog_price", "courses", ["price", "id"], postgresql_where=IN_CATALOG)
    op.create_index("ix_courses_catalog_category", "courses", ["category", "sub_category"], postgresql_where=IN_CATALOG)
    op.drop_column("courses", "title_key")
