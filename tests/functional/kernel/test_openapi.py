"""The OpenAPI document: what a client's author reads is what the views do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from marshmallow import fields
from openapi_spec_validator import validate
from pyramid.exceptions import ConfigurationError
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

import lms_core
from lms_core.kernel import errors
from lms_core.kernel.openapi import Binary, document, operations
from lms_core.kernel.openapi.examples import example_of
from lms_core.kernel.openapi.problems import problems
from lms_core.kernel.schemas import Schema, Text, load
from lms_core.kernel.traversal import ApiRoot, Resource

COMMANDS_ONLY = {
    "course_unknown", "dead_letter_unknown", "instructor_not_allowed", "instructor_unknown", "unknown_group",
    "version_unknown",
}  # fmt: skip
"""What only commands of the shell meet."""
SOURCES = (Path(lms_core.__file__).parent, Path(lms_core.__file__).parents[1] / "plugins")


@pytest.fixture(scope="module")
def described(registry: Any) -> dict[str, Any]:
    return document(registry)


def resolve(described: dict[str, Any], value: Any) -> Any:
    """A thing or the component that it refers to."""
    reference = value.get("$ref")
    if reference is None:
        return value
    found: Any = described
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def error_class(node: ast.expr) -> type[errors.LMSError] | None:
    """The class of our errors that a name means, None where it means another thing."""
    kind = getattr(errors, node.id, None) if isinstance(node, ast.Name) else None
    return kind if isinstance(kind, type) and issubclass(kind, errors.LMSError) else None


def raised() -> Iterator[str]:
    """``409 email_taken`` for each error that the code makes with a literal code, and for each class of its own."""
    for source in SOURCES:
        for path in source.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and (kind := error_class(node.func)):
                    given = node.args[0] if node.args else ast.Constant(kind.code)
                    if isinstance(given, ast.Constant):
                        yield f"{kind.status} {given.value}"
                elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Refuse":
                    yield f"{_refused_status(node)} {ast.literal_eval(node.args[0])}"
                elif isinstance(node, ast.ClassDef):
                    yield from own_codes(node)


def _refused_status(call: ast.Call) -> int:
    """Of an enrollment method's refusal: 422 where it names a field."""
    return 422 if len(call.args) > 2 or any(keyword.arg == "field" for keyword in call.keywords) else 409


