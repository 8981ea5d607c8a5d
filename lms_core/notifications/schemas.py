"""Notifications as JSON."""

from marshmallow import fields

from lms_core.kernel.pagination import CursorQuery
from lms_core.kernel.schemas import Schema, Timestamp


class InboxQuery(CursorQuery):
    unread = fields.Boolean(
        load_default=None, metadata={"description": "Only what was not read yet; false lists only what was."}
    )


class NotificationSchema(Schema):
    id = fields.UUID()
    type = fields.String()
    title = fields.String()
    message = fields.String()
    data = fields.Dict(keys=fields.String())
    priority = fields.String()
    action_url = fields.String(allow_none=True, metadata={"description": "Path of the page that it is about."})
    read_at = Timestamp(allow_none=True)
    created_at = Timestamp()


class MarkedSchema(Schema):
    marked = fields.Integer(metadata={"description": "How many were unread until now."})
