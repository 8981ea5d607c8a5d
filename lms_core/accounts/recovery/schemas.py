"""What changing a password takes."""

from lms_core.accounts.fields import Password
from lms_core.kernel.schemas import Schema, Text


class ResetSchema(Schema):
    """The token of a reset link, and the new password."""

    token = Text(required=True, min=1, max=200)
    password = Password(required=True)


class ChangeSchema(Schema):
    """The password as it is and as it shall be."""

    current_password = Password(required=True)
    new_password = Password(required=True, example="Another-long-one-2")
