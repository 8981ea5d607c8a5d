"""What the tables' indexes are made with: extensions, the search configuration, immutable helpers.

The configuration ``lms`` stems English and ignores accents, for indexing and asking alike. Words of other languages
pass the same rules on both sides, so that they are found as they are written, with or without their accents.
"""

from alembic import op

revision = "0001_text_search"
down_revision = None
branch_labels = ("core",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute("CREATE TEXT SEARCH CONFIGURATION lms (COPY = english)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION lms ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem"
    )
    # array_to_string() is only stable, because the elements of some types print as the session's settings say;
    # text prints as it is, and an index takes nothing less than immutable.
    op.execute(
        """
        CREATE FUNCTION lms_words(words text[]) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(array_to_string(words, ' '), '') $$
        """
    )


def downgrade() -> None:
    # The extensions stay: another schema of this database may use them.
    op.execute("DROP FUNCTION lms_words(text[])")
    op.execute("DROP TEXT SEARCH CONFIGURATION lms")
