"""Mail: queued in the transaction that causes it, rendered and sent by a worker.

A template is a pair of files in a package's ``templates`` folder: ``accounts:verify_email`` names
``lms_core/accounts/templates/verify_email.txt``, whose first line is ``Subject: ...``, and ``verify_email.html``
beside it, if there is one. A plugin writes its own package's name: ``acme_lms:reminder``. They may extend
``kernel:layout.txt`` and ``kernel:layout.html``, and import ``button`` from the latter. They see the context and
``site_name``, ``site_url`` and ``locale``; ``{% trans %}`` and ``_()`` speak the receiver's language.

A mail is sent at least once: if a worker dies between the server's answer and its own commit, the same message,
with the same Message-ID, is sent again.
"""

import datetime as dt
import email.policy
import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import jinja2
from pyramid.i18n import Localizer
from sqlalchemy.orm import Session

from lms_core.kernel.core import Core
from lms_core.kernel.events import Delivery, Event, Undeliverable, publish
from lms_core.kernel.i18n import DOMAIN
from lms_core.kernel.mail_transports import MailTransport, transport_from

if TYPE_CHECKING:
    from pyramid.config import Configurator

_TEMPLATE = re.compile(r"(?P<package>[a-zA-Z_][\w.]*):(?P<file>\w+\.(txt|html))")
_SUBJECT = "Subject:"
_LONGEST_LINE = 240
"""Characters, of which UTF-8 makes at most 960 bytes; a line of a mail may have 998."""


@dataclass(frozen=True, slots=True)
class MailQueued(Event):
    """A mail to send. ``context`` is sealed JSON: it may hold tokens, which must not rest in the outbox readable."""

    name: ClassVar[str] = "mail.queued"
    to: str
    template: str
    context: str
    locale: str


def queue_mail(
    db: Session, core: Core, *, to: str, template: str, context: Mapping[str, Any], locale: str = ""
) -> None:
    """Send the template to one address, once the session's transaction has committed.

    The context holds JSON values; what JSON does not know is written as text. ``locale`` is a language tag, by
    default the installation's.
    """
    publish(db, mail(core, to=to, template=template, context=context, locale=locale))


def mail(core: Core, *, to: str, template: str, context: Mapping[str, Any], locale: str = "") -> MailQueued:
    """What :func:`queue_mail` publishes, for who has many to send: ``publish_all`` takes them at the cost of one."""
    sealed = core.tokens.cipher.seal(json.dumps(dict(context), default=str))
    return MailQueued(to=to, template=template, context=sealed, locale=locale or core.settings.text("lms.locale"))


def send_queued(delivery: Delivery, event: MailQueued) -> None:
    """Subscriber ``mail.send``. Raises Undeliverable where no second try can help."""
    core = delivery.core
    try:
        context = json.loads(core.tokens.cipher.open(event.context))
    except ValueError as error:
        raise Undeliverable(str(error)) from None
    renderer: Renderer = delivery.registry.mail_renderer
    text, html = renderer.render(event.template, context, event.locale)
    transport: MailTransport = delivery.registry.mail_transport
    transport.send(compose(core, delivery, event.to, text, html), delivery)


def compose(core: Core, delivery: Delivery, to: str, text: "Rendered", html: str | None) -> EmailMessage:
    """The message. Raises Undeliverable where the address cannot stand in a header."""
    message = EmailMessage(policy=email.policy.SMTP)
    # The package reads encoded words (RFC 2047) in what it is given, and what they hide may end the line.
    message["Subject"] = text.subject.replace("=?", "=\u200b?")
    message["From"] = core.settings.text("lms.mail.from")
    try:
        message["To"] = Address(addr_spec=to)
    except (ValueError, IndexError, HeaderParseError):
        raise Undeliverable("the address is malformed") from None
    message["Date"] = email.utils.format_datetime(delivery.occurred_at.astimezone(dt.UTC))
    # The same for every attempt, so that a mail sent twice is one mail to whoever receives it.
    message["Message-ID"] = f"<{delivery.event_id}@{message['From'].addresses[0].domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.body, cte=_transfer_encoding(text.body))
    if html is not None:
        message.add_alternative(html, subtype="html", cte=_transfer_encoding(html))
    return message


def _transfer_encoding(text: str) -> str:
    """As it is where SMTP's longest line (RFC 5322) allows: links then stand in one piece for whoever reads a file."""
    if max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
        return "quoted-printable"
    return "7bit" if text.isascii() else "8bit"


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    body: str


class Renderer:
    """Renders templates, with one Jinja environment for each language that the core speaks."""

    def __init__(self, core: Core) -> None:
        self._core = core
        site = {"site_name": core.settings.text("lms.name"), "site_url": core.settings.text("lms.url").rstrip("/")}
        self._environments: Mapping[str, jinja2.Environment] = {
            locale: template_environment(core.i18n.localizer(locale), {**site, "locale": locale})
            for locale in core.i18n.locales
        }

    def render(self, template: str, context: Mapping[str, Any], locale: str) -> tuple[Rendered, str | None]:
        """The subject with the text, and the HTML where there is a template for it."""
        environment = self._environments[self._core.i18n.localizer(locale).locale_name]
        text = _render_text(environment, f"{template}.txt", context)
        try:
            page = environment.get_template(f"{template}.html")
        except jinja2.TemplateNotFound:
            return text, None
        return text, page.render(context)


def _render_text(environment: jinja2.Environment, name: str, values: Mapping[str, Any]) -> Rendered:
    """The subject is the first line of the template, not of its output: a title may hold a line break."""
    source = _load_template(name)
    line = source.partition("\n")[0] if source else ""
    whole = environment.get_template(name).render(values)
    if not line.startswith(_SUBJECT):
        raise ValueError(f"{name}: the first line is not '{_SUBJECT} ...'")
    subject = environment.from_string(line).render(values)
    body = re.sub(r"\n{3,}", "\n\n", whole.removeprefix(subject)).strip()
    return Rendered(" ".join(subject.removeprefix(_SUBJECT).split()), body + "\n")


def template_environment(localizer: Localizer, shared: Mapping[str, Any]) -> jinja2.Environment:
    """Jinja for templates named ``package:file``, in one language; values are escaped in HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_load_template),
        autoescape=jinja2.select_autoescape(("html",), default_for_string=False),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    environment.globals.update(shared)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # The extension adds it.
        lambda message: localizer.translate(message, domain=DOMAIN),
        lambda one, many, count: localizer.pluralize(one, many, count, domain=DOMAIN),
        newstyle=True,
    )
    return environment


def _load_template(name: str) -> str | None:
    found = _TEMPLATE.fullmatch(name)
    if found is None:
        return None
    own = f"lms_core.{found['package']}"
    package = own if find_spec(own) is not None else found["package"]
    try:
        return (files(package) / "templates" / found["file"]).read_text()
    except (ModuleNotFoundError, FileNotFoundError):
        return None


def set_mail_transport(config: "Configurator", transport: MailTransport) -> None:
    """Directive: send mail by this transport and not by the one that ``lms.mail.url`` names."""

    def register() -> None:
        config.registry.mail_transport = transport

    config.action("lms.mail_transport", register)


def includeme(config: "Configurator") -> None:
    core: Core = config.registry.core
    config.registry.mail_renderer = Renderer(core)
    config.registry.mail_transport = transport_from(core.settings)
    config.add_directive("set_mail_transport", set_mail_transport)
    config.add_event_subscriber(MailQueued, "mail.send", send_queued)
