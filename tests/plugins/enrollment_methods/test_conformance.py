"""The bundled enrollment methods, and one of an institution's own, owe what every such method owes."""

from typing import Any

import pytest
from lms_plugins.enrollment_methods import approval, open  # noqa: A004  # So is it called.

from lms_core.plugin_api import EnrollmentMethod
from lms_core.testing.enrollment_methods import EnrollmentMethodConformance
from tests.fixtures.toy_enrollment import PasswordEnrollment


class TestOpen(EnrollmentMethodConformance):
    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return open.OpenEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{}]


class TestApproval(EnrollmentMethodConformance):
    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return approval.ApprovedEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"reason": "Because\nit is there."}]

    @pytest.fixture
    def chosen(self) -> list[dict[str, Any]]:
        return [{}, {"question": "Why?", "reasonRequired": True}, {"reasonRequired": False}]


class TestToy(EnrollmentMethodConformance):
    price = "12.50"

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return PasswordEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"word": "sesame"}, {"word": "sesame", "paying": True}]

    @pytest.fixture
    def chosen(self) -> list[dict[str, Any]]:
        return [{"word": "sesame"}]
