"""What the catalog could be narrowed to, and the numbers beside it."""

import pytest
from sqlalchemy import text

from lms_core.courses.catalog import facets as facets_of
from lms_core.testing.courses import make_course

FACETS = "/api/v1/courses/facets"
COURSES = "/api/v1/courses"


@pytest.fixture
def shelf(core, instructor):
    def make(title, **values):
        return make_course(core, instructor.id, lessons=1, title=title, **values)

    make("Botany", category="Science", sub_category="Biology", level="beginner", tags=["plants", "field"], price=5)
    make("Zoology", category="Science", sub_category="Biology", level="advanced", tags=["animals", "field"])
    make("Optics", category="Science", sub_category="Physics", level="beginner", language="de", tags=["light"])
    make("Painting", category="Arts", level="beginner", enrollment_type="approval", tags=["light"])
    return make


@pytest.fixture
def facets(app):
    """``facets("category=Arts")``: each facet's values with their numbers, all of them exact."""

    def read(query=""):
        found = app.get(f"{FACETS}?{query}").json
        assert {facet["isExact"] for facet in found.values()} == {True}
        return {name: {each["value"]: each["count"] for each in facet["values"]} for name, facet in found.items()}

    return read


def test_everything_is_counted(shelf, facets, app):
    assert facets() == {
        "category": {"Science": 3, "Arts": 1},
        "subCategory": {"Biology": 2, "Physics": 1},
        "level": {"beginner": 3, "advanced": 1},
        "language": {"en": 3, "de": 1},
        "price": {"free": 3, "paid": 1},
        "enrollmentType": {"open": 3, "approval": 1},
        "tags": {"field": 2, "light": 2, "animals": 1, "plants": 1},
    }
    tags = [each["value"] for each in app.get(FACETS).json["tags"]["values"]]
    assert tags == ["field", "light", "animals", "plants"]


def test_a_facet_leaves_its_own_filter_out_and_keeps_the_others(shelf, facets):
    found = facets("category=Science&level=beginner")
    assert found["category"] == {"Science": 2, "Arts": 1}
    assert found["subCategory"] == {"Biology": 1, "Physics": 1}
    assert found["level"] == {"beginner": 2, "advanced": 1}
    assert found["language"] == {"en": 1, "de": 1}
    assert found["tags"] == {"plants": 1, "field": 1, "light": 1}
    assert facets("tags=field")["tags"] == facets()["tags"]
    assert facets("tags=field")["level"] == {"beginner": 1, "advanced": 1}
    assert facets("free=true")["price"] == {"free": 3, "paid": 1}
    assert facets("minPrice=1&maxPrice=9&currency=USD")["price"] == {"free": 3, "paid": 1}
    assert facets("minPrice=1&maxPrice=9&currency=USD")["category"] == {"Science": 1}
    assert facets("category=Science&subCategory=Biology")["category"] == {"Science": 3, "Arts": 1}
    assert facets("category=Science&subCategory=Biology")["subCategory"] == {"Biology": 2, "Physics": 1}


def test_what_a_facet_says_is_what_the_list_finds(shelf, facets, app):
    for query in ("", "level=beginner", "search=light or plants", "tags=field&free=true"):
        for name, values in facets(query).items():
            own = {"price": ("free",), "category": ("category", "subCategory")}.get(name, (name,))
            kept = "&".join(part for part in query.split("&") if part and part.split("=")[0] not in own)
            for value, count in values.items():
                chosen = f"free={str(value == 'free').lower()}" if name == "price" else f"{name}={value}"
                assert app.get(f"{COURSES}?{kept}&{chosen}").json["total"] == count, (query, name, value)


def test_nothing_fits(shelf, facets):
    found = facets("search=nowhere")
    assert {name for name, values in found.items() if values} == set()
    assert facets("level=intermediate")["level"] == {"beginner": 3, "advanced": 1}


def test_no_more_tags_than_one_can_read(facets, core, instructor):
    for number in range(3):
        make_course(core, instructor.id, lessons=1, tags=[f"tag-{number}-{place}" for place in range(10)])
    assert len(facets()["tags"]) == 20


