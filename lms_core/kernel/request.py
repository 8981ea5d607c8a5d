"""The request, typed: what a view may ask it for."""

import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pyramid.request
from pyramid.decorator import reify
from pyramid.i18n import Localizer
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from lms_core.kernel.bodies import whole_body
from lms_core.kernel.db import request_reader, request_session
from lms_core.kernel.errors import BadRequest, TooLarge, UnsupportedMediaType
from lms_core.kernel.i18n import _, request_localizer
from lms_core.kernel.security import Authentication, Identity, authenticate

if TYPE_CHECKING:
    from lms_core.kernel.core import Core


class Request(pyramid.request.Request):  # type: ignore[misc]  # Pyramid is not typed.
    """Everything a view needs, loaded when first asked for."""

    validated: dict[str, Any]
    """The body as ``body=`` loaded it."""
    query: dict[str, Any]
    """The query string as ``query=`` loaded it."""

    @property
    def core(self) -> "Core":
        core: Core = self.registry.core
        return core

    @reify
    def request_id(self) -> str:
        """Set by the headers tween from ``X-Request-Id``; made up where no tween ran."""
        return str(self.environ.get("lms.request_id") or uuid.uuid4())

    @reify
    def db(self) -> Session:
        """The session of commands, on this request's transaction."""
        return request_session(self)

    @reify
    def reader(self) -> Connection:
        """The connection of reads: autocommit, never part of the transaction."""
        return request_reader(self)

    @property
    def writer(self) -> Connection:
        """The connection of the hottest writes, each one statement that checks, writes and answers; in autocommit.

        Reads and they go to one server, so that it is the reader's. Where reads have a replica, it is not.
        """
        reader: Connection = self.reader
        return reader

    def let_reader_go(self) -> None:
        """Return the reader's connection to its pool before a long wait for the caller; asking again takes another."""
        reader: Connection | None = self.__dict__.pop("reader", None)
        if reader is not None:
            reader.close()

    @reify
    def authentication(self) -> Authentication:
        return authenticate(self)

    @property
    def identity(self) -> Identity | None:
        found: Authentication = self.authentication
        return found.identity

    @property
    def caller(self) -> Identity:
        """The identity where the view's permission guarantees one."""
        identity = self.identity
        if identity is None:
            raise RuntimeError("the view's permission lets anonymous callers in")
        return identity

    @reify
    def localizer(self) -> Localizer:
        return request_localizer(self)

    def small_body(self) -> bytes:
        """The body as it is. Raises 413 ``too_large`` where it is longer than ``lms.web.body_limit``."""
        body = whole_body(self)
        if body is None:
            limit = self.core.settings.integer("lms.web.body_limit")
            raise TooLarge("too_large", _("The body is larger than ${limit} bytes.", mapping={"limit": limit}))
        return body

    def json_document(self) -> Any:
        """The body as JSON. Raises 400 ``malformed_json``, 413 ``too_large``, 415 ``unsupported_media_type``."""
        body = self.small_body()
        if self.content_type != "application/json":
            raise UnsupportedMediaType("unsupported_media_type", _("Send application/json."))
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadRequest("malformed_json", _("The body is not valid JSON.")) from None
