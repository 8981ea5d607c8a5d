"""Drawing pictures anew, from hostile ones."""

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import structlog
from PIL import Image, ImageOps

from lms_core.kernel.errors import Invalid, Unavailable
from lms_core.kernel.i18n import _

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""Those whose decoders are let near what people send."""
SQUARES = (50, 200)
"""Sides of an avatar's squares, in pixels."""
THUMBNAIL = 400
"""The longer side of a thumbnail, at most."""
WAITING = 8
"""Requests of a process that may wait for the one that draws."""

_JPEG_FACTOR = 4
_QUALITY = 85
_ENDINGS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was drawn: what it is of its set (``thumbnail``, or the side of a square), and its file."""

    name: str
    mime_type: str
    width: int
    height: int
    content: bytes


class Studio:
    """Draws one picture at a time in a process, because a large one takes memory, and a core.

    Measured, a pixel takes 16 bytes of a WebP, 8 of a PNG and 3 of a JPEG; so a JPEG may have four times as many. What
    is drawn while somebody waits, in a process that serves others too, may have half as many.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._easel = threading.BoundedSemaphore(1)
        self._places = threading.BoundedSemaphore(1 + WAITING)

    def thumbnail(self, source: BinaryIO) -> Picture:
        """A thumbnail, as WebP. Raises 422 ``image_invalid`` and ``image_too_large``, 503 ``busy``."""
        return self._draw(lambda: _encoded("thumbnail", _fitted(_open(source, FORMATS, self._max_pixels)), "WEBP"))

    def avatar(self, source: BinaryIO, formats: Sequence[str]) -> list[Picture]:
        """The squares and the thumbnail of an avatar, each as JPEG (or PNG where it is not opaque) and as WebP.

        Raises as :meth:`thumbnail` does.
        """

        def draw() -> list[Picture]:
            image = _open(source, formats, self._max_pixels // 2)
            squares = [(str(side), ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)) for side in SQUARES]
            plain = "PNG" if image.mode == "RGBA" else "JPEG"
            drawn = [*squares, ("thumbnail", _fitted(image))]
            return [_encoded(name, each, kind) for name, each in drawn for kind in (plain, "WEBP")]

        return self._draw(draw)

    def _draw(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable("busy", _("Many pictures are being drawn; try again in a moment."), retry_after=2)
        try:
            with self._easel:
                return work()
        except (Invalid, MemoryError):
            raise
        except Exception as error:
            # Decoders of hostile pictures fail in every way there is.
            structlog.get_logger("lms.files").info("image_refused", reason=repr(error)[:300])
            raise Invalid("image_invalid", _("This is no image that can be read.")) from error
        finally:
            self._places.release()


def _open(source: BinaryIO, formats: Sequence[str], max_pixels: int) -> Image.Image:
    """The pixels, upright, as RGB or RGBA. Raises Invalid, or whatever a decoder raises."""
    try:
        image: Image.Image = Image.open(source, formats=tuple(formats))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(max_pixels) from error
    # What a header claims is known before a pixel of it takes memory.
    limit = max_pixels * (_JPEG_FACTOR if image.format == "JPEG" else 1)
    if image.width * image.height > limit:
        raise _too_large(limit)
    # A JPEG is decoded at an eighth of its size, if that is enough.
    image.draft("RGB", (THUMBNAIL * 2, THUMBNAIL * 2))
    image.load()
    image = _without_depth(ImageOps.exif_transpose(image))
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _too_large(limit: int) -> Invalid:
    return Invalid("image_too_large", _("The image has more than ${limit} pixels.", mapping={"limit": limit}))


def _without_depth(image: Image.Image) -> Image.Image:
    """Sixteen bits of grey as eight; no other mode needs it."""
    return image.point(lambda value: value / 256).convert("L") if image.mode.startswith("I") else image


def _fitted(image: Image.Image) -> Image.Image:
    """Within the square of a thumbnail, in its own proportions and never larger than it is."""
    scale = min(1.0, THUMBNAIL / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(name: str, image: Image.Image, kind: str) -> Picture:
    # Comments, profiles and whatever else was read along would be written along.
    image.info = {}
    out = io.BytesIO()
    options = {"optimize": True} if kind != "WEBP" else {"method": 4}
    image.save(out, kind, quality=_QUALITY, **options)
    return Picture(name, _ENDINGS[kind], image.width, image.height, out.getvalue())
