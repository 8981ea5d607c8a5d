"""Pages for a person who follows a link from a mail and has nothing but a browser.

They stand below ``lms.url``, where the links point, and need no script. An institution with a front end of its own
serves these addresses itself, and calls the API as these pages' forms do the commands behind it.

Opening a page changes nothing: programs that look through mail open every link in it. What does is the form that the
person sends.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    config.add_route("verify_email_page", "/verify-email")
    config.add_route("reset_password_page", "/reset-password")
