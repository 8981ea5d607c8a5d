"""Months as partitions: the functions that make and drop them, and the first ones.

A table they serve is partitioned by range of ``created_at``. Its partitions are called ``<table>_y2030m01``, bounded
in UTC, and its default partition ``<table>_default``, which takes what no month does, so that no row is ever lost.
"""

from alembic import op

revision = "0010_partitions"
down_revision = "0009_triggers"
branch_labels = None
depends_on = None

TABLES = ("analytics_events", "system_logs")
MONTHS_AHEAD = 3

# A partition is made as a table of its own and attached, which lets the parent be written to meanwhile; what the
# default partition holds of that month moves first, or it could not be attached.
MAKE_PARTITIONS = """
CREATE FUNCTION lms_make_partitions(parent regclass, months_ahead integer) RETURNS integer
LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
DECLARE
    home text;
    stem text;
    partition text;
    rest text;
    month timestamptz;
    made integer := 0;
BEGIN
    SELECT relnamespace::regnamespace::text, relname INTO home, stem FROM pg_class WHERE oid = parent;
    rest := format('%s.%I', home, stem || '_default');
    EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %s PARTITION OF %s DEFAULT', rest, parent);
    FOR month IN
        SELECT generate_series(this, this + make_interval(months => months_ahead), '1 month')
        FROM date_trunc('month', now()) AS this
    LOOP
        partition := format('%s.%I', home, stem || to_char(month, '"_y"YYYY"m"MM'));
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', partition, parent);
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', rest);
        EXECUTE format(
            'WITH moved AS (DELETE FROM %s WHERE created_at >= %L AND created_at < %L RETURNING *)'
            ' INSERT INTO %s SELECT * FROM moved',
            rest, month, month + interval '1 month', partition
        );
        EXECUTE format(
            'ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
            parent, partition, month, month + interval '1 month'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""

DROP_PARTITIONS = """
CREATE FUNCTION lms_drop_partitions(parent regclass, keep_months integer) RETURNS integer
LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
DECLARE
    cutoff timestamptz := date_trunc('month', now()) - make_interval(months => keep_months);
    partition regclass;
    bounds text;
    dropped integer := 0;
BEGIN
    IF keep_months < 0 THEN
        RAISE EXCEPTION 'keep_months is %, and the month that runs is always kept', keep_months
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR partition, bounds IN
        SELECT oid::regclass, pg_get_expr(relpartbound, oid)
        FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = parent
    LOOP
        IF bounds = 'DEFAULT' THEN
            EXECUTE format('DELETE FROM %s WHERE created_at < %L', partition, cutoff);
        ELSIF substring(bounds FROM 'TO \\(''([^'']+)''\\)')::timestamptz <= cutoff THEN
            EXECUTE format('DROP TABLE %s', partition);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$
"""


def upgrade() -> None:
    op.execute(MAKE_PARTITIONS)
    op.execute(DROP_PARTITIONS)
    for table in TABLES:
        op.execute(f"SELECT lms_make_partitions('{table}', {MONTHS_AHEAD})")


def downgrade() -> None:
    # The partitions stay with their rows; they go with their table.
    op.execute("DROP FUNCTION lms_make_partitions(regclass, integer)")
    op.execute("DROP FUNCTION lms_drop_partitions(regclass, integer)")