def own_codes(node: ast.ClassDef) -> Iterator[str]:
    """The code that a subclass of an error has instead of its base's."""
    lines = [line for line in node.body if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code"]
    for kind in filter(None, map(error_class, node.bases)):
        yield from (f"{kind.status} {ast.literal_eval(line.value)}" for line in lines)


def test_a_declared_code_is_raised_somewhere_and_with_its_status(registry: Any) -> None:
    known = set(raised())
    declared = {
        f"{status} {code}"
        for operation in operations(registry)
        for status, codes in problems(operation).items()
        for code in codes
    }
    assert declared - known == set()


def test_a_code_that_is_raised_is_declared_where_it_can_be_answered(registry: Any) -> None:
    declared = {code for operation in operations(registry) for codes in problems(operation).values() for code in codes}
    undeclared = {error.partition(" ")[2] for error in raised()} - declared
    assert {code for code in undeclared if not code.startswith(("import_", "export_"))} <= COMMANDS_ONLY


def test_each_code_stands_under_its_own_status(described: dict[str, Any]) -> None:
    refusals = described["paths"]["/api/v1/auth/login"]["post"]["responses"]
    assert "default" not in refusals
    for status, codes in {
        "401": {"invalid_credentials", "two_factor_required"},
        "403": {"account_locked", "account_suspended", "email_not_verified"},
        "422": {"invalid"},
        "429": {"too_many_requests"},
    }.items():
        [content] = resolve(described, refusals[status])["content"].values()
        assert set(content["examples"]) == codes
        assert {each["value"]["status"] for each in content["examples"].values()} == {int(status)}


def views(registry: Any) -> dict[str, Any]:
    """The view behind each operation; that of a file's GET answers HEAD too."""
    known = {f"{each.method} {each.path}": each for each in operations(registry)}
    files = (name for name, each in known.items() if 206 in (each.options.get("answers") or {}))
    return {**{name.replace("get ", "head ", 1): known[name] for name in files}, **known}


def every(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Each operation: ``get /path``, what is said of it, and all its parameters."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                own = [*methods.get("parameters", ()), *operation["parameters"]]
                yield f"{method} {path}", operation, [resolve(described, each) for each in own]


def test_every_operation_says_what_it_does_and_who_may(described: dict[str, Any], registry: Any) -> None:
    validate(described)
    permissions = views(registry)
    for name, operation, _parameters in every(described):
        assert re.fullmatch(r"[A-Z].{5,}[^.]", operation["summary"]), name
        assert operation["tags"], name
        if permissions[name].public:
            assert [{}, *operation["security"]][0] == {}, name
            assert "x-permission" not in operation, name
        else:
            assert operation["x-permission"] == permissions[name].permission, name
            assert {"bearer": []} in operation["security"], name
            assert {"401", "403"} <= operation["responses"].keys(), name


def test_every_parameter_is_described_and_shown(described: dict[str, Any]) -> None:
    lacking = [
        f"{name}: {parameter['name']}"
        for name, _operation, parameters in every(described)
        for parameter in parameters
        if not parameter.get("description") or shown(parameter) is None
    ]
    assert lacking == []


def shown(parameter: dict[str, Any]) -> Any:
    """The example of a parameter; an optional one's is where no page to try things in sends it unasked.

    Of what most things do not have, such as an end, it is null.
    """
    if parameter.get("required"):
        return parameter.get("example")
    assert "example" not in parameter, parameter["name"]
    return parameter["schema"].get("examples")


def test_the_headers_that_change_an_answer_are_listed(described: dict[str, Any], registry: Any) -> None:
    known = views(registry)
    for name, operation, parameters in every(described):
        headers = {each["name"] for each in parameters if each["in"] == "header"}
        each = known[name]
        assert "Accept-Language" in headers, name
        assert ("Idempotency-Key" in headers) == each.idempotent, name
        assert ("If-Match" in headers) == (each.on_item and each.unsafe), name
        assert ("If-None-Match" in headers) == (each.on_item and each.method == "get"), name
        if each.unsafe and not each.public:
            assert {"cookie": [], "csrf": []} in operation["security"], name
    assert described["components"]["securitySchemes"]["csrf"]["name"] == "X-CSRF-Token"


def contents(described: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What goes to and fro: ``request`` or a status, media type, schema and examples."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, content
    for status, answer in operation["responses"].items():
        for kind, content in resolve(described, answer).get("content", {}).items():
            yield status, kind, content


def test_every_answer_has_a_schema_and_an_example_that_fits(described: dict[str, Any]) -> None:
    for name, operation, _parameters in every(described):
        successes = [status for status in operation["responses"] if status < "400"]
        assert successes, name
        for answer in operation["responses"].values():
            assert resolve(described, answer)["description"], name
        for status, kind, content in contents(described, operation):
            where = f"{name} {status} {kind}"
            assert content["schema"], where
            if "json" not in kind:
                continue
            examples = [content["example"]] if "example" in content else [
                each["value"] for each in content["examples"].values()
            ]  # fmt: skip
            assert examples, where
            fits = Draft202012Validator({**content["schema"], "components": described["components"]})
            for example in examples:
                assert [error.message for error in fits.iter_errors(example)] == [], where


def test_every_example_of_a_request_is_one_that_is_taken(registry: Any) -> None:
    for operation in operations(registry):
        for option in ("body", "query"):
            schema = operation.options.get(option)
            if schema is not None:
                assert load(schema(), example_of(schema, sent=True)), operation


class UploadHeaders(Schema):
    offset = fields.Integer(
        required=True, data_key="Upload-Offset", metadata={"description": "Bytes that the server has.", "example": 512}
    )


class FormSchema(Schema):
    file = Binary(required=True)
    title = Text(max=100)


def send_part(context: Resource, request: Any) -> Response:
    """Send a part of a file."""
    return Response()


def ask_offset(context: Resource, request: Any) -> Response:
    """Ask how much of a file has arrived."""
    return Response()


def send_form(context: Resource, request: Any) -> Response:
    """Send a file as a form."""
    return Response()


def read_part(context: Resource, request: Any) -> Response:
    """Read a file."""
    return Response()


def with_upload(config: Any) -> None:
    options: Any = {"context": ApiRoot, "permission": NO_PERMISSION_REQUIRED}
    config.add_view(
        send_part, name="part", request_method="PATCH", consumes="application/offset+octet-stream",
        headers=UploadHeaders, answer_headers=UploadHeaders, status=204, **options,
    )  # fmt: skip
    config.add_view(ask_offset, name="part", request_method="HEAD", answer_headers=UploadHeaders, **options)
    config.add_view(send_form, name="form", request_method="POST", form=FormSchema, status=201, **options)
    config.add_view(
        read_part, name="part", request_method="GET", produces=("application/pdf", "image/png"),
        answers={206: "The range asked for."}, **options,
    )  # fmt: skip


def test_bytes_and_forms_go_both_ways(make_app: Any) -> None:
    described = make_app(with_upload).get("/api/v1/openapi.json").json
    validate(described)
    part, form = described["paths"]["/api/v1/part"], described["paths"]["/api/v1/form"]["post"]
    binary = {"schema": {"type": "string", "format": "binary"}}

    assert part["patch"]["requestBody"]["content"] == {"application/offset+octet-stream": binary}
    [offset] = [each for each in part["patch"]["parameters"] if each.get("name") == "Upload-Offset"]
    assert (offset["in"], offset["required"], offset["example"]) == ("header", True, 512)
    assert part["head"]["responses"]["204"]["headers"]["Upload-Offset"]["description"] == "Bytes that the server has."
    assert part["get"]["responses"]["200"]["content"] == {"application/pdf": binary, "image/png": binary}
    assert part["get"]["responses"]["206"]["description"] == "The range asked for."
    assert part["get"]["responses"]["206"]["content"] == {"application/pdf": binary, "image/png": binary}
    schema = resolve(described, form["requestBody"]["content"]["multipart/form-data"]["schema"])
    assert schema["properties"]["file"] == {"type": "string", "format": "binary"}
    assert schema["required"] == ["file"]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/files/{fileId}/content", "/api/v1/files/{fileId}/download", "/api/v1/exports/{exportId}/content"],
)
def test_a_file_comes_whole_in_part_or_without_its_body(described: dict[str, Any], path: str) -> None:
    whole, head = described["paths"][path]["get"], described["paths"][path]["head"]
    part = whole["responses"]["206"]
    assert part["content"] == whole["responses"]["200"]["content"]
    assert part["headers"]["Content-Range"]["schema"] == {"type": "string"}
    assert "content" not in head["responses"]["200"]
    assert not {"206", "416"} & head["responses"].keys()
    assert "Range" not in {resolve(described, each)["name"] for each in head["parameters"]}
    assert head["operationId"] != whole["operationId"]


@pytest.mark.parametrize("error", ["email_taken", "200 fine", "409"])
def test_a_code_without_its_status_stops_the_start(make_app: Any, error: str) -> None:
    def include(config: Any) -> None:
        config.add_view(
            send_part, context=ApiRoot, name="part", request_method="PUT", permission=NO_PERMISSION_REQUIRED,
            errors=(error,),
        )  # fmt: skip

    with pytest.raises(ConfigurationError, match="write the status before the code"):
        make_app(include)
