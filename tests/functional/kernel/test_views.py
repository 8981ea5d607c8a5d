"""Promises that hold for every registered view."""

import json

from openapi_spec_validator import validate
from pyramid.security import NO_PERMISSION_REQUIRED

from lms_core.kernel.openapi import document, operations, permission_of

OPEN_TO_ALL = {
    "/api/v1/auth/register", "/api/v1/auth/verify-email", "/api/v1/auth/resend-verification", "/api/v1/auth/login",
    "/api/v1/auth/refresh", "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password", "/api/v1/auth/logout",
    "/api/v1/auth/two-factor/verify",
    "/api/v1/files/{fileId}/download",
    "/api/v1/uploads",
    "/api/v1/avatars/{avatarId}",
    "/api/v1/certificates/issuer", "/api/v1/certificates/status/{list}", "/api/v1/certificates/verify",
    "/api/v1/payments/webhooks/{gateway}",
    "/api/v1/invitations/decline", "/api/v1/invitations/open",
}  # fmt: skip
"""What asks for no permission: how one comes to have any, what has an address that nobody can guess, what proves a
certificate to anybody, what a gateway signs, and what the server can do."""


def test_every_view_declares_its_permission(registry):
    unguarded = [
        entry["introspectable"]["callable"].__qualname__
        for entry in registry.introspector.get_category("views")
        if not entry["introspectable"]["exception_only"] and permission_of(entry) is None
    ]
    # Pyramid's own view of its own exceptions, which can be raised but not visited.
    assert set(unguarded) == {"default_exceptionresponse_view"}


def test_few_paths_need_no_permission(registry):
    open_to_all = {
        operation.path for operation in operations(registry) if operation.permission == NO_PERMISSION_REQUIRED
    }
    assert open_to_all == OPEN_TO_ALL
    uploads = {operation.method for operation in operations(registry) if operation.path == "/api/v1/uploads"}
    assert uploads == {"options", "post"}


def test_no_request_with_a_password_is_kept(registry):
    """Not even as an HMAC: what takes a password takes no Idempotency-Key."""
    passwords = {
        operation.path
        for operation in operations(registry)
        if operation.idempotent and operation.options.get("body")
        and any("password" in name for name in operation.options["body"]().load_fields)
    }  # fmt: skip
    assert passwords == set()


def test_the_openapi_document_is_valid_and_complete(app, registry):
    described = app.get("/api/v1/openapi.json").json
    validate(described)
    listed = {
        (path, method) for path, methods in described["paths"].items() for method in methods if method != "parameters"
    }
    known = list(operations(registry))
    files = {(each.path, "head") for each in known if 206 in (each.options.get("answers") or {})}
    assert len(files) >= 4
    assert listed == {(each.path, each.method) for each in known} | files
    names = [operation["operationId"] for methods in described["paths"].values()
             for method, operation in methods.items() if method != "parameters"]  # fmt: skip
    assert sorted(names) == sorted(set(names))


def test_every_operation_says_what_it_does(registry):
    for path, methods in document(registry)["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                assert operation["summary"], (path, method)
                assert set(operation["responses"]) & {"200", "201", "202", "204"}, (path, method)


def test_the_document_is_plain_json_and_the_page_needs_no_other_site(app):
    json.loads(app.get("/api/v1/openapi.json").body)
    page = app.get("/api/docs")
    assert "http" not in page.text.replace("http-equiv", "")
    for script in ("swagger-ui-bundle.js", "swagger-ui.css"):
        app.get(f"/api/docs/ui/{script}")
    assert app.get("/api/docs/start.js").content_type == "text/javascript"
