"""The bytes of a file as a response that no browser takes for a page of ours."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from pyramid.response import Response

from lms_core.files.names import content_disposition
from lms_core.files.storage import CHUNK, Storages

_SHOWN = frozenset({
    "application/pdf", "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "image/avif",
    "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain", "text/vtt", "video/mp4", "video/ogg",
    "video/webm",
})  # fmt: skip
"""Types that hold nothing a browser would run; every other one is offered for saving."""

_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""What a browser's own viewer of an image, a film or a text needs, and nothing else."""


class _Body:
    """The bytes from ``start`` up to ``stop``, closed by the server once they are sent, or the caller is gone."""

    def __init__(self, stream: BinaryIO, start: int = 0, stop: int | None = None) -> None:
        self._stream, self._start, self._stop = stream, start, stop

    def app_iter_range(self, start: int, stop: int | None) -> "_Body":
        """What WebOb asks for where the request has a ``Range``."""
        return _Body(self._stream, start, stop)

    def __iter__(self) -> Iterator[bytes]:
        position = self._stream.seek(self._start)
        while chunk := self._stream.read(CHUNK if self._stop is None else min(CHUNK, self._stop - position)):
            position += len(chunk)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def content_response(storages: Storages, row: Any) -> Response:
    """The content of a ``file_uploads`` row. Raises 503 ``storage_unavailable``.

    Strong ``ETag`` (the checksum), ``If-None-Match``, ``Range`` and ``If-Range`` are WebOb's conditional response.
    """
    shown = row.mime_type in _SHOWN
    response = Response(
        app_iter=_Body(storages.of(row.storage_provider).open(row.storage_path)),
        content_type=row.mime_type,
        charset="utf-8" if row.mime_type.startswith("text/") else None,
        conditional_response=True,
    )
    response.content_length = row.file_size
    response.etag = row.checksum
    response.accept_ranges = "bytes"
    response.last_modified = row.uploaded_at
    response.vary = ("Authorization", "Cookie")
    # Kept by the browser, but asked for each time: who may have the file can change at any time.
    response.cache_control = "private, no-cache"
    response.content_disposition = content_disposition("inline" if shown else "attachment", row.file_name)
    # Browsers show no PDF in a sandbox, and their viewers are one already.
    sandbox = "" if row.mime_type == "application/pdf" else "; sandbox"
    response.headers["Content-Security-Policy"] = f"{_POLICY}{sandbox}"
    return response
