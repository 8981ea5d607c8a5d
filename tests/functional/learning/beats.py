"""Time, in the tests of learning: it passes by moving back what was counted so far."""

import datetime as dt

from sqlalchemy import update

from lms_core.enrollment.models import Enrollment


def let_pass(core, seconds):
    """As if everybody's last beat had come so many seconds earlier."""
    with core.transaction() as db:
        db.execute(
            update(Enrollment).values(time_counted_until=Enrollment.time_counted_until - dt.timedelta(seconds=seconds))
        )


def beat(person, lesson, seconds=0, status=200, **said):
    body = {"seconds": seconds, **said}
    return person.client.post_json(f"/api/v1/lessons/{lesson}/heartbeat", body, status=status).json


def do(person, what, lesson, **kwargs):
    return person.client.post_json(f"/api/v1/lessons/{lesson}/{what}", **kwargs).json


def progress(person, lesson, **kwargs):
    return person.client.get(f"/api/v1/lessons/{lesson}/progress", **kwargs).json
