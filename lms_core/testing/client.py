"""An HTTP client for functional tests: WebTest over the real WSGI application."""

import io
from collections.abc import Mapping
from typing import Any

from webtest import TestApp

PASSWORD = "correct horse battery staple"  # noqa: S105  # Of nobody but the people in tests.
"""The password of everybody that the factories make."""


class Client(TestApp):  # type: ignore[misc]  # WebTest is not typed.
    """One caller: cookies of its own, and a bearer token once signed in.

    ``client.get(...)``, ``post_json(...)`` and the others are WebTest's; a status that is not 2xx or 3xx fails
    the test unless it is named: ``client.get(url, status=404)``.
    """

    def __init__(self, app: Any, token: str | None = None, csrf: str | None = None) -> None:
        super().__init__(app, extra_environ={"REMOTE_ADDR": "127.0.0.1"})
        self.csrf = csrf
        """The token that cookies need with every unsafe method; sent by nothing but the test itself."""
        if token is not None:
            self.authorization = ("Bearer", token)

    def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        length: int | None = -1,
        status: Any = None,
    ) -> Any:
        """A request whose body goes out as it is, where ``post`` and its kin read forms and write them anew.

        ``length`` is how long the body is said to be, if not as long as it is; None says nothing about it.
        """
        request = self.RequestClass.blank(url, self._make_environ(), method=method, headers=dict(headers or {}))
        request.environ["wsgi.input"] = io.BytesIO(body)
        if length is None:
            request.environ.pop("CONTENT_LENGTH", None)
            request.environ.update({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True})
        else:
            request.content_length = len(body) if length < 0 else length
        return self.do_request(request, status=status)

    def bearer(self, token: str) -> "Client":
        """Another caller, who sends this access token."""
        return Client(self.app, token)

    def anonymous(self) -> "Client":
        """Another caller, whom nobody knows."""
        return Client(self.app)

    def login(self, email: str, password: str = PASSWORD) -> "Client":
        """Another caller, signed in over HTTP and sending a bearer token."""
        answer = self.anonymous().post_json("/api/v1/auth/login", {"email": email, "password": password}).json
        return Client(self.app, answer["accessToken"], answer["csrfToken"])
