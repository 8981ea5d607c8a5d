"""What students think of a course: stars and reviews, whether those helped others, and what the teachers answer."""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import CourseItem
    from lms_core.learning.ratings import resources

    config.add_child(CourseItem, "ratings", resources.CourseRatings)
    config.add_child(ApiRoot, "ratings", resources.RatingCollection)
    config.add_item(resources.RatingCollection, resources.RatingItem, "ratingId")
    config.add_staff_permission("ratings:respond", "co_instructor")
    config.scan("lms_core.learning.ratings.views")
