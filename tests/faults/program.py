"""A worker in a process of its own, for tests to kill: the kernel without domains, and handlers that note and hold.

Its settings come from the environment. A handler that gets event 13 holds, the first time, inside its transaction,
until the process is killed; that it holds is told by a file in the data directory.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from lms_core.kernel.events import Delivery
from lms_core.kernel.logging import configure_logging
from lms_core.kernel.tasks import run_worker
from lms_core.settings import load_settings
from tests.functional.pipeline.support import ThingDone, kernel, note


def holding(action: str) -> Callable[[Delivery, Any], None]:
    def handle(delivery: Delivery, event: ThingDone) -> None:
        note(delivery, action, event.number)
        delivery.db.flush()
        mark = delivery.core.settings.data / f"{action}-holds"
        if event.number == 13 and not mark.exists():
            mark.write_text(str(os.getpid()))
            time.sleep(600)

    return handle


def main() -> None:
    settings = load_settings({}, os.environ)
    configure_logging(settings)
    config = kernel(settings)
    config.add_event_subscriber(ThingDone, "test.one", holding("one"))
    config.add_event_subscriber(ThingDone, "test.long", holding("long"), queue="long")
    config.commit()
    sys.exit(run_worker(config.registry))


if __name__ == "__main__":
    main()
