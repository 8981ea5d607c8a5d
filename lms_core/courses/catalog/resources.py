"""The catalog in the resource tree."""

from lms_core.kernel.traversal import Resource


class CatalogCategories(Resource):
    """``/courses/categories``: open to whoever may list courses."""


class CatalogFacets(Resource):
    """``/courses/facets``: open to whoever may list courses."""
