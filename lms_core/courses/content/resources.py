"""Content types in the resource tree."""

from typing import ClassVar

from lms_core.kernel.security import ACE
from lms_core.kernel.traversal import Allow, Everyone, Resource


class ContentTypes(Resource):
    """``/content-types``: what lessons can be is no secret."""

    __acl__: ClassVar[list[ACE]] = [(Allow, Everyone, "content_types:list")]
