"""The order of modules and lessons: nothing is lost or doubled, whoever moves what at the same time."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from lms_core.testing.courses import make_course


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, modules=3, lessons=3)


def modules_url(course):
    return f"/api/v1/courses/{course.id}/modules"


def lessons_url(module):
    return f"/api/v1/modules/{module}/lessons"


def ids(client, url):
    return [each["id"] for each in client.get(url).json["items"]]


def test_modules_get_their_order_in_one_call(instructor, course):
    url = modules_url(course)
    turned = [str(each) for each in reversed(course.modules)]
    answer = instructor.client.put_json(f"{url}/order", {"ids": turned}).json["items"]
    assert [each["id"] for each in answer] == turned == ids(instructor.client, url)
    assert [each["orderIndex"] for each in answer] == [0, 1, 2]


@pytest.mark.parametrize("change", [
    lambda ids: ids[:-1], lambda ids: [*ids, ids[0]], lambda ids: [ids[0], ids[0], ids[2]],
    lambda ids: [*ids[:2], "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"], lambda ids: [],
])  # fmt: skip
def test_an_order_that_is_not_the_whole_is_refused(instructor, course, change):
    url = lessons_url(course.modules[0])
    before = ids(instructor.client, url)
    refused = instructor.client.put_json(f"{url}/order", {"ids": change(before)}, status=409).json
    assert (refused["code"], refused["ids"]) == ("order_stale", before)
    assert ids(instructor.client, url) == before


def test_another_modules_lessons_cannot_be_smuggled_in(instructor, course):
    mine, others = (ids(instructor.client, lessons_url(each)) for each in course.modules[:2])
    instructor.client.put_json(f"{lessons_url(course.modules[0])}/order", {"ids": [*mine[:2], others[0]]}, status=409)


def test_a_lesson_moves_within_and_between_modules(instructor, course):
    first, second = (lessons_url(each) for each in course.modules[:2])
    lesson = str(course.lessons[0])

    def move(**where):
        return instructor.client.post_json(f"/api/v1/lessons/{lesson}/move", where).json

    assert move(moduleId=str(course.modules[0]), position=2)["orderIndex"] == 2
    assert ids(instructor.client, first)[2] == lesson
    assert move(moduleId=str(course.modules[1]), position=1)["moduleId"] == str(course.modules[1])
    assert ids(instructor.client, second)[1] == lesson
    assert len(ids(instructor.client, first)) == 2
    move(moduleId=str(course.modules[2]), position=99)
    assert ids(instructor.client, lessons_url(course.modules[2]))[-1] == lesson
    durations = [each["estimatedDurationMinutes"]
                 for each in instructor.client.get(modules_url(course)).json["items"]]  # fmt: skip
    assert durations == [2, 3, 4]


def test_a_lesson_stays_in_its_course(core, instructor, course):
    other = make_course(core, instructor.id)
    body = {"moduleId": str(other.modules[0])}
    refused = instructor.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/move", body, status=422)
    assert refused.json["code"] == "module_unknown"
    instructor.client.delete(f"/api/v1/modules/{course.modules[1]}", status=204)
    gone = {"moduleId": str(course.modules[1])}
    instructor.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/move", gone, status=422)


def test_who_may_rearrange(app, student, make_person, course):
    lesson, module = f"/api/v1/lessons/{course.lessons[0]}", f"/api/v1/modules/{course.modules[0]}"
    order = {"ids": [str(each) for each in course.modules]}
    for client, status in ((app, 401), (student.client, 403), (make_person("instructor").client, 403)):
        client.put_json(f"{modules_url(course)}/order", order, status=status)
        client.post_json(f"{lesson}/move", {"moduleId": str(course.modules[1])}, status=status)
        client.delete(lesson, status=status)
        client.delete(module, status=status)


def test_a_deleted_module_takes_its_lessons_along(instructor, course):
    instructor.client.delete(f"/api/v1/modules/{course.modules[0]}", status=204)
    instructor.client.get(f"/api/v1/modules/{course.modules[0]}", status=404)
    instructor.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=404)
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "x"}, status=404)
    assert ids(instructor.client, modules_url(course)) == [str(each) for each in course.modules[1:]]
    # Its title is free again, and a new one goes to the end.
    added = instructor.client.post_json(modules_url(course), {"title": "Module 1"}, status=201).json
    assert ids(instructor.client, modules_url(course))[-1] == added["id"]


def test_many_editors_at_once_lose_and_double_nothing(instructor, course):
    token = instructor.client.authorization[1]
    rng = random.Random(7)
    everything = sorted(str(each) for each in course.lessons)
    moves = [(rng.choice(course.lessons), rng.choice(course.modules), rng.randrange(4)) for _each in range(40)]

    def move(what):
        lesson, module, position = what
        client = instructor.client.bearer(token)
        body = {"moduleId": str(module), "position": position}
        return client.post_json(f"/api/v1/lessons/{lesson}/move", body).status_int

    def shuffle(module):
        client = instructor.client.bearer(token)
        now = ids(client, lessons_url(module))
        random.Random(str(module)).shuffle(now)
        return client.put_json(f"{lessons_url(module)}/order", {"ids": now}, expect_errors=True).status_int

    with ThreadPoolExecutor(8) as pool:
        moved, shuffled = pool.map(move, moves), pool.map(shuffle, course.modules * 5)
        assert set(moved) == {200}
        assert set(shuffled) <= {200, 409}
    listed = [instructor.client.get(lessons_url(each)).json["items"] for each in course.modules]
    assert sorted(lesson["id"] for lessons in listed for lesson in lessons) == everything
    for lessons in listed:
        places = [lesson["orderIndex"] for lesson in lessons]
        assert places == sorted(set(places))


def test_a_stale_etag_and_a_lock_do_not_wait_for_each_other(instructor, course):
    """If-Match locks too: in the same order as the commands, or two editors would wait for each other."""
    url = f"/api/v1/lessons/{course.lessons[0]}"
    token = instructor.client.authorization[1]

    def edit(number):
        client = instructor.client.bearer(token)
        headers = {"If-Match": "*"} if number % 2 else {}
        return client.put_json(url, {"title": f"T{number}"}, headers=headers, expect_errors=True).status_int

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(edit, range(32))) == {200}
