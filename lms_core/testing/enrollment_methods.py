"""The conformance suite of ``lms_enrollment_methods``: what every way into a course owes the core and the applicants.

Subclass it in a test module, say which method and give it examples; pytest runs the rest::

    class TestMine(EnrollmentMethodConformance):
        @pytest.fixture
        def method(self) -> EnrollmentMethod:
            return MyMethod()

        @pytest.fixture
        def examples(self) -> list[dict[str, Any]]:
            return [{"colour": "blue"}]

What has to be there for the examples to be accepted, ``arrange`` makes.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from pyramid.registry import Registry
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.methods import (
    Admit,
    Application,
    Ask,
    Decision,
    EnrollmentMethod,
    JoinedCourse,
    Pay,
    Refuse,
    check_method,
)
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, LMSError
from lms_core.kernel.openapi import json_schema
from lms_core.kernel.request import Request
from lms_core.kernel.schemas import load, load_json
from lms_core.testing.accounts import add_user
from lms_core.testing.content_types import HOSTILE, STRANGE, check_fields, leaves, replaced
from lms_core.testing.courses import make_course
from lms_core.testing.watching import reading

_CODE = re.compile(r"[a-z][a-z0-9_]*")
Sent = dict[str, Any]
Arrange = Callable[[Session, uuid.UUID, User], None]
Decide = Callable[..., Decision]


class EnrollmentMethodConformance:
    """``method`` and ``examples`` are the author's to give, and ``arrange`` where something has to be there."""

    price = "0"
    """Of the course that the examples are for, in EUR."""

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        raise NotImplementedError("override the fixture `method`: the enrollment method under test")

    @pytest.fixture
    def examples(self) -> list[Sent]:
        """What applicants send, each refused by nobody; they use every field between them."""
        raise NotImplementedError("override the fixture `examples`: what applicants send")

    @pytest.fixture
    def chosen(self) -> list[Sent]:
        """What authors may set; the examples are sound under each of them, and they use every field between them."""
        return [{}]

    @pytest.fixture
    def arrange(self) -> Arrange:
        """``arrange(db, course_id, applicant)`` makes what the examples need; it is undone with the decision."""
        return lambda _db, _course_id, _applicant: None

    @pytest.fixture
    def course(self, core: Core) -> uuid.UUID:
        with core.transaction() as db:
            owner = add_user(db, core, ["instructor"])
        return make_course(core, owner.id, price=Decimal(self.price), currency="EUR").id

    @pytest.fixture
    def decide(
        self, registry: Registry, core: Core, course: uuid.UUID, method: EnrollmentMethod, arrange: Arrange
    ) -> Decide:
        """``decide(sent, settings)``: what the method decides about a new applicant, and nothing of it stays."""

        def decide(sent: Any, settings: Sent | None = None) -> Decision:
            with core.transaction() as db:
                applicant = add_user(db, core)
                arrange(db, course, applicant)
                db.flush()
                application = _application(registry, db, course, applicant, method, sent, settings or {})
                with _within(db):
                    decision = method.decide(application)
                    if isinstance(decision, Admit):
                        _give_back(method, db, application)
                db.rollback()
            return decision

        return decide

    # What it says of itself.

    def test_it_has_a_name_and_a_title(self, method: EnrollmentMethod) -> None:
        check_method(method)
        assert str(method.title).strip()

    def test_every_field_has_limits_and_a_title(self, method: EnrollmentMethod) -> None:
        for schema in (method.schema, method.settings):
            described = json_schema(schema, str)
            check_fields(described, described.get("$defs", {}), method.name)

    def test_the_examples_use_every_field(
        self, method: EnrollmentMethod, examples: list[Sent], chosen: list[Sent]
    ) -> None:
        for schema, given in ((method.schema, examples), (method.settings, chosen)):
            keys = {field.data_key for field in schema().load_fields.values()}
            assert {key for example in given for key in example} == keys

    # Deciding.

    def test_who_sends_what_is_asked_is_not_refused(
        self, decide: Decide, examples: list[Sent], chosen: list[Sent]
    ) -> None:
        for settings in chosen:
            for example in examples:
                before = json.dumps(example)
                decision = decide(example, settings)
                assert isinstance(decision, Admit | Ask | Pay), decision
                check_decision(decision)
                assert json.dumps(example) == before, "what was sent is not changed in place"

    def test_deciding_again_ends_the_same_way(self, decide: Decide, examples: list[Sent], chosen: list[Sent]) -> None:
        """An applicant who sends the same twice is the same applicant, and nothing outlives what was rolled back."""
        for example in examples:
            assert type(decide(example, chosen[0])) is type(decide(example, chosen[0]))

    def test_only_who_sees_to_the_price_asks_for_money(
        self, method: EnrollmentMethod, decide: Decide, examples: list[Sent], chosen: list[Sent]
    ) -> None:
        asks = any(isinstance(decide(example, settings), Pay) for example in examples for settings in chosen)
        assert method.settles_price or not asks, "a method that answers Pay says settles_price"

    # What is hostile.

    def test_an_unknown_field_is_refused(
        self, method: EnrollmentMethod, examples: list[Sent], chosen: list[Sent]
    ) -> None:
        for schema, example in ((method.schema, examples[0]), (method.settings, chosen[0])):
            with pytest.raises(Invalid):
                load(schema(), {**example, "noSuchField": 1})

    @pytest.mark.parametrize("value", [*HOSTILE, *STRANGE], ids=lambda value: repr(value)[:30])
    def test_hostile_values_anywhere(
        self, method: EnrollmentMethod, decide: Decide, examples: list[Sent], chosen: list[Sent], value: Any
    ) -> None:
        """They are refused with a code, or decided about like any other."""
        for example in examples:
            for path in leaves(example):
                _check_outcome(decide, replaced(example, path, value), chosen[0])
        for settings in chosen:
            for path in leaves(settings):
                try:
                    kept = load_json(method.settings(), replaced(settings, path, value))
                except Invalid:
                    continue
                _check_outcome(decide, examples[0], kept)


