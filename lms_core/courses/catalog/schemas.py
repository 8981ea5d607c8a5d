"""The representations of the catalog."""

from marshmallow import fields, validate

from lms_core.courses.schemas import LEVELS, CourseSummarySchema
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Schema, Text


class ModulePreviewSchema(Schema):
    """The first module of a course, as the catalog shows it."""

    id = fields.UUID()
    title = fields.String()
    description = fields.String(allow_none=True)


class CourseCardSchema(CourseSummarySchema):
    """A course in the catalog."""

    first_module = Part(ModulePreviewSchema, "first_module_")


class CatalogQuery(PageQuery):
    """Filters, search and order of the catalog."""

    search = Text(max=200)
    category = Text(max=100)
    sub_category = Text(max=100)
    level = fields.String(validate=validate.OneOf(LEVELS))
    language = fields.String(validate=validate.Length(max=10))
    is_free = fields.Boolean()
    sort = fields.String(validate=validate.OneOf(("newest", "popular", "rating", "price")), load_default="newest")
