"""``GET /courses``: what can be taken, filtered, searched and sorted; and beside it, what each filter would leave."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.catalog.facets import Facets
    from lms_core.courses.catalog.queries import Catalog
    from lms_core.courses.catalog.resources import CatalogCategories, CatalogFacets
    from lms_core.courses.resources import CourseCollection

    config.registry.catalog = Catalog(config.registry.course_parts)
    config.registry.catalog_facets = Facets(config.registry.course_parts)
    config.add_child(CourseCollection, "categories", CatalogCategories)
    config.add_child(CourseCollection, "facets", CatalogFacets)
    config.scan("lms_core.courses.catalog.views")
