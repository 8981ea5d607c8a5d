"""What a password must look like, and the one form in which it is hashed."""

import unicodedata
from collections.abc import Callable

from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _

MIN_LENGTH = 8
MAX_LENGTH = 1024

_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda password: len(password) >= MIN_LENGTH, _("At least 8 characters.")),
    (lambda password: any(char.isupper() for char in password), _("At least one upper-case letter.")),
    (lambda password: any(char.islower() for char in password), _("At least one lower-case letter.")),
    (lambda password: any(char.isdigit() for char in password), _("At least one digit.")),
    (lambda password: any(not char.isalnum() for char in password), _("At least one special character.")),
    (lambda password: len(password) <= MAX_LENGTH, _("At most 1024 characters.")),
)


def normal_form(password: str) -> str:
    """NFKC, so that the same password typed on another keyboard or system has the same bytes (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def check_strength(password: str, email: str, *, field: str = "password", current: str | None = None) -> None:
    """Refuse a weak password with every rule it breaks. Raises 422 ``weak_password``, the rules under ``field``.

    ``password`` and ``current`` (the one it replaces) are in normal form.
    """
    broken = [message for fits, message in _RULES if not fits(password)]
    if email.casefold() in password.casefold():
        broken.append(_("It must not contain the e-mail address."))
    if password == current:
        broken.append(_("It must differ from the current password."))
    if broken:
        raise Invalid("weak_password", _("The password is too weak."), errors={field: broken})