# What the tests are made of; an author's further tests may use it too.


def check_decision(decision: Decision) -> None:
    """Whether the core can do with a decision what it says."""
    match decision:
        case Admit():
            assert decision.expires_at is None or decision.expires_at.tzinfo is not None, "a time has its offset"
        case Ask():
            assert decision.reason is None or decision.reason.strip()
        case Pay():
            assert decision.amount > 0
            assert decision.amount == round(decision.amount, 2)
            assert re.fullmatch(r"[A-Z]{3}", decision.currency)
            assert list(decision.gateways)
            assert decision.reference
            assert dict(decision.details) == json.loads(json.dumps(dict(decision.details))), "details are plain JSON"
            assert not decision.details.keys() & {"amount", "currency", "gateways", "reference"}
        case Refuse():
            assert _CODE.fullmatch(decision.code)
            assert str(decision.message).strip()


def _give_back(method: EnrollmentMethod, db: Session, application: Application) -> None:
    """As if they had waited for a place in vain; what is told twice is given back once."""
    spent = dict(application.spent)
    assert spent == json.loads(json.dumps(spent)), "what is spent is noted as text"
    assert all(isinstance(each, str) for each in spent.values()), "what is spent is noted as text"
    assert not spent or type(method).give_back is not EnrollmentMethod.give_back, "what is spent can be given back"
    for _time in range(2):
        method.give_back(db, [spent] if spent else [])


def _check_outcome(decide: Decide, sent: Any, settings: Sent) -> None:
    try:
        decision = decide(sent, settings)
    except LMSError:
        return
    check_decision(decision)


def _application(
    registry: Registry, db: Session, course_id: uuid.UUID, user: User, method: EnrollmentMethod, sent: Any, chosen: Sent
) -> Application:
    """As the core makes it of a request."""
    request = Request.blank("/api/v1/enrollments", method="POST")
    request.registry = registry
    course = db.execute(select(Course.id, Course.title, Course.price, Course.currency).where(Course.id == course_id))
    data = load(method.schema(), sent)
    joined = JoinedCourse(*course.one())
    settings = load_json(method.settings(), chosen)
    return Application(db, registry.core, request, joined, user.id, user.email, True, data, settings)


@contextmanager
def _within(db: Session) -> Iterator[None]:
    """Inside the block nothing is committed or rolled back, no server is asked, and no other connection is taken."""
    db.execute(text("SELECT 1"))
    ended: list[str] = []

    def commit(_session: Session) -> None:
        ended.append("commit")

    def roll_back(_session: Session) -> None:
        ended.append("rollback")

    event.listen(db, "after_commit", commit)
    event.listen(db, "after_rollback", roll_back)
    try:
        with reading():
            yield
        db.flush()
        assert not ended, f"deciding is part of the core's transaction, and does no {ended[0]}"
    finally:
        event.remove(db, "after_commit", commit)
        event.remove(db, "after_rollback", roll_back)
