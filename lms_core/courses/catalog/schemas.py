"""The representations of the catalog."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from lms_core.courses.schemas import LEVELS, CourseSummarySchema
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Money, Part, Schema, Text

SORTS = ("newest", "popular", "rating", "price", "-price", "title", "relevance")
MOST_VALUES = 20
HIGHEST_PRICE = 99_999_999
DEEPEST = 10_000
"""Rows from the beginning of the order; beyond it, a page would cost more the further it lies."""


class ModulePreviewSchema(Schema):
    """The first module of a course, as the catalog shows it."""

    id = fields.UUID()
    title = fields.String()
    description = fields.String(allow_none=True)


class CourseCardSchema(CourseSummarySchema):
    """A course in the catalog."""

    first_module = Part(ModulePreviewSchema, "first_module_")


def _any_of(inner: fields.Field[Any]) -> fields.List[Any]:
    """A filter that may be given several times; a course has to meet it once."""
    return fields.List(inner, validate=validate.Length(max=MOST_VALUES))


class CatalogFilters(Schema):
    """What narrows a list of courses."""

    # Stands beside nothing, so what was pasted with it does no harm.
    search = Text(max=200, multiline=True)
    category = _any_of(Text(min=1, max=100))
    sub_category = _any_of(Text(min=1, max=100))
    level = _any_of(fields.String(validate=validate.OneOf(LEVELS)))
    language = _any_of(Text(min=1, max=10))
    enrollment_type = _any_of(Text(min=1, max=50))
    tags = _any_of(Text(min=1, max=50))
    instructor = fields.UUID(metadata={"description": "The id of who teaches it."})
    free = fields.Boolean()
    min_price = Money(validate=validate.Range(0, HIGHEST_PRICE))
    max_price = Money(validate=validate.Range(0, HIGHEST_PRICE))
    currency = fields.String(
        validate=validate.Regexp(r"[A-Z]{3}\Z"), metadata={"description": "Priced in it, or free of charge."}
    )
    enrolled = fields.Boolean(metadata={"description": "Only what the caller takes."})
    mine = fields.Boolean(metadata={"description": "Only what the caller owns or helps to run, drafts included."})
    status = fields.String(validate=validate.OneOf(("published", "draft", "archived")))
    deleted = fields.Boolean(metadata={"description": "What was deleted, and nothing else."})

    @validates_schema
    def _prices(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("min_price") is not None and data["min_price"] > data.get("max_price", HIGHEST_PRICE):
            raise ValidationError(_("The lowest price is above the highest."), "minPrice")


class CatalogQuery(CatalogFilters, PageQuery):
    """Filters, search and order of a list of courses."""

    sort = fields.String(
        validate=validate.OneOf(SORTS),
        metadata={"description": "By `relevance` when searching, else by `newest`, unless told otherwise."},
    )

    @validates_schema
    def _pages(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["page"] * data["limit"] > DEEPEST:
            raise ValidationError(_("Only the first ${most} can be paged through.", mapping={"most": DEEPEST}), "page")
        if data.get("sort") == "relevance" and not data.get("search"):
            raise ValidationError(_("Only a search has an order of relevance."), "sort")

    @post_load
    def _order(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"sort": "relevance" if data.get("search") else "newest", **data}


class CategorySchema(Schema):
    """A category that courses may take."""

    name = fields.String(metadata={"description": "What a course's `category` says.", "example": "Science"})


class FacetValueSchema(Schema):
    """A value that courses have, and how many have it."""

    value = fields.String()
    count = fields.Integer()


class FacetSchema(Schema):
    """What a filter could be set to, the most frequent first."""

    values = fields.List(fields.Nested(FacetValueSchema))
    is_exact = fields.Boolean(
        metadata={"description": "Whether the courses were counted; else `count` is an estimate."}
    )


class FacetsSchema(Schema):
    """The facets of a list of courses."""

    category = fields.Nested(FacetSchema)
    sub_category = fields.Nested(FacetSchema)
    level = fields.Nested(FacetSchema)
    language = fields.Nested(FacetSchema)
    price = fields.Nested(FacetSchema, metadata={"description": "`free` and `paid`."})
    enrollment_type = fields.Nested(FacetSchema)
    tags = fields.Nested(FacetSchema, metadata={"description": "The 20 most frequent."})
