"""Ratings: who may write, read, judge and answer them, and what they say of whom."""

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.models import AuditLog
from lms_core.learning.models import CourseRating
from lms_core.testing.courses import make_course

GOOD = {"rating": 5, "reviewTitle": "Bread at last", "reviewContent": "Well told.\nI bake now."}


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id)


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/ratings"


@pytest.fixture
def make_student(make_person, course):
    """``make_student(display_name="...")``: somebody who takes the course."""

    def make(**fields):
        person = make_person("student", **fields)
        enroll(person, course)
        return person

    return make


@pytest.fixture
def moderator(make_person):
    return make_person("moderator")


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def rate(person, url, **values):
    return person.client.post_json(url, {**GOOD, **values}, status=201).json


def one(rating):
    return f"/api/v1/ratings/{rating['id']}"


def set_enrollment(core, person, **values):
    with core.transaction() as db:
        db.execute(update(Enrollment).where(Enrollment.user_id == person.id).values(**values))


def assist(instructor, course, person, role="teaching_assistant", **permissions):
    body = {"userId": str(person.id), "role": role, "permissions": permissions}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)


def test_a_student_rates_and_everybody_reads(app, make_student, url, course):
    author = make_student(display_name="Baker", first_name="Grace", last_name="Hopper")
    answer = author.client.post_json(url, GOOD, status=201)
    made = answer.json
    assert answer.headers["Location"].endswith(one(made))
    assert {name: made[name] for name in GOOD} == GOOD
    assert (made["author"], made["isMine"], made["isVerifiedPurchase"]) == ({"name": "Baker"}, True, False)
    assert (made["helpfulCount"], made["unhelpfulCount"], made["myVote"]) == (0, 0, None)

    public = app.get(url).json
    assert public["items"] == [{**made, "isMine": False}]
    assert (public["total"], app.get(one(made)).json) == (1, public["items"][0])
    for secret in ("Grace", "Hopper", author.email, str(author.id)):
        assert secret not in app.get(url).text
    card = app.get(f"/api/v1/courses/{course.id}").json
    assert (card["ratingAverage"], card["ratingCount"]) == (5, 1)


def test_who_has_no_display_name_shows_the_first_name(app, make_student, url):
    rate(make_student(first_name="Grace", last_name="Hopper"), url)
    rate(make_student(first_name="Ada", last_name="King", display_name=""), url)
    assert [each["author"] for each in app.get(url).json["items"]] == [{"name": "Ada"}, {"name": "Grace"}]


@pytest.mark.parametrize("closed", ["suspended_at", "deleted_at", "is_active"])
def test_of_a_closed_account_only_the_words_stay(core, app, make_student, url, closed):
    author = make_student(display_name="Baker", first_name="Grace", last_name="Hopper")
    made = rate(author, url)
    with core.transaction() as db:
        value = False if closed == "is_active" else func.now()
        db.execute(update(User).where(User.id == author.id).values({closed: value}))
    [shown] = app.get(url).json["items"]
    assert shown["author"] is None
    assert shown["rating"] == 5
    for secret in ("Baker", "Grace", "Hopper", author.email, str(author.id)):
        assert secret not in app.get(url).text + app.get(one(made)).text


def test_one_rating_each(make_student, url):
    author = make_student()
    rate(author, url)
    assert author.client.post_json(url, GOOD, status=409).json["code"] == "already_rated"
    assert author.client.get(f"{url}/mine").json["rating"] == 5
    make_student().client.get(f"{url}/mine", status=404)


def test_only_who_takes_or_took_it_rates(core, app, make_student, make_person, instructor, admin, url, course):
    app.post_json(url, GOOD, status=401)
    for stranger in (make_person(), make_person("instructor", "student"), admin):
        assert stranger.client.post_json(url, GOOD, status=403).json["code"] == "enrollment_needed"
    for values in ({"status": "dropped"}, {"status": "suspended"}, {"status": "expired"},
                   {"starts_at": func.now() + func.make_interval(0, 0, 0, 1)}):  # fmt: skip
        person = make_student()
        set_enrollment(core, person, **values)
        assert person.client.post_json(url, GOOD, status=403).json["code"] == "enrollment_needed"
    for values in ({"status": "completed"}, {"expires_at": func.now()}, {"status": "active"}):
        person = make_student()
        set_enrollment(core, person, **values)
        rate(person, url)
    hidden = make_course(core, instructor.id, published=False)
    make_person().client.post_json(f"/api/v1/courses/{hidden.id}/ratings", GOOD, status=404)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(CourseRating)) == 3


