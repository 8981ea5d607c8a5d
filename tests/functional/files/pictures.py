"""Images made for tests, sound and hostile ones."""

import io
import struct
import zlib

from PIL import Image, ImageDraw


def image(kind="JPEG", size=(600, 400), mode="RGB", **options):
    """An image whose left upper quarter is red, and the rest blue (transparent where the mode has alpha)."""
    made = Image.new(mode, size, (0, 0, 255, 0) if mode == "RGBA" else (0, 0, 255) if mode == "RGB" else 0)
    red = {"RGB": (255, 0, 0), "RGBA": (255, 0, 0, 255)}.get(mode, 255)
    ImageDraw.Draw(made).rectangle((0, 0, size[0] // 2, size[1] // 2), fill=red)
    return written(made, kind, **options)


def written(made, kind, **options):
    out = io.BytesIO()
    made.save(out, kind, **options)
    return out.getvalue()


def with_secrets():
    """A JPEG as a phone makes one: lying on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by a quarter, clockwise.
    exif[0x010E] = "secret description"
    exif.get_ifd(0x8825)[0x001D] = "secret place"
    upright = Image.open(io.BytesIO(image()))
    return written(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, comment=b"secret comment")


def claiming(width, height):
    """A PNG of few bytes that says it has so many pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def opened(content):
    made = Image.open(io.BytesIO(content))
    made.load()
    return made


def colour_at(made, x, y):
    """The colour at a place given in parts of the picture, roughly: r, b or nothing where it is transparent."""
    red, _green, blue, alpha = made.convert("RGBA").getpixel((int(made.width * x), int(made.height * y)))
    return "" if alpha < 128 else "r" if red > blue else "b"
