"""The fixtures of pipeline tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lms_core.kernel.events import Delivery
from lms_core.settings import Settings
from tests.functional.pipeline.support import MakePipeline, Pipeline, ThingDone, kernel


@pytest.fixture
def make_pipeline(settings: Settings) -> Iterator[MakePipeline]:
    """``make_pipeline({"test.one": handler}, lms__outbox__attempts=2)``: all subscribe to ThingDone."""
    pipelines: list[Pipeline] = []

    def make(
        handlers: dict[str, Callable[[Delivery, Any], None]], *, queue: str = "default", **changes: Any
    ) -> Pipeline:
        config = kernel(settings.replace(**changes))
        for name, handler in handlers.items():
            config.add_event_subscriber(ThingDone, name, handler, queue=queue)
        config.commit()
        pipelines.append(Pipeline(config))
        return pipelines[-1]

    yield make
    for pipeline in pipelines:
        pipeline.core.close()