def test_who_teaches_it_does_not_rate_it(make_student, instructor, url, course):
    enroll(instructor, course)
    helper = make_student()
    assist(instructor, course, helper)
    for person in (instructor, helper):
        assert person.client.post_json(url, GOOD, status=403).json["code"] == "own_course"


def test_the_least_progress_can_be_set(core, make_app, make_student, url):
    person, done = make_student(), make_student()
    strict = make_app(lms__ratings__min_progress=40).bearer(person.client.authorization[1])
    refused = strict.post_json(url, GOOD, status=409).json
    assert (refused["code"], "40 percent" in refused["detail"]) == ("progress_needed", True)
    set_enrollment(core, person, progress_percentage=40)
    strict.post_json(url, GOOD, status=201)
    set_enrollment(core, done, status="completed", progress_percentage=10)
    strict.bearer(done.client.authorization[1]).post_json(url, GOOD, status=201)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rating": 0}, "rating"), ({"rating": 6}, "rating"), ({"rating": 4.5}, "rating"), ({"rating": "5"}, "rating"),
        ({"rating": None}, "rating"), ({"rating": True}, "rating"), ({"reviewTitle": "x" * 256}, "reviewTitle"),
        ({"reviewTitle": "a\nb"}, "reviewTitle"), ({"reviewTitle": " "}, "reviewTitle"),
        ({"reviewContent": "x" * 5001}, "reviewContent"), ({"reviewContent": "a\x00b"}, "reviewContent"),
        ({"helpfulCount": 9}, "helpfulCount"), ({"isVerifiedPurchase": True}, "isVerifiedPurchase"),
        ({"instructorResponse": "Great!"}, "instructorResponse"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(make_student, url, change, field):
    author = make_student()
    assert set(author.client.post_json(url, {**GOOD, **change}, status=422).json["errors"]) == {field}
    made = rate(author, url)
    assert set(author.client.put_json(one(made), change, status=422).json["errors"]) == {field}
    assert author.client.get(one(made)).json == made


def test_words_are_plain_text_and_may_be_left_out(make_student, url):
    author = make_student()
    hostile = "<script>alert(1)</script> & <b>bold</b>"
    made = author.client.post_json(url, {"rating": 3}, status=201).json
    assert (made["reviewTitle"], made["reviewContent"]) == (None, None)
    changed = author.client.put_json(one(made), {"reviewContent": hostile}).json
    assert changed["reviewContent"] == hostile, "as it was written: whoever shows it as text shows it whole"
    assert author.client.put_json(one(made), {"reviewContent": None}).json["reviewContent"] is None


def test_an_author_changes_and_deletes_their_own(core, make_student, make_person, url, course):
    author, other = make_student(), make_student()
    made, theirs = rate(author, url), rate(other, url, rating=1)
    changed = author.client.put_json(one(made), {"rating": 3}).json
    assert (changed["rating"], changed["reviewTitle"]) == (3, GOOD["reviewTitle"])
    for person in (author, make_person()):
        person.client.put_json(one(theirs), {"rating": 5}, status=403)
        person.client.delete(one(theirs), status=403)
    set_enrollment(core, author, status="dropped")
    author.client.put_json(one(made), {"rating": 2})
    author.client.delete(one(made), status=204)
    author.client.get(one(made), status=404)
    card = author.client.get(f"/api/v1/courses/{course.id}").json
    assert (card["ratingAverage"], card["ratingCount"]) == (1, 1)
    set_enrollment(core, author, status="active")
    rate(author, url)


def test_who_owns_a_course_removes_no_review_and_a_moderator_does(core, instructor, moderator, admin, make_student, url,
                                                                 course):  # fmt: skip
    made, second = rate(make_student(), url, rating=1), rate(make_student(), url, rating=2)
    instructor.client.delete(one(made), status=403)
    instructor.client.put_json(one(made), {"rating": 5}, status=403)
    moderator.client.put_json(one(made), {"rating": 5}, status=403)
    moderator.client.delete(one(made), status=204)
    admin.client.delete(one(second), status=204)
    with core.reader() as db:
        audited = db.scalars(select(AuditLog.old_values).where(AuditLog.action == "ratings.delete")).all()
    assert sorted(each["rating"] for each in audited) == [1, 2]


def test_an_edit_of_a_stale_version_is_refused(make_student, url):
    author, voter = make_student(), make_student()
    made = rate(author, url)
    tag = author.client.get(one(made)).headers["ETag"]
    voter.client.put_json(f"{one(made)}/vote", {"vote": "helpful"})
    author.client.put_json(one(made), {"rating": 4}, headers={"If-Match": tag})
    author.client.put_json(one(made), {"rating": 3}, headers={"If-Match": tag}, status=412)


def test_a_course_that_is_not_public_shows_no_reviews(core, app, make_student, make_person, moderator, instructor, url,
                                                      course):  # fmt: skip
    author, stranger = make_student(), make_person()
    made = rate(author, url)
    for values in ({"archived_at": func.now()}, {"is_published": False, "archived_at": None}):
        with core.transaction() as db:
            db.execute(update(Course).where(Course.id == course.id).values(**values))
        for client in (app, stranger.client):
            for path in (url, f"{url}/summary", one(made)):
                client.get(path, status=404)
        stranger.client.put_json(f"{one(made)}/vote", {"vote": "helpful"}, status=404)
        stranger.client.post_json(url, GOOD, status=404)
        for person in (moderator, instructor):
            assert person.client.get(url).json["total"] == 1
        author.client.get(one(made))
    author.client.post_json(url, GOOD, status=403)
    author.client.delete(one(made), status=204)
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == course.id).values(deleted_at=func.now()))
    instructor.client.get(url, status=403)
    moderator.client.get(url, status=404)


