"""Tags in the indexes that order the catalog, and an order within a category."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0052_tag_keys"
down_revision = "0051_published_minutes"
branch_labels = None
depends_on = None

IN_CATALOG = sa.text("is_published AND deleted_at IS NULL AND archived_at IS NULL")
ORDERS = {
    "newest": ("published_at DESC", "id DESC"),
    "popular": ("enrolled_count DESC", "id DESC"),
    "rating": ("rating_average DESC", "id DESC"),
    "price": ("price", "id"),
    "title": ("title_key", "id"),
}

# An index holds no more than 2,700 bytes of a row; the API takes 30 tags.
KEYS = """
CREATE FUNCTION lms_tag_keys(tags text[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT hashtextextended(tag, 0) FROM unnest(tags[1:100]) AS tag)
"""


def upgrade() -> None:
    op.execute(KEYS)
    op.add_column(
        "courses",
        sa.Column("tag_keys", ARRAY(sa.BigInteger), sa.Computed("lms_tag_keys(tags)", persisted=True), nullable=False),
    )
    op.drop_index("ix_courses_tags", "courses")
    op.create_index("ix_courses_tag_keys", "courses", ["tag_keys"], postgresql_using="gin")
    _order_again(["tag_keys"])
    op.create_index(
        "ix_courses_catalog_category_popular",
        "courses",
        ["category", sa.text("enrolled_count DESC"), sa.text("id DESC")],
        postgresql_where=IN_CATALOG,
    )


def _order_again(held: list[str]) -> None:
    for order, columns in ORDERS.items():
        index = f"ix_courses_catalog_{order}"
        op.drop_index(index, "courses")
        beside = ["currency"] if order == "price" else []
        op.create_index(
            index,
            "courses",
            [sa.text(column) for column in columns],
            postgresql_include=[*beside, *held],
            postgresql_where=IN_CATALOG,
        )


def downgrade() -> None:
    op.drop_index("ix_courses_catalog_category_popular", "courses")
    _order_again([])
    op.drop_index("ix_courses_tag_keys", "courses")
    op.create_index("ix_courses_tags", "courses", ["tags"], postgresql_using="gin")
    op.drop_column("courses", "tag_keys")
    op.execute("DROP FUNCTION lms_tag_keys(text[])")
