"""How PostgreSQL finds the events to claim, among many that others hold: by their plan, not by the clock."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from lms_core.kernel import relay
from tests.functional.pipeline.support import MakePipeline, noting

FILL = text(
    """
    INSERT INTO outbox (name, payload, lease_until, finished_at)
    SELECT 'test.thing_done', '{}', CAST(:lease AS timestamptz), CAST(:finished AS timestamptz)
    FROM generate_series(1, :rows)
    """
)
LEASED, FINISHED = 20_000, 2_000


def scans(plan: Any, table: str) -> Iterator[dict[str, Any]]:
    """The nodes that read a table."""
    if plan.get("Relation Name") == table:
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below, table)


@pytest.mark.parametrize(("again", "index"), [(False, "ix_outbox_fresh"), (True, "ix_outbox_leased")])
@pytest.mark.parametrize(("fresh", "overdue"), [(0, 0), (1000, 0), (0, 1000), (1000, 1000)])
def test_a_claim_reads_nothing_that_another_holds(
    make_pipeline: MakePipeline, again: bool, index: str, fresh: int, overdue: int
) -> None:
    core = make_pipeline({"test.one": noting("one")}).core
    rows = (
        {"rows": FINISHED, "lease": "2020-01-01", "finished": "2020-01-01"},
        {"rows": LEASED, "lease": "2100-01-01", "finished": None},
        {"rows": overdue, "lease": "2020-01-01", "finished": None},
        {"rows": fresh, "lease": None, "finished": None},
    )
    with core.engine.connect() as db:
        for row in rows:
            db.execute(FILL, row)
        db.execute(text("ANALYZE outbox"))
        explain = text(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {relay._CLAIM[again]}")
        parameters = {"batch": relay.BATCH, "names": ["test.thing_done"], "subscribers": ["test.one"]}
        [[plan]] = [db.execute(explain, parameters).scalar_one()]
        db.rollback()
    [scan] = scans(plan["Plan"], "outbox")
    assert scan["Index Name"] == index, scan
    assert scan.get("Rows Removed by Filter", 0) == 0
    assert scan["Actual Rows"] == min(relay.BATCH, overdue if again else fresh)