def test_sorts_filters_and_pages(app, make_student, url):
    made = [rate(make_student(), url, rating=stars, reviewTitle=f"{stars} {number}")
            for number, stars in enumerate((3, 5, 1, 5, 2))]  # fmt: skip
    for voter in [make_student() for _ in range(2)]:
        voter.client.put_json(f"{one(made[4])}/vote", {"vote": "helpful"})
    voter.client.put_json(f"{one(made[0])}/vote", {"vote": "helpful"})
    voter.client.put_json(f"{one(made[2])}/vote", {"vote": "unhelpful"})
    orders = {
        "newest": ["2 4", "5 3", "1 2", "5 1", "3 0"],
        "highest": ["5 3", "5 1", "3 0", "2 4", "1 2"],
        "lowest": ["1 2", "2 4", "3 0", "5 3", "5 1"],
        "helpful": ["2 4", "3 0", "5 3", "1 2", "5 1"],
    }
    for sort, order in orders.items():
        pages = [app.get(f"{url}?sort={sort}&limit=3&page={page}").json for page in (1, 2)]
        assert [each["reviewTitle"] for page in pages for each in page["items"]] == order
        assert {page["total"] for page in pages} == {5}
    assert [each["reviewTitle"] for each in app.get(f"{url}?rating=5").json["items"]] == ["5 3", "5 1"]
    assert app.get(f"{url}?rating=4").json["items"] == []
    for query in ("sort=best", "rating=0", "rating=x", "page=0", "limit=101", "unknown=1"):
        assert app.get(f"{url}?{query}", status=422).json["code"] == "invalid"


