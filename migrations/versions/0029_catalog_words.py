"""The words of titles in the catalog, for searches that misspell one."""

import sqlalchemy as sa
from alembic import op

revision = "0029_catalog_words"
down_revision = "0028_outbox_claims"
branch_labels = None
depends_on = None

WORDS = r"regexp_split_to_table({title_key}, '[[:space:][:punct:]]+')"

# A word stays when its last title has gone: it leads to searches, and what those may find is decided there.
LEARN = f"""
CREATE FUNCTION lms_learn_title() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_words (word)
    SELECT DISTINCT word FROM {WORDS.format(title_key="NEW.title_key")} AS word
    WHERE length(word) BETWEEN 4 AND 50 ORDER BY word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER learn_title AFTER INSERT OR UPDATE OF title, is_published ON courses
FOR EACH ROW WHEN (NEW.is_published) EXECUTE FUNCTION lms_learn_title()
"""

FILL = f"""
INSERT INTO catalog_words (word)
SELECT DISTINCT word FROM courses, {WORDS.format(title_key="title_key")} AS word
WHERE is_published AND length(word) BETWEEN 4 AND 50
"""


def upgrade() -> None:
    op.create_table("catalog_words", sa.Column("word", sa.Text, primary_key=True))
    op.create_index(
        "ix_catalog_words_word_trgm",
        "catalog_words",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    for statement in (LEARN, TRIGGER, FILL):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION lms_learn_title() CASCADE")  # With the trigger that calls it.
    op.drop_table("catalog_words")
