"""Where OpenSearch is, and whether it answers. What is searched with it, and how, is the affair of a search engine."""

import base64
import http.client
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from lms_core.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class OpenSearchAddress:
    """What ``lms.opensearch.url`` says: ``https://user:password@host:port/prefix?verify=false``."""

    host: str
    port: int
    secure: bool
    prefix: str
    user: str
    password: str = field(repr=False)
    verify: bool
    """Whether the certificate has to be one that this machine trusts."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "OpenSearchAddress | None":
        """None where none is named. Raises SettingsError, without the URL's password."""
        url = settings.text("lms.opensearch.url")
        if not url:
            return None
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query, strict_parsing=bool(parts.query))
            verify = {"true": True, "false": False}[query.pop("verify", ["true"])[0]]
            if parts.scheme not in ("http", "https") or not parts.hostname or query or parts.fragment:
                raise ValueError
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except (ValueError, KeyError):
            form = "http(s)://user:password@host:port, with ?verify=false for a certificate of its own"
            raise SettingsError(f"lms.opensearch.url: not {form}") from None
        return cls(
            host=parts.hostname,
            port=port,
            secure=parts.scheme == "https",
            prefix=parts.path.rstrip("/"),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            verify=verify,
        )

    def state(self, timeout: float) -> str:
        """``ok``, or what is wrong, in words that anybody may read. It may take as long as the timeout, in seconds."""
        connection = self._connect(timeout)
        try:
            connection.request("GET", f"{self.prefix}/_cluster/health", headers=self._headers())
            answer = connection.getresponse()
            if answer.status in (401, 403):
                return "refuses our credentials"
            health = orjson.loads(answer.read(65_536))["status"] if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return "no answer"
        finally:
            connection.close()
        # Yellow is a cluster with fewer copies than it was told to keep, as one machine always is.
        return "ok" if health in ("green", "yellow") else "has lost data" if health == "red" else "no answer"

    def _headers(self) -> dict[str, str]:
        if not self.user:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
