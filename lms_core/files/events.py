"""What happens to files."""

from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class ObjectsDropped(Event):
    """Nothing names these objects of a storage backend any more: they can go."""

    name: ClassVar[str] = "files.objects_dropped"
    provider: str
    keys: list[str]