def test_the_summary_counts_by_stars(app, make_student, url, course):
    empty = {"ratingAverage": 0, "ratingCount": 0, "distribution": {str(stars): 0 for stars in range(1, 6)}}
    assert app.get(f"{url}/summary").json == empty
    for stars in (5, 4, 4):
        rate(make_student(), url, rating=stars)
    found = app.get(f"{url}/summary").json
    assert found == {
        "ratingAverage": 4.33, "ratingCount": 3, "distribution": {"1": 0, "2": 0, "3": 0, "4": 2, "5": 1},
    }  # fmt: skip
    card = app.get(f"/api/v1/courses/{course.id}").json
    assert (card["ratingAverage"], card["ratingCount"]) == (4.33, 3), "as the course says it"


def test_a_vote_counts_once_can_change_and_be_withdrawn(app, make_student, make_person, url):
    author, reader = make_student(), make_person()
    made = rate(author, url)
    vote = f"{one(made)}/vote"

    def say(what):
        return reader.client.put_json(vote, {"vote": what}).json

    helpful = {"helpfulCount": 1, "unhelpfulCount": 0, "myVote": "helpful"}
    assert say("helpful") == say("helpful") == helpful
    assert say("unhelpful") == {"helpfulCount": 0, "unhelpfulCount": 1, "myVote": "unhelpful"}
    seen = reader.client.get(one(made)).json
    assert (seen["unhelpfulCount"], seen["myVote"], seen["updatedAt"]) == (1, "unhelpful", made["updatedAt"])
    assert author.client.get(url).json["items"][0]["myVote"] is None
    none = {"helpfulCount": 0, "unhelpfulCount": 0, "myVote": None}
    assert reader.client.delete(vote).json == reader.client.delete(vote).json == none
    app.put_json(vote, {"vote": "helpful"}, status=401)
    app.delete(vote, status=401)
    for body in ({}, {"vote": "great"}, {"vote": None}, {"vote": True}):
        reader.client.put_json(vote, body, status=422)
    assert author.client.put_json(vote, {"vote": "helpful"}, status=403).json["code"] == "own_rating"
    assert app.get(one(made)).json["helpfulCount"] == 0


def test_the_teachers_answer(core, app, instructor, admin, moderator, make_student, make_person, url, course):
    author, second, helper = make_student(), make_person(), make_person()
    assist(instructor, course, second, "co_instructor")
    assist(instructor, course, helper)
    made = rate(author, url, rating=2)
    response = f"{one(made)}/response"
    for person in (author, helper, moderator, make_person("instructor", "student")):
        person.client.put_json(response, {"response": "No."}, status=403)
    app.put_json(response, {"response": "No."}, status=401)
    answered = instructor.client.put_json(response, {"response": "Sorry!\nWe mend it."}).json
    assert answered["instructorResponse"] == "Sorry!\nWe mend it."
    assert answered["instructorResponseAt"] is not None
    assert app.get(one(made)).json["instructorResponse"] == answered["instructorResponse"]
    second.client.put_json(response, {"response": "Mended."})
    instructor.client.put_json(
        f"/api/v1/courses/{course.id}/staff/{helper.id}", {"permissions": {"ratings:respond": True}}
    )
    helper.client.put_json(response, {"response": "Truly."})
    admin.client.put_json(response, {"response": "So it is."})
    for body in ({}, {"response": ""}, {"response": "x" * 5001}, {"response": None}):
        instructor.client.put_json(response, body, status=422)
    helper.client.delete(response, status=204)
    bare = app.get(one(made)).json
    assert (bare["instructorResponse"], bare["instructorResponseAt"]) == (None, None)
    with core.reader() as db:
        audited = select(func.count()).where(AuditLog.action.startswith("ratings."))
        assert db.scalar(audited) == 6, "the rating, four answers, one taken back"


def test_reads_are_bounded_in_statements(app, instructor, make_student, url, statements):
    made = [rate(make_student(), url) for _ in range(5)]
    reader = make_student()
    for path in (url, f"{url}?sort=helpful", f"{url}/summary", one(made[0])):
        for client in (app, reader.client, instructor.client):
            with statements() as seen:
                client.get(path)
            assert seen.count <= 3, seen
