"""What the accounts' tests share: the mails that went out, and a person at the login."""

import email
import email.policy
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest

from lms_core.kernel.core import Core
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.client import Client

AUTH = "/api/v1/auth"
STRONG = "Tr0ub4dor&3-horses"


@dataclass(frozen=True)
class Mailbox:
    """What has been sent, once everything that waits in the outbox has been delivered."""

    registry: Any

    def read(self) -> list[EmailMessage]:
        deliver_pending(self.registry)
        files = sorted((self.registry.core.settings.data / "mail").glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.read() if mail["To"] == address]

    def token(self, address: str) -> str:
        """The token of the last mail to the address."""
        text = body(self.to(address)[-1])
        found = re.search(r"token=([\w-]+)", text)
        assert found, text
        return found[1]


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
def mailbox(registry: Any) -> Mailbox:
    return Mailbox(registry)


@pytest.fixture
def login(app: Client) -> Callable[..., Any]:
    """``login(user)``: the answer of ``POST /auth/login``; ``status="*"`` lets it fail."""
    from lms_core.testing.client import PASSWORD

    def post(user: Any, password: str = PASSWORD, **arguments: Any) -> Any:
        document = {"email": getattr(user, "email", user), "password": password}
        return app.anonymous().post_json(f"{AUTH}/login", document, **arguments)

    return post


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """``at_once(12, work)``: what twelve threads got from ``work()`` when they all began together."""

    def race(width: int, work: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(width)
        answers: list[Any] = []

        def run() -> None:
            gate.wait()
            try:
                answers.append(work())
            except Exception as error:
                answers.append(error)

        threads = [threading.Thread(target=run) for _each in range(width)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    return race


@pytest.fixture
def waits_for_lock(core: Core) -> Callable[[], bool]:
    """Whether some statement of this database is waiting for a lock."""
    from sqlalchemy import text

    def look() -> bool:
        with core.reader() as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(connection.execute(text(query)).scalar_one())

    return look
