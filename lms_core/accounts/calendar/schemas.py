"""The representations of calendars."""

from marshmallow import fields

from lms_core.kernel.schemas import Schema, Timestamp


class CalendarQuery(Schema):
    """For programs that can send no header: the token in the address that `POST /users/me/calendar` gives."""

    token = fields.String(load_default=None)


class CalendarLinkSchema(Schema):
    """That there is an address; it was told when it was made, and is kept nowhere."""

    created_at = Timestamp()


class NewCalendarLinkSchema(Schema):
    """The address for calendar programs. Whoever has it reads the calendar, and nothing else."""

    url = fields.String(
        metadata={"example": "https://lms.example.org/api/v1/users/me/calendar.ics?token=Vq3w-0bZJk1r9u"}
    )
