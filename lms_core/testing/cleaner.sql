-- Makes pg_temp.clean(), which takes every table of the schema back to the rows it has now.
-- Triggers and foreign keys rest while it deletes, so that order and append-only tables do not matter.
-- Set for the session: setting it anew each time would throw away the plans.
SET session_replication_role = replica;
SET lock_timeout = '2s';
CREATE TEMPORARY TABLE seeds (name text PRIMARY KEY, rows bigint, writers numeric);

DO $outer$
DECLARE
    body text := '';
    one record;
    has_rows boolean;
BEGIN
    FOR one IN
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, 'seed_' || c.relname AS seed,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = current_schema()
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one.name) INTO has_rows;
        IF NOT has_rows THEN
            body := body || format(E'IF EXISTS (SELECT FROM %1$s) THEN DELETE FROM %1$s; END IF;\n', one.name);
        ELSE
            -- The sum of the transactions that wrote the rows changes with any insert, update or delete.
            EXECUTE format('CREATE TEMPORARY TABLE %I AS SELECT %s FROM %s', one.seed, one.columns, one.name);
            EXECUTE format('INSERT INTO pg_temp.seeds SELECT %1$L, count(*), sum(xmin::text::bigint) FROM %1$s', one.name);
            body := body || format(
                $part$
                IF (SELECT (count(*), sum(xmin::text::bigint)) FROM %1$s)
                   IS DISTINCT FROM (SELECT (rows, writers) FROM pg_temp.seeds WHERE name = %1$L) THEN
                    DELETE FROM %1$s;
                    INSERT INTO %1$s (%3$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM pg_temp.%2$I;
                    UPDATE pg_temp.seeds SET (rows, writers) = (SELECT count(*), sum(xmin::text::bigint) FROM %1$s)
                    WHERE name = %1$L;
                END IF;
                $part$, one.name, one.seed, one.columns);
        END IF;
    END LOOP;
    EXECUTE 'CREATE FUNCTION pg_temp.clean() RETURNS void LANGUAGE plpgsql AS '
            || quote_literal('BEGIN ' || body || ' END');
END
$outer$;