def test_many_courses_are_estimated(make_app, core, instructor, monkeypatch):
    monkeypatch.setattr(facets_of, "COUNTED", 12)
    monkeypatch.setattr(facets_of, "DRAWN", 12)
    app = make_app()
    for number in range(40):
        level = "beginner" if number % 4 else "advanced"
        make_course(core, instructor.id, modules=0, lessons=0, published=False, level=level, category="Science")
    publish_all(core)
    everything = app.get(FACETS).json
    assert everything["category"]["isExact"] is False
    [science] = everything["category"]["values"]
    # Twelve of forty, drawn by lot: far from exact, and of the right size.
    assert 15 <= science["count"] <= 100
    assert {each["value"] for each in everything["level"]["values"]} <= {"beginner", "advanced"}
    few = app.get(FACETS, {"level": "advanced"}).json
    assert (few["category"]["isExact"], few["category"]["values"]) == (True, [{"value": "Science", "count": 10}])
    assert few["level"]["isExact"] is False


def test_a_search_is_counted_only_where_the_sample_leaves_it_open(make_app, core, instructor, monkeypatch):
    monkeypatch.setattr(facets_of, "COUNTED", 12)
    monkeypatch.setattr(facets_of, "DRAWN", 20)
    app = make_app()
    for number in range(60):
        about = "Physics, with quaternions." if number % 6 == 0 else "Physics."
        make_course(core, instructor.id, modules=0, lessons=0, published=False, description=about, category="Science")
    publish_all(core)
    many = app.get(FACETS, {"search": "physics"}).json["category"]
    assert (many["isExact"], [each["value"] for each in many["values"]]) == (False, ["Science"])
    assert 25 <= many["values"][0]["count"] <= 150
    few = app.get(FACETS, {"search": "quaternions", "category": "Science"}).json["category"]
    assert few == {"isExact": True, "values": [{"value": "Science", "count": 10}]}
    none = app.get(FACETS, {"search": "astronomy"}).json["category"]
    assert none == {"isExact": True, "values": []}


def publish_all(core):
    with core.transaction() as db:
        db.execute(text("UPDATE courses SET is_published = true, published_at = now()"))


@pytest.mark.parametrize("query", ["page=1", "sort=newest", "search=a%00b", "level=divine", "minPrice=2&maxPrice=1"])
def test_a_bad_query_is_refused(app, query):
    assert app.get(f"{FACETS}?{query}", status=422).json["code"] == "invalid"


def test_facets_cost_two_statements(student, shelf, statements):
    for query in ({}, {"category": "Science", "level": "beginner", "tags": "field"}, {"search": "light"},
                  {"mine": "true"}, {"enrolled": "true"}, {"status": "draft"}):  # fmt: skip
        with statements() as seen:
            student.client.get(FACETS, query)
        assert seen.count == 2, seen


def test_a_course_named_facets_keeps_a_place_of_its_own(instructor, app):
    course = instructor.client.post_json(COURSES, {"code": "F", "title": "Facets"}, status=201).json
    assert course["slug"] == "facets-2"
    instructor.client.get(f"{COURSES}/facets-2")
    refused = instructor.client.put_json(f"{COURSES}/{course['id']}", {"slug": "facets"}, status=422).json
    assert list(refused["errors"]) == ["slug"]


def test_the_categories_that_are_offered_are_no_secret(app, make_app, statements):
    url = f"{COURSES}/categories"
    with statements() as seen:
        offered = make_app(lms__courses__categories=("Science", "Arts & crafts")).get(url)
    assert offered.json == {"items": [{"name": "Science"}, {"name": "Arts & crafts"}]}
    assert seen.texts == []
    assert "public" in offered.headers["Cache-Control"]
    assert app.get(url).json == {"items": []}, "any is allowed"


def test_a_course_called_categories_is_still_found_by_its_slug(instructor):
    made = instructor.client.post_json(COURSES, {"code": "CAT", "title": "Categories"}, status=201).json
    assert made["slug"] == "categories-2"
    assert instructor.client.get(f"{COURSES}/categories-2").json["id"] == made["id"]
    refused = instructor.client.put_json(f"{COURSES}/{made['id']}", {"slug": "categories"}, status=422)
    assert list(refused.json["errors"]) == ["slug"]
