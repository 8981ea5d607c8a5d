"""What is taught: courses, their staff, modules, lessons and announcements.

The sub-area ``catalog`` finds courses; what it shares with the rest stands beside it.
"""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses import access, resources
    from lms_core.courses.staff.resources import CourseStaffCollection, StaffItem
    from lms_core.courses.versions.resources import CourseVersions, VersionItem, VersionLessonItem, VersionLessons

    config.include(access)
    config.include("lms_core.courses.content")
    config.add_file_access(lambda: access.reads_file(config.registry))
    config.add_file_use(access.uses_file)
    config.add_child(ApiRoot, "courses", resources.CourseCollection)
    config.add_item(resources.CourseCollection, resources.CourseItem, "courseIdOrSlug")
    config.add_child(resources.CourseItem, "modules", resources.CourseModules)
    config.add_child(ApiRoot, "modules", resources.ModuleCollection)
    config.add_item(resources.ModuleCollection, resources.ModuleItem, "moduleId")
    config.add_child(resources.ModuleItem, "lessons", resources.ModuleLessons)
    config.add_child(ApiRoot, "lessons", resources.LessonCollection)
    config.add_item(resources.LessonCollection, resources.LessonItem, "lessonId")
    config.add_child(resources.CourseItem, "staff", CourseStaffCollection)
    config.add_item(CourseStaffCollection, StaffItem, "userId")
    config.include("lms_core.courses.announcements")
    config.include("lms_core.courses.catalog")
    config.include("lms_core.courses.covers")
    config.include("lms_core.courses.exchange")
    config.scan("lms_core.courses.views")
    config.add_child(resources.CourseItem, "versions", CourseVersions)
    config.add_item(CourseVersions, VersionItem, "versionNumber")
    config.add_child(VersionItem, "lessons", VersionLessons)
    config.add_item(VersionLessons, VersionLessonItem, "lessonId")
    config.scan("lms_core.courses.arranging.views")
    config.scan("lms_core.courses.lifecycle.views")
    config.scan("lms_core.courses.staff.views")
    config.scan("lms_core.courses.versions.views")
