"""What the catalog page is measured against: a bare Pyramid view, one equal SELECT, orjson."""

import os
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row
from pyramid.config import Configurator
from pyramid.response import Response


def application() -> Any:
    """The WSGI application; ``BENCH_SQL``, ``BENCH_PARAMETERS`` and ``BENCH_URL`` say what to run, and where."""
    statement, parameters = os.environ["BENCH_SQL"], orjson.loads(os.environ["BENCH_PARAMETERS"])
    connection = psycopg.connect(os.environ["BENCH_URL"], autocommit=True, row_factory=dict_row, prepare_threshold=0)

    def catalog(request: Any) -> Response:
        rows = connection.execute(statement, parameters).fetchall()
        return Response(body=orjson.dumps({"items": rows}, default=str), content_type="application/json", charset=None)

    config = Configurator()
    config.add_route("catalog", "/api/v1/courses")
    config.add_view(catalog, route_name="catalog", request_method="GET")
    return config.make_wsgi_app()


app = application() if "BENCH_SQL" in os.environ else None
