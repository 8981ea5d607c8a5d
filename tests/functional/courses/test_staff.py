"""A course's staff: who chooses them, what each may do, and that it really gates the views."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lms_core.testing.courses import make_course

LESSON = {"title": "More", "contentType": "text", "content": {"html": "<p>More.</p>"}}


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id)


@pytest.fixture
def staff_url(course):
    return f"/api/v1/courses/{course.id}/staff"


def assign(owner, url, person, role="teaching_assistant", **permissions):
    body = {"userId": str(person.id), "role": role, "permissions": permissions}
    return owner.client.post_json(url, body, status=201)


def test_an_owner_chooses_the_staff(instructor, make_person, staff_url, course, deliver):
    helper = make_person(first_name="Grace", last_name="Hopper")
    made = instructor.client.post_json(
        staff_url, {"email": helper.email.upper(), "role": "teaching_assistant"}, status=201
    )
    assert made.headers["Location"].endswith(f"{staff_url}/{helper.id}")
    assert made.json["user"] == {"id": str(helper.id), "name": "Grace Hopper", "avatarUrl": None}
    assert made.json["effective"] == [
        "announcements:read", "certificates:read", "courses:read", "lessons:read", "modules:read", "rosters:read",
        "staff:read",
    ]  # fmt: skip
    assert [each["role"] for each in instructor.client.get(staff_url).json["items"]] == ["teaching_assistant"]

    changed = instructor.client.put_json(f"{staff_url}/{helper.id}", {"role": "co_instructor"}).json
    assert {"lessons:update", "courses:publish"} <= set(changed["effective"])
    assert not {"courses:delete", "staff:update"} & set(changed["effective"])
    deliver()
    [told] = helper.client.get("/api/v1/notifications").json["items"]
    assert (told["type"], told["data"]["courseId"]) == ("staff_assigned", str(course.id))

    instructor.client.delete(f"{staff_url}/{helper.id}", status=204)
    instructor.client.get(f"{staff_url}/{helper.id}", status=404)
    helper.client.get(staff_url, status=403)


def test_an_address_is_found_however_its_domain_is_written(instructor, make_person, staff_url):
    helper = make_person(email="grace@xn--mller-kva.example")
    named = {"email": "Grace@Müller.example", "role": "teaching_assistant"}
    assert instructor.client.post_json(staff_url, named, status=201).json["user"]["id"] == str(helper.id)


def test_the_role_and_single_permissions_gate_the_views(instructor, make_person, staff_url, course):
    helper = make_person()
    lesson, module = f"/api/v1/lessons/{course.lessons[0]}", f"/api/v1/modules/{course.modules[0]}"
    helper.client.get(lesson, status=403)
    assign(instructor, staff_url, helper)
    helper.client.get(lesson)
    helper.client.put_json(lesson, {"title": "Mine"}, status=403)
    helper.client.post_json(f"{module}/lessons", LESSON, status=403)

    instructor.client.put_json(f"{staff_url}/{helper.id}", {"permissions": {"lessons:update": True}})
    helper.client.put_json(lesson, {"title": "Better"})
    helper.client.post_json(f"{module}/lessons", LESSON, status=403)
    helper.client.put_json(f"/api/v1/courses/{course.id}", {"title": "No"}, status=403)

    instructor.client.put_json(
        f"{staff_url}/{helper.id}", {"role": "co_instructor", "permissions": {"modules:update": False}}
    )
    helper.client.post_json(f"{module}/lessons", LESSON, status=201)
    helper.client.put_json(module, {"title": "No"}, status=403)


def test_who_was_denied_reading_is_a_stranger_again(instructor, make_person, core):
    draft = make_course(core, instructor.id, published=False)
    url, helper = f"/api/v1/courses/{draft.id}", make_person()
    helper.client.get(url, status=404)
    assign(instructor, f"{url}/staff", helper)
    assert helper.client.get(url).json["isPublished"] is False
    instructor.client.put_json(f"{url}/staff/{helper.id}", {"permissions": {"courses:read": False}})
    helper.client.get(url, status=404)
    helper.client.get(f"{url}/staff", status=404)


def test_publishing_can_be_shared_and_taken_back(instructor, make_person, core):
    draft = make_course(core, instructor.id, published=False)
    url, helper = f"/api/v1/courses/{draft.id}", make_person()
    assign(instructor, f"{url}/staff", helper, "co_instructor", **{"courses:publish": False})
    helper.client.post_json(f"{url}/publish", status=403)
    instructor.client.put_json(f"{url}/staff/{helper.id}", {"permissions": {}})
    assert helper.client.post_json(f"{url}/publish").json["isPublished"] is True


def test_who_may_not_choose(app, student, instructor, make_person, admin, staff_url):
    body = {"userId": str(student.id), "role": "co_instructor"}
    app.post_json(staff_url, body, status=401)
    student.client.post_json(staff_url, body, status=403)
    make_person("instructor").client.post_json(staff_url, body, status=403)
    helper = make_person()
    assign(instructor, staff_url, helper, "co_instructor")
    helper.client.post_json(staff_url, body, status=403)
    assert helper.client.get(staff_url).json["total"] == 1
    admin.client.post_json(staff_url, body, status=201)


def test_nobody_gives_what_they_do_not_have(instructor, make_person, staff_url):
    deputy, friend = make_person(), make_person()
    assign(instructor, staff_url, deputy, **{"staff:update": True, "lessons:update": True})
    refused = deputy.client.post_json(staff_url, {"userId": str(friend.id), "role": "co_instructor"}, status=403)
    assert refused.json["code"] == "permission_not_yours"
    assign(deputy, staff_url, friend, **{"lessons:update": True})
    deputy.client.put_json(f"{staff_url}/{friend.id}", {"permissions": {"modules:delete": True}}, status=403)
    mine = deputy.client.put_json(f"{staff_url}/{deputy.id}", {"permissions": {"courses:delete": True}}, status=403)
    assert mine.json["code"] == "permission_not_yours"
    instructor.client.put_json(f"{staff_url}/{friend.id}", {"role": "co_instructor"})
    deputy.client.put_json(f"{staff_url}/{friend.id}", {"role": "teaching_assistant"}, status=403)
    deputy.client.delete(f"{staff_url}/{friend.id}", status=403)
    friend.client.delete(f"{staff_url}/{friend.id}", status=204)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"userId": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"}, 422, "user_unknown"),
        ({"email": "nobody@example.org", "userId": None}, 422, "user_unknown"),
        ({"email": "x@example.org"}, 422, "invalid"),
        ({"role": "owner"}, 422, "invalid"),
        ({"permissions": {"everything": True}}, 422, "permission_unknown"),
        ({"permissions": {"lessons:update": "yes"}}, 422, "invalid"),
        ({"permissions": {f"p{n}": True for n in range(201)}}, 422, "invalid"),
    ],
)
def test_bad_assignments_are_refused(instructor, student, staff_url, change, status, code):
    body = {"userId": str(student.id), "role": "co_instructor", **change}
    body = {name: value for name, value in body.items() if value is not None}
    assert instructor.client.post_json(staff_url, body, status=status).json["code"] == code
    assert instructor.client.get(staff_url).json["total"] == 0


def test_the_owner_and_the_suspended_are_not_assigned(instructor, make_person, staff_url, core):
    own = instructor.client.post_json(staff_url, {"userId": str(instructor.id), "role": "co_instructor"}, status=409)
    assert own.json["code"] == "owns_course"
    gone = make_person(suspended_at=core.clock())
    instructor.client.post_json(staff_url, {"userId": str(gone.id), "role": "co_instructor"}, status=422)


def test_one_person_assigned_twice_at_once(instructor, student, staff_url):
    def join(_number):
        client = instructor.client.bearer(instructor.client.authorization[1])
        body = {"userId": str(student.id), "role": "co_instructor"}
        return client.post_json(staff_url, body, expect_errors=True).status_int

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(join, range(4))) == [201, 409, 409, 409]


def test_reading_the_staff_costs_three_statements(instructor, make_person, staff_url, statements):
    for _each in range(3):
        assign(instructor, staff_url, make_person())
    with statements() as seen:
        assert instructor.client.get(staff_url).json["total"] == 3
    assert seen.count <= 3, seen


def test_two_owners_do_not_undo_each_others_changes(instructor, make_person, staff_url):
    helper = make_person()
    assign(instructor, staff_url, helper)
    url = f"{staff_url}/{helper.id}"
    read = instructor.client.get(url)
    instructor.client.get(url, headers={"If-None-Match": read.headers["ETag"]}, status=304)
    match = {"If-Match": read.headers["ETag"]}
    changed = {"permissions": {"lessons:update": True}}
    instructor.client.put_json(url, changed, headers=match)
    late = instructor.client.put_json(url, {"role": "co_instructor"}, headers=match, status=412)
    assert late.json["code"] == "stale"
    instructor.client.put_json(url, {"role": "co_instructor"}, headers={"If-Match": '"zz"'}, status=412)
    instructor.client.delete(url, headers=match, status=412)
    assert instructor.client.get(url).json["role"] == "teaching_assistant"
    instructor.client.delete(url, headers={"If-Match": instructor.client.get(url).headers["ETag"]}, status=204)


def test_announcements_can_be_denied_as_anything_else(core, instructor, make_person, staff_url, course, deliver):
    helper, url = make_person(), f"/api/v1/courses/{course.id}/announcements"
    assign(instructor, staff_url, helper, "co_instructor", **{"announcements:read": False})
    draft = {"title": "Not yet", "content": "<p>Words.</p>", "isPublished": False}
    made = instructor.client.post_json(url, draft, status=201).json["id"]
    instructor.client.post_json(url, {"title": "Now", "content": "<p>Words.</p>"}, status=201)
    deliver()
    helper.client.get(url, status=403)
    helper.client.get(f"/api/v1/announcements/{made}", status=404)
    helper.client.post_json(url, draft, status=403)
    assert helper.client.get("/api/v1/users/me/announcements").json["items"] == []
    assert "announcement" not in {each["type"] for each in helper.client.get("/api/v1/notifications").json["items"]}

    instructor.client.put_json(f"{staff_url}/{helper.id}", {"permissions": {}})
    assert [each["title"] for each in helper.client.get("/api/v1/users/me/announcements").json["items"]] == ["Now"]
    assert helper.client.get(url).json["total"] == 2
