"""Recordings and documents, made to measure."""

import io
import subprocess
from pathlib import Path

from pypdf import PdfWriter

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n"
MP4_HEAD = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"
MP3_HEAD = b"ID3\x04\0\0\0\0\0\0"


def pdf(pages: int, user_password: str | None = None, owner_password: str | None = None) -> bytes:
    writer = PdfWriter()
    for _page in range(pages):
        writer.add_blank_page(100, 100)
    if user_password is not None:
        writer.encrypt(user_password, owner_password, algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def film(ffmpeg: str, path: Path, *, seconds: int = 2, sound: bool = True, picture: bool = True) -> bytes:
    """A film of a test card with a tone, in the format that the path's suffix means."""
    card, tone = f"testsrc=size=320x240:rate=10:duration={seconds}", f"sine=duration={seconds}"
    inputs = [*(["-f", "lavfi", "-i", card] if picture else []), *(["-f", "lavfi", "-i", tone] if sound else [])]
    subprocess.run([ffmpeg, "-v", "error", "-y", *inputs, "-shortest", str(path)], check=True)
    return path.read_bytes()
