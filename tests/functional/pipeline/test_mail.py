"""Mail: queued sealed, rendered, sent by SMTP or written to a file."""

import email
import email.policy
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from structlog.testing import capture_logs

from lms_core.kernel.delivery import deliver
from lms_core.kernel.events import Delivery
from lms_core.kernel.mail import queue_mail
from lms_core.kernel.mail_transports import FileTransport, SmtpTransport, transport_from
from lms_core.kernel.outbox import deliver_pending
from lms_core.settings import Settings, SettingsError
from tests.functional.pipeline.support import MakePipeline, Pipeline, kernel

TEMPLATES = {
    "greeting.txt": 'Subject: {% trans %}Welcome{% endtrans %}, {{ name }}\n{% extends "kernel:layout.txt" %}\n'
    "{% block body %}\n{% trans %}Hello {{ name }},{% endtrans %}\n\n\n\n{{ link }}\n{% endblock %}\n",
    "greeting.html": '{% extends "kernel:layout.html" %}\n{% from "kernel:layout.html" import button %}\n'
    '{% block body %}<p>{{ name }}</p>{{ button(link, _("Open")) }}{% endblock %}\n',
    "plain.txt": "Subject: Plain\n{{ locale }} {{ site_name }}\n",
    "headless.txt": "Hello\n",
}


@pytest.fixture(scope="module", autouse=True)
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin's package with templates and words of its own."""
    home = tmp_path_factory.mktemp("plugins")
    folder = home / "acme_lms" / "templates"
    folder.mkdir(parents=True)
    (home / "acme_lms" / "__init__.py").touch()
    for name, source in TEMPLATES.items():
        (folder / name).write_text(source)
    words = home / "acme_lms" / "locale" / "tlh"
    words.mkdir(parents=True)
    (words / "lms.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "Welcome"\nmsgstr "Qapla"\n\nmsgid "Hello %(name)s,"\nmsgstr "nuqneH %(name)s,"\n'
    )
    sys.path.insert(0, str(home))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(home))
    sys.modules.pop("acme_lms", None)


def send(pipeline: Pipeline, to: str = "ann@example.org", template: str = "acme_lms:greeting", **context: Any) -> int:
    values = {"name": "Ann", "link": "https://lms.example/verify?token=s3cret", **context}
    with pipeline.core.transaction() as db:
        queue_mail(db, pipeline.core, to=to, template=template, context=values)
    return deliver_pending(pipeline.registry)


def written(pipeline: Pipeline) -> list[EmailMessage]:
    folder = pipeline.core.settings.data / "mail"
    return [
        cast(EmailMessage, email.message_from_bytes(path.read_bytes(), policy=email.policy.default))
        for path in sorted(folder.glob("*.eml"))
    ]


def parts(message: EmailMessage) -> tuple[str, str]:
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert page is not None
    return plain.get_content(), page.get_content()


