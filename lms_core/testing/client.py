"""An HTTP client for functional tests: WebTest over the real WSGI application."""

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
