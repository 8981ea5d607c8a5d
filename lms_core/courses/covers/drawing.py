"""Drawing a cover: overlapping discs in colours of the course's own, and the beginning letters of its title."""

import colorsys
import io
import random
import uuid

from PIL import Image, ImageDraw, ImageFont

SIZE = (640, 360)
_TWICE = 2
"""Drawn twice as large, and reduced: that is what makes edges smooth."""
_DISCS = 7
_LETTERS = 3


def cover(course_id: uuid.UUID, title: str) -> bytes:
    """A WebP of 640 by 360 pixels; the same course with the same title always has the same."""
    rng = random.Random(course_id.bytes)
    hue = rng.random()
    width, height = SIZE[0] * _TWICE, SIZE[1] * _TWICE
    image = Image.new("RGB", (width, height), _colour(hue, 0.55, 0.34))
    for number in range(_DISCS):
        layer = Image.new("RGBA", image.size)
        radius = rng.randint(height // 5, height // 2)
        x, y = rng.randint(0, width), rng.randint(0, height)
        shade = _colour(hue + rng.uniform(-0.08, 0.08), 0.5, 0.4 + 0.06 * number)
        ImageDraw.Draw(layer).ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*shade, 110))
        image.paste(layer, mask=layer)
    letters = initials(title)
    if letters:
        font = ImageFont.load_default(size=height // 3)
        ImageDraw.Draw(image).text((width // 2, height // 2), letters, fill="white", font=font, anchor="mm")
    out = io.BytesIO()
    image.resize(SIZE, Image.Resampling.LANCZOS).save(out, "WEBP", quality=85)
    return out.getvalue()


def initials(title: str) -> str:
    """The first letters of the first words, where the font that comes with Pillow can write them: Latin ones."""
    letters = "".join(word[0] for word in title.split() if word[0].isalnum())[:_LETTERS].upper()
    return letters if all(ord(letter) < 0x250 for letter in letters) else ""


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
