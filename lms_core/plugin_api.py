"""All that a plugin may import. What is not here may change without notice; what is here changes with API_VERSION."""

from lms_migrations.permissions import Right, grant, revoke
from marshmallow import fields, validate

from lms_core.accounts.events import EmailVerified, PasswordChanged, ProfileChanged, UserRegistered
from lms_core.accounts.resources import MeResource
from lms_core.cli.options import Place, placed
from lms_core.courses.access import course_acl
from lms_core.courses.announcements.events import AnnouncementPublished
from lms_core.courses.content.types import (
    ContentContext,
    ContentFile,
    ContentType,
    Evidence,
    Lack,
    NoCriteria,
    Prepared,
    refusal,
    short_of,
)
from lms_core.courses.content.workshop import CannotProcess, Workshop
from lms_core.courses.events import CourseCreated, CoursePublished, LessonContentChanged, PlacesChanged
from lms_core.courses.exporting import (
    CourseExporter,
    ExportedCourse,
    ExportedFile,
    ExportedLesson,
    ExportedModule,
)
from lms_core.courses.html import MAX_LENGTH as MAX_HTML
from lms_core.courses.html import Sanitized, is_blank, reading_minutes, sanitize
from lms_core.courses.importing import (
    FILE_SCHEME,
    CourseImporter,
    ImportedCourse,
    ImportedEmbed,
    ImportedFile,
    ImportedLesson,
    ImportedModule,
    ImportLimits,
    Skipped,
)
from lms_core.courses.references import FILE_ID_SCHEME, map_references, referenced_files
from lms_core.courses.resources import CourseItem
from lms_core.enrollment.admission import Admission
from lms_core.enrollment.codes.service import give_back_access_codes, use_access_code
from lms_core.enrollment.events import (
    CourseCompleted,
    EnrollmentDropped,
    EnrollmentExpired,
    EnrollmentRejected,
    EnrollmentRequested,
    EnrollmentResumed,
    EnrollmentSuspended,
    PlaceOffered,
    UserEnrolled,
    WaitingListJoined,
)
from lms_core.enrollment.invitations.service import give_back_invitations, use_invitation
from lms_core.enrollment.methods import (
    Admit,
    Application,
    Ask,
    Decision,
    EnrollmentMethod,
    JoinedCourse,
    NothingToSay,
    NothingToSet,
    Pay,
    Refuse,
)
from lms_core.enrollment.payments.asking import ask_to_pay, give_back_vouchers
from lms_core.enrollment.payments.events import PaymentNeedsAttention, PaymentReceived, PaymentRefunded
from lms_core.enrollment.payments.gateways import (
    Charge,
    Checkout,
    GatewayEvent,
    GatewayUnavailable,
    PaymentGateway,
    Refunded,
    WebhookRefused,
)
from lms_core.enrollment.service import enroll
from lms_core.files.events import FileCleared, FileInfected
from lms_core.files.ranges import ranged_stream
from lms_core.files.scanning import FileScanner, ScannerUnavailable, Verdict
from lms_core.files.storage import (
    IncomingStream,
    Readable,
    Storage,
    StorageBackend,
    StorageUnavailable,
    Stored,
    StoredObject,
    check_storage_key,
    is_storage_key,
)
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.db import Base, Created, Identified, Timestamped
from lms_core.kernel.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    LMSError,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)
from lms_core.kernel.events import Delivery, Event, Undeliverable, publish
from lms_core.kernel.hookspecs import hookimpl
from lms_core.kernel.i18n import _
from lms_core.kernel.mail import queue_mail
from lms_core.kernel.migrations import touch_trigger
from lms_core.kernel.openapi import Binary
from lms_core.kernel.opensearch import OpenSearchAddress
from lms_core.kernel.pagination import CursorPage, CursorQuery, Page, PageQuery, cursor_page, page_of
from lms_core.kernel.plugins import API_VERSION, EventSubscription, Migrations, PeriodicTask
from lms_core.kernel.ratelimit import throttle_account, throttle_address
from lms_core.kernel.request import Request
from lms_core.kernel.schemas import Money, Number, Part, Percentage, Schema, Text, Timestamp
from lms_core.kernel.security import ACE, Identity, scoped_acl
from lms_core.kernel.tasks import TaskContext
from lms_core.kernel.traversal import Allow, ApiRoot, Authenticated, Collection, Everyone, Item, Resource
from lms_core.kernel.views import api_url, created
from lms_core.notifications.service import Notice, notify, tell
from lms_core.settings import Setting, Settings, SettingsError

__all__ = [
    "ACE", "API_VERSION", "FILE_ID_SCHEME", "FILE_SCHEME", "MAX_HTML", "Admission", "Admit", "Allow",
    "AnnouncementPublished", "ApiRoot", "Application", "Ask", "Authenticated", "BadRequest", "Base", "Binary",
    "CannotProcess", "Charge", "Checkout", "Collection", "Conflict", "ContentContext", "ContentFile", "ContentType",
    "Core", "CourseCompleted", "CourseCreated", "CourseExporter", "CourseImporter", "CourseItem", "CoursePublished",
    "Created", "CursorPage", "CursorQuery", "Decision", "Delivery", "EmailVerified", "EnrollmentDropped",
    "EnrollmentExpired", "EnrollmentMethod", "EnrollmentRejected", "EnrollmentRequested", "EnrollmentResumed",
    "EnrollmentSuspended", "Event", "EventSubscription", "Everyone", "Evidence", "ExportedCourse", "ExportedFile",
    "ExportedLesson", "ExportedModule", "FileCleared", "FileInfected", "FileScanner", "Forbidden", "GatewayEvent",
    "GatewayUnavailable", "Identified", "Identity", "ImportLimits", "ImportedCourse", "ImportedEmbed", "ImportedFile",
    "ImportedLesson", "ImportedModule", "IncomingStream", "Invalid", "Item", "JoinedCourse", "LMSError", "Lack",
    "LessonContentChanged", "MeResource", "Migrations", "Money", "NoCriteria", "NotFound", "NothingToSay",
    "NothingToSet", "Notice", "Number", "OpenSearchAddress", "Page", "PageQuery", "Part", "PasswordChanged", "Pay",
    "PaymentGateway", "PaymentNeedsAttention", "PaymentReceived", "PaymentRefunded", "Percentage", "PeriodicTask",
    "Place", "PlaceOffered", "PlacesChanged", "Prepared", "ProfileChanged", "Readable", "Refunded", "Refuse", "Request",
    "Resource", "Right", "Sanitized", "ScannerUnavailable", "Schema", "Setting", "Settings", "SettingsError", "Skipped",
    "Storage", "StorageBackend", "StorageUnavailable", "Stored", "StoredObject", "TaskContext", "Text", "Timestamp",
    "Timestamped", "TooLarge", "TooMany", "Unauthorized", "Unavailable", "Undeliverable", "UserEnrolled",
    "UserRegistered", "Verdict", "WaitingListJoined", "WebhookRefused", "Workshop", "_", "api_url", "ask_to_pay",
    "audit", "check_storage_key", "course_acl", "created", "cursor_page", "enroll", "fields", "give_back_access_codes",
    "give_back_invitations", "give_back_vouchers", "grant", "hookimpl", "is_blank", "is_storage_key", "map_references",
    "notify", "page_of", "placed", "publish", "queue_mail", "ranged_stream", "reading_minutes", "referenced_files",
    "refusal", "revoke", "sanitize", "scoped_acl", "short_of", "tell", "throttle_account", "throttle_address",
    "touch_trigger", "use_access_code", "use_invitation", "validate",
]  # fmt: skip
