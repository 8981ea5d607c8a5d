"""Numbers and texts that cannot be meant are refused by name, before anything starts."""

import pytest

from lms_core.settings import SettingsError, load_settings

GOOD = {
    "sqlalchemy.url": "embedded:", "lms.broker.url": "embedded:", "lms.jwt.keys": "x", "lms.secret.keys": "x",
    "lms.certificates.keys": "x",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lms.web.workers", "0"),
        ("lms.web.threads", "1"),
        ("lms.worker.concurrency", "0"),
        ("lms.password.rounds", "99"),
        ("lms.password.lane", "0"),
        ("lms.auth.max_failures", "0"),
        ("lms.url", "notaurl"),
        ("sqlalchemy.url", "sqlite:///x"),
        ("lms.broker.url", "http://x"),
    ],
)
def test_it_is_refused_by_name_in_one_line(name, value):
    with pytest.raises(SettingsError) as refused:
        load_settings({**GOOD, name: value}, {})
    assert str(refused.value).startswith(f"{name}: ")
    assert "\n" not in str(refused.value)


def test_what_is_meant_passes():
    load_settings({**GOOD, "sqlalchemy.url": "postgresql://u@h/d", "lms.broker.url": "amqp://h//"}, {})
