"""The catalog in the resource tree."""

from lms_core.kernel.traversal import Resource


class CatalogFacets(Resource):
    """``/courses/facets``: open to whoever may list courses."""
