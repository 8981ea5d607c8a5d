"""No trigrams of titles: misspelled words are compared with ``catalog_words``, and each enrollment wrote them anew."""

from alembic import op

revision = "0030_titles_without_trigrams"
down_revision = "0029_catalog_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_courses_title_trgm", "courses")


def downgrade() -> None:
    op.create_index(
        "ix_courses_title_trgm", "courses", ["title"], postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}
    )
