"""The zip file, trusted in nothing: checked as a whole before anything is read, and again while it is read."""

import io
import stat
import struct
import unicodedata
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, cast
from urllib.parse import unquote

from lms_core.plugin_api import ImportedFile, ImportLimits, Invalid, _

from .text import clean, file_name

MANIFEST = "imsmanifest.xml"

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800
_LOCAL_HEADER = 30
_DIRECTORY_BYTES_PER_ENTRY = 512
_CHUNK = 1 << 16
_SMALL = 1 << 20
"""Bytes below which the expansion of an entry is nobody's concern: a page of blanks is not a bomb."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OSError)


def invalid(detail: str) -> Invalid:
    return Invalid("import_invalid", detail)


def too_large(detail: str) -> Invalid:
    return Invalid("import_too_large", detail)


class Archive:
    """The files of a cartridge by their path from its manifest. Stays open for as long as anybody holds it."""

    def __init__(self, source: "_BoundedFile", limits: ImportLimits) -> None:
        """Checks the whole directory. Raises ``Invalid``; the source is closed with the archive, not before."""
        weakref.finalize(self, source.close)
        with _damage_told():
            self._zip = zipfile.ZipFile(source)
        self.limits = limits
        self._entries = _checked(self._zip, limits)
        self._aliases = {unicodedata.normalize("NFC", path): path for path in self._entries}

    @classmethod
    def opened(cls, path: Path, limits: ImportLimits) -> "Archive":
        """Raises ``Invalid`` for a file that isn't an acceptable zip, ``OSError`` for one that cannot be opened."""
        source = _BoundedFile(path, limits.entries * _DIRECTORY_BYTES_PER_ENTRY)
        try:
            return cls(source, limits)
        except BaseException:
            source.close()
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def find(self, reference: str) -> str | None:
        """The path that a reference names, as it stands or URL-quoted, in whichever Unicode form; None if none."""
        for path in (reference, unquote(reference)):
            if (normal := _normal(path)) is not None:
                found = normal if normal in self._entries else self._aliases.get(unicodedata.normalize("NFC", normal))
                if found is not None:
                    return found
        return None

    def size(self, path: str) -> int:
        """Bytes, unpacked."""
        return self._entries[path].file_size

    def read(self, path: str, at_most: int | None = None) -> bytes:
        """The bytes of an entry, from its start. Raises ``Invalid`` if it is damaged."""
        with self.stream(path) as stream:
            return stream.read(self.size(path) if at_most is None else at_most)

    def stream(self, path: str) -> BinaryIO:
        """A stream that raises ``Invalid`` where the entry turns out to be damaged or another size than declared."""
        with _damage_told(path):
            source = self._zip.open(self._entries[path])
        return cast(BinaryIO, io.BufferedReader(_CheckedStream(source, path, self.size(path)), _CHUNK))

    def file(self, path: str) -> ImportedFile:
        return ImportedFile(path, file_name(path), self.size(path), lambda: self.stream(path))

    def verify(self, path: str) -> None:
        """Reads an entry to its end. Raises ``Invalid`` if it is damaged."""
        with self.stream(path) as stream:
            while stream.read(_CHUNK):
                pass


class _BoundedFile(io.FileIO):
    """A file of which no single read may be huge: ``zipfile`` reads the directory of an archive in one piece."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path, "rb")
        self._most = max(most, 2 * _CHUNK)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most:
            raise _too_many_entries()
        return super().read(size) or b""


class _CheckedStream(io.RawIOBase):
    """An entry's bytes, counted: the end comes where the directory said it would, with the checksum it said."""

    def __init__(self, source: IO[bytes], path: str, size: int) -> None:
        self._source = source
        self._path = path
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader hands a memoryview.
        with _damage_told(self._path):
            data = self._source.read(min(len(buffer), _CHUNK))
            self._left -= len(data)
            if not data and self._left:
                raise EOFError
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._source.close()
        super().close()


@contextmanager
def _damage_told(path: str | None = None) -> Iterator[None]:
    """Whatever ``zipfile`` raises at damaged data, as ``Invalid``."""
    try:
        yield
    except _DAMAGE as error:
        if path is None:
            raise invalid(_("The file is not a readable zip archive.")) from error
        raise invalid(_("The archive is damaged at “${path}”.", mapping={"path": clean(path)})) from error


def _too_many_entries() -> Invalid:
    return too_large(_("The archive holds too many files."))


def _checked(archive: zipfile.ZipFile, limits: ImportLimits) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by their path from the manifest, once every entry has passed."""
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise _too_many_entries()
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        raise too_large(_("The archive unpacks to more than is allowed."))
    _refuse_overlaps(entries, archive.start_dir)
    files: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        _refuse_hostile(entry, limits)
        name = _name(entry)
        path = _normal(name)
        if path is None or name.endswith("/"):
            continue
        if path in files:
            raise invalid(_("The archive holds “${path}” twice.", mapping={"path": clean(path)}))
        files[path] = entry
    base = _base(files)
    # Cartridges are sometimes zipped again together with the folder they were unpacked into.
    return {path.removeprefix(base): entry for path, entry in files.items() if path.startswith(base)}


def _refuse_hostile(entry: zipfile.ZipInfo, limits: ImportLimits) -> None:
    named = {"path": clean(entry.filename)}
    if entry.flag_bits & _ENCRYPTED:
        raise invalid(_("The archive is encrypted (“${path}”).", mapping=named))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise invalid(_("“${path}” in the archive is not a plain file.", mapping=named))
    if entry.compress_type not in _METHODS:
        raise invalid(_("“${path}” is compressed in a way that is not supported.", mapping=named))
    if entry.file_size > limits.file_bytes:
        raise too_large(_("“${path}” is larger than a file may be.", mapping=named))
    if entry.file_size > _SMALL and entry.file_size > limits.ratio * entry.compress_size:
        raise too_large(_("“${path}” unpacks to far more than its size.", mapping=named))


def _refuse_overlaps(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Entries that share bytes are how a small file unpacks to any size without any suspicious ratio."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise invalid(_("The entries of the archive overlap."))
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if end > directory:
        raise invalid(_("The file is not a readable zip archive."))


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name, with ``/`` between its parts. Raises ``Invalid`` if it could lead out of the archive."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8_NAME and not name.isascii():
        # Many tools write UTF-8 names without saying so; what isn't UTF-8 keeps the old code page.
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    name = name.replace("\\", "/")
    drive = name[1:2] == ":" and name[:1].isalpha()
    if drive or name.startswith("/") or "\0" in name or ".." in name.split("/"):
        raise invalid(_("The path “${path}” leads out of the archive.", mapping={"path": clean(name)}))
    return name


def _normal(path: str) -> str | None:
    """The path without ``.``, ``..`` and doubled slashes; None if it climbs out or names nothing."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or None


def _base(paths: dict[str, zipfile.ZipInfo]) -> str:
    """The folder of the manifest: the root, or the only folder at the root that has one."""
    if MANIFEST in paths:
        return ""
    folders = [path.removesuffix(MANIFEST) for path in paths if path.endswith("/" + MANIFEST) and path.count("/") == 1]
    if len(folders) != 1:
        raise invalid(_("The archive has no imsmanifest.xml."))
    return folders[0]