def test_a_mail_becomes_one_file(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({}, lms__name="Académie", lms__mail__from="Académie <no-reply@lms.example>")
    with capture_logs() as logs:
        assert send(pipeline, name="Ann <b>") == 1
    (message,) = written(pipeline)
    (event,) = pipeline.column("SELECT event_id FROM outbox")
    assert (message["Subject"], message["To"]) == ("Welcome, Ann <b>", "ann@example.org")
    assert message["From"] == "Académie <no-reply@lms.example>"
    assert message["Message-ID"] == f"<{event}@lms.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    plain, page = parts(message)
    assert plain.startswith("Hello Ann <b>,\n\nhttps://lms.example/verify?token=s3cret\n\n-- \nAcadémie\n")
    assert "<p>Ann &lt;b&gt;</p>" in page
    assert 'href="https://lms.example/verify?token=s3cret"' in page
    (path,) = (pipeline.core.settings.data / "mail").iterdir()
    assert path.name.endswith(f"Z-{event}.eml")
    assert [(log["event"], log["path"]) for log in logs] == [("mail_written", str(path))]
    assert "s3cret" not in str(logs)
    assert "https://lms.example/verify?token=s3cret\n" in path.read_text(), "readable as it stands"


def test_the_same_event_writes_the_same_file(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    send(pipeline)
    pipeline.execute("DELETE FROM event_ledger")
    pipeline.execute("UPDATE outbox SET finished_at = NULL")
    assert deliver(pipeline.registry, "mail.send", pipeline.column("SELECT event_id FROM outbox")) == 1
    assert len(written(pipeline)) == 1


def test_no_token_rests_readable(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    send(pipeline)
    assert pipeline.column("SELECT payload::text LIKE '%s3cret%' FROM outbox") == [False]


def test_mail_speaks_the_receivers_language(settings: Settings) -> None:
    from lms_core.kernel.i18n import Catalogs

    config = kernel(settings)
    core = config.registry.core
    object.__setattr__(core, "i18n", Catalogs(("lms_core", "acme_lms")))
    config.include("lms_core.kernel.mail")
    from lms_core.kernel.mail import Renderer

    text, _page = Renderer(core).render("acme_lms:greeting", {"name": "Worf", "link": "/"}, "tlh-KR")
    assert text.subject == "Qapla, Worf"
    assert text.body.startswith("nuqneH Worf,\n")


def test_a_mail_without_html(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({}, lms__name="School")
    send(pipeline, template="acme_lms:plain")
    (message,) = written(pipeline)
    assert message.get_content() == "en School\n"


@pytest.mark.parametrize("hidden", ["=?utf-8?q?A=0D=0ABcc:_eve@example.org?=", "=?utf-8?b?QQ0KQmNjOiBlQGUuZQ==?="])
def test_no_header_hides_in_an_encoded_word(make_pipeline: MakePipeline, hidden: str) -> None:
    """As RFC 2047 has it: whatever somebody calls themselves, it is decoded by nobody."""
    pipeline = make_pipeline({})
    send(pipeline, name=hidden)
    (message,) = written(pipeline)
    assert message.keys() == ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
                              "Content-Type"]  # fmt: skip
    assert message["Subject"].replace("\u200b", "") == f"Welcome, {hidden}"
    assert "Ann" not in parts(message)[0]
    assert hidden in parts(message)[0]


def test_no_header_can_be_smuggled_in(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    send(pipeline, name="Ann\r\nBcc: eve@example.org\n\nBuy!")
    (message,) = written(pipeline)
    assert message["Subject"] == "Welcome, Ann Bcc: eve@example.org Buy!"
    assert message["Bcc"] is None
    for address in ("ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@example.org", "ann", "", "<a@b>"):
        send(pipeline, to=address)
    assert len(written(pipeline)) == 1
    assert set(pipeline.column("SELECT error FROM dead_letters")) == {"Undeliverable: the address is malformed"}


@pytest.mark.parametrize(
    ("template", "complaint"),
    [("acme_lms:none", "TemplateNotFound"), ("acme_lms:headless", "ValueError"), ("../etc:passwd", "TemplateNotFound")],
)
def test_a_template_that_cannot_be_used_fails(make_pipeline: MakePipeline, template: str, complaint: str) -> None:
    pipeline = make_pipeline({})
    assert send(pipeline, template=template) == 0
    (error,) = pipeline.column("SELECT last_error FROM delivery_failures")
    assert error.startswith(complaint)


def test_a_name_the_template_misses_fails(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    with pipeline.core.transaction() as db:
        queue_mail(db, pipeline.core, to="ann@example.org", template="acme_lms:greeting", context={})
    deliver_pending(pipeline.registry)
    assert pipeline.column("SELECT last_error FROM delivery_failures") == ["UndefinedError: 'name' is undefined"]


def test_a_key_that_is_gone_is_no_reason_to_try_again(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    send(pipeline, template="acme_lms:none")
    other = make_pipeline({}, lms__secret__keys="another-encryption-key-that-nobody-knows")
    pipeline.hasten()
    deliver_pending(other.registry)
    (error,) = pipeline.column("SELECT error FROM dead_letters")
    assert error.startswith("Undeliverable: sealed with a key")


@dataclass
class Mailbox:
    """What an SMTP server took, and what it answers."""

    envelopes: list[Any] = field(default_factory=list)
    recipient: str = "250 OK"
    data: str = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.envelopes.append(envelope)
        return self.data


class AnyPort(Controller):
    """The system chooses the port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[Controller]:
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"lms", b"p@ss/w:rd")
        return AuthResult(success=good, handled=good)

    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, authenticator=authenticate, auth_require_tls=False)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def smtp_pipeline(make_pipeline: MakePipeline, smtp: Controller) -> Pipeline:
    url = f"smtp://lms:p%40ss%2Fw%3Ard@127.0.0.1:{smtp.port}?tls=none"
    return make_pipeline({}, lms__mail__url=url, lms__mail__from="LMS <no-reply@lms.example>")


def test_a_mail_goes_out_by_smtp(smtp_pipeline: Pipeline, mailbox: Mailbox) -> None:
    assert send(smtp_pipeline, name="Ännchen") == 1
    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@lms.example", ["ann@example.org"])
    message = cast(EmailMessage, email.message_from_bytes(envelope.content, policy=email.policy.default))
    assert message["Subject"] == "Welcome, Ännchen"
    assert "Hello Ännchen," in parts(message)[0]
    assert envelope.content.isascii(), "not every server takes more"


@pytest.mark.parametrize("answers", [{"recipient": "550 No such person"}, {"data": "554 Spam"}])
def test_a_refusal_for_good_is_a_dead_letter_at_once(
    smtp_pipeline: Pipeline, mailbox: Mailbox, answers: dict[str, str]
) -> None:
    vars(mailbox).update(answers)
    assert send(smtp_pipeline) == 0
    (error,) = smtp_pipeline.column("SELECT error FROM dead_letters")
    assert next(iter(answers.values())).split(" ", 1)[1] in error


@pytest.mark.parametrize("answers", [{"recipient": "451 Come back later"}, {"data": "452 Disk full"}])
def test_a_refusal_for_now_is_tried_again(smtp_pipeline: Pipeline, mailbox: Mailbox, answers: dict[str, str]) -> None:
    vars(mailbox).update(answers)
    assert send(smtp_pipeline) == 0
    vars(mailbox).update(recipient="250 OK", data="250 OK")
    smtp_pipeline.hasten()
    assert deliver_pending(smtp_pipeline.registry) == 1
    assert len(mailbox.envelopes) == 1


def test_a_wrong_password_and_a_dead_server_are_tried_again(make_pipeline: MakePipeline, smtp: Controller) -> None:
    for url, complaint in (
        (f"smtp://lms:wrong@127.0.0.1:{smtp.port}?tls=none", "SMTPAuthenticationError"),
        ("smtp://lms:sesame@127.0.0.1:1?tls=none", "ConnectionRefusedError"),
        (f"smtp://127.0.0.1:{smtp.port}", "SMTPNotSupportedError"),
    ):
        pipeline = make_pipeline({}, lms__mail__url=url)
        send(pipeline)
        (error,) = pipeline.column("SELECT last_error FROM delivery_failures")
        assert error.startswith(complaint)
        assert "sesame" not in error
        pipeline.execute("TRUNCATE outbox, delivery_failures")


def test_a_plugin_brings_its_own_transport(settings: Settings) -> None:
    class Kept:
        def __init__(self) -> None:
            self.messages: list[EmailMessage] = []

        def send(self, message: EmailMessage, delivery: Delivery) -> None:
            self.messages.append(message)

    kept = Kept()
    config = kernel(settings)
    config.set_mail_transport(kept)
    config.commit()
    send(Pipeline(config))
    assert [str(message["To"]) for message in kept.messages] == ["ann@example.org"]
    config.registry.core.close()


def test_the_url_names_the_transport(settings: Settings) -> None:
    def transport(url: str) -> Any:
        return transport_from(settings.replace(lms__mail__url=url))

    assert transport("file:") == FileTransport(settings.data / "mail")
    assert transport("smtp://a%40b:c@mail.example") == SmtpTransport("mail.example", 587, "starttls", "a@b", "c", 20.0)
    assert transport("smtp://mail.example?tls=tls").port == 465
    assert "sesame" not in repr(transport("smtp://ann:sesame@mail.example"))
    for url in ("", "smtp:", "smtp://", "smtp://h:port", "smtp://h?tls=maybe", "smtp://h?x=1", "smtps://h", "/var"):
        with pytest.raises(SettingsError, match=r"lms\.mail\.url"):
            transport(url)


def test_files_are_for_the_owner_only(make_pipeline: MakePipeline, tmp_path: Path) -> None:
    pipeline = make_pipeline({}, lms__data=tmp_path)
    send(pipeline)
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700
