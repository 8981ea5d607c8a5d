"""The mails that accounts send: to whom, in which language, with which link."""

import datetime as dt
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from lms_core.accounts.queries import Account
from lms_core.kernel.core import Core
from lms_core.kernel.mail import queue_mail


def send(
    db: Session, core: Core, person: Account, template: str, *, to: str | None = None, **context: str | int
) -> None:
    """Queue ``accounts:<template>`` to the person, or to another address that they say is theirs.

    The name is left out where the address is not known to be theirs: who registers a stranger's address could
    otherwise send them a text of their choosing.
    """
    name = person.first_name if person.email_verified and to is None else ""
    queue_mail(
        db,
        core,
        to=to or person.email,
        template=f"accounts:{template}",
        context={"name": name, "email": person.email, **context},
        locale=person.preferred_language,
    )


def link(core: Core, page: str, token: str) -> str:
    """A page of the site with a token, as it stands in a mail."""
    return f"{core.settings.text('lms.url').rstrip('/')}/{page}?{urlencode({'token': token})}"


def later(core: Core, setting: str) -> dt.datetime:
    """Now plus the duration that a setting names."""
    return core.clock() + dt.timedelta(seconds=core.settings.seconds(setting))
