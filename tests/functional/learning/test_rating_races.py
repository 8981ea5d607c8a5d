"""The sums that ratings and votes come to are right, whatever happens at once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import delete, func, select, text

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.learning.models import CourseRating, RatingVote
from lms_core.testing.accounts import add_user, bearer
from lms_core.testing.courses import make_course


@pytest.fixture
def courses(core, instructor):
    return [make_course(core, instructor.id) for _ in range(3)]


@pytest.fixture
def crowd(core, courses):
    """Twelve people who take all three courses."""
    with core.transaction() as db:
        people = [add_user(db, core).id for _ in range(12)]
        for course in courses:
            db.execute(
                text("INSERT INTO enrollments (user_id, course_id) SELECT unnest(CAST(:people AS uuid[])), :course"),
                {"people": people, "course": course.id},
            )
    return people


@pytest.fixture
def clients(core, app, crowd):
    return [app.bearer(bearer(core, person)) for person in crowd]


def rate(client, course, stars, **kwargs):
    return client.post_json(f"/api/v1/courses/{course.id}/ratings", {"rating": stars}, **kwargs)


def assert_exact(core):
    """Every counter says what the rows say."""
    with core.reader() as db:
        kept = db.execute(select(Course.id, Course.rating_count, Course.rating_sum, Course.rating_average)).all()
        for course in kept:
            rows = select(func.count(), func.coalesce(func.sum(CourseRating.rating), 0))
            count, stars = db.execute(rows.where(CourseRating.course_id == course.id)).one()
            assert (course.rating_count, course.rating_sum) == (count, stars)
            assert course.rating_average == (round(Decimal(stars) / count, 2) if count else 0)
        votes = (
            select(
                CourseRating.id,
                CourseRating.helpful_count,
                CourseRating.unhelpful_count,
                func.count(RatingVote.id).filter(RatingVote.is_helpful).label("helpful"),
                func.count(RatingVote.id).filter(~RatingVote.is_helpful).label("unhelpful"),
            )
            .outerjoin(RatingVote, RatingVote.rating_id == CourseRating.id)
            .group_by(CourseRating.id)
        )
        for row in db.execute(votes):
            assert (row.helpful_count, row.unhelpful_count) == (row.helpful, row.unhelpful)


def test_rating_at_once_makes_one_rating_each(core, clients, courses):
    jobs = [(client, number % 5 + 1) for number, client in enumerate(clients)] * 3

    def go(job):
        client, stars = job
        return rate(client.bearer(client.authorization[1]), courses[0], stars, expect_errors=True).status_int

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(go, jobs))
    assert sorted(answers) == [201] * 12 + [409] * 24
    assert_exact(core)


def test_stars_stay_exact_while_people_rate_change_delete_and_leave(core, crowd, clients, courses):
    made = {
        (number, course.id): rate(client, course, number % 5 + 1, status=201).json["id"]
        for number, client in enumerate(clients[:9])
        for course in courses
    }

    def change(number):
        client = clients[number].bearer(clients[number].authorization[1])
        for stars, course in enumerate(courses):
            client.put_json(f"/api/v1/ratings/{made[number, course.id]}", {"rating": stars + 1})

    def remove(number):
        client = clients[number].bearer(clients[number].authorization[1])
        for course in reversed(courses):
            client.delete(f"/api/v1/ratings/{made[number, course.id]}")

    def leave(number):
        with core.transaction() as db:
            db.execute(delete(User).where(User.id == crowd[number]))

    def add(number):
        client = clients[number].bearer(clients[number].authorization[1])
        for course in courses:
            rate(client, course, 4, status=201)

    jobs = [(change, 0), (leave, 3), (remove, 6), (add, 9), (leave, 4), (change, 1), (remove, 7), (add, 10),
            (leave, 5), (change, 2), (remove, 8), (add, 11)]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: job[0](job[1]), jobs))
    assert_exact(core)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(CourseRating)) == 3 * (12 - 3 - 3)


def test_votes_stay_exact_while_people_vote_withdraw_and_leave(core, crowd, clients, courses):
    ratings = [rate(client, courses[0], 3, status=201).json["id"] for client in clients[:6]]

    def vote(number):
        client = clients[number].bearer(clients[number].authorization[1])
        for turn in range(3):
            for place, rating in enumerate(ratings if number % 2 else reversed(ratings)):
                path = f"/api/v1/ratings/{rating}/vote"
                what = "helpful" if (turn + place) % 2 else "unhelpful"
                client.put_json(path, {"vote": what}, expect_errors=True)
                if turn == 1 and place == number % 6:
                    client.delete(path, expect_errors=True)

    def leave(number):
        with core.transaction() as db:
            db.execute(delete(User).where(User.id == crowd[number]))

    jobs = [(vote, number) for number in range(6, 12)] * 2 + [(leave, 0), (leave, 6), (leave, 1)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job: job[0](job[1]), jobs))
    assert_exact(core)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(CourseRating)) == 4
        assert db.scalar(select(func.count()).select_from(RatingVote)) > 0


def test_accounts_that_go_at_once_do_not_wait_for_each_other(core, crowd, clients, courses):
    """Each has rated another course first, and voted on what the next has written."""
    ratings = [rate(client, courses[number % 3], 5, status=201).json["id"] for number, client in enumerate(clients)]
    for number, client in enumerate(clients):
        for rating in (ratings[number - 1], ratings[number - 2]):
            client.put_json(f"/api/v1/ratings/{rating}/vote", {"vote": "helpful"})

    def leave(person):
        with core.transaction() as db:
            db.execute(delete(User).where(User.id == person))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(leave, crowd))
    assert_exact(core)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(CourseRating)) == 0


def test_one_person_votes_once_from_two_tabs(core, clients, courses):
    rating = rate(clients[0], courses[0], 5, status=201).json["id"]

    def go(what):
        client = clients[1].bearer(clients[1].authorization[1])
        return client.put_json(f"/api/v1/ratings/{rating}/vote", {"vote": what}).status_int

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(go, ["helpful", "unhelpful"] * 8)) == {200}
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(RatingVote)) == 1
    assert_exact(core)


def test_a_rating_that_goes_meanwhile_is_a_404_and_no_fault(core, clients, courses):
    rating = rate(clients[0], courses[0], 5, status=201).json["id"]

    def go(client):
        own = client.bearer(client.authorization[1])
        path = f"/api/v1/ratings/{rating}"
        if client is clients[0]:
            return own.delete(path).status_int
        return own.put_json(f"{path}/vote", {"vote": "helpful"}, expect_errors=True).status_int

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(go, [*clients[1:4], clients[0], *clients[4:]]))
    assert answers <= {200, 204, 404}
    assert_exact(core)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(RatingVote)) == 0
