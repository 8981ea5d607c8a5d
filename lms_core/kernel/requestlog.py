"""The rows of ``system_logs``, written in batches by one thread of each process."""

import os
import threading
from collections import deque
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from lms_core.kernel.core import Core

Row = dict[str, Any]

COLUMNS = (
    "request_id", "user_id", "action", "resource_type", "resource_id", "ip_address", "user_agent", "request_method",
    "request_path", "request_body", "response_status", "response_time_ms", "error_message", "created_at",
)  # fmt: skip
"""The columns of ``system_logs`` that a row has; the database fills in the others."""
_COPY = f"COPY system_logs ({', '.join(COLUMNS)}) FROM STDIN"
"""A quarter of what INSERT costs this process, whose threads have requests to answer."""
BATCH = 500
"""Rows written at once."""
PAUSE = 1.0
"""Seconds a row waits at most for others to join it."""
WAITING = 10_000
"""Rows that may wait; what comes on top is dropped and counted."""
_EXIT_LIMIT = 5.0
"""Seconds the last rows may take when the process ends."""


class RequestLog:
    """A bounded queue and its thread, begun with the first row; a forked process begins its own.

    Handing over a row wakes nobody, which would cost the request a turn of the interpreter: the thread looks by
    itself every :data:`PAUSE` seconds.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._lock = threading.Lock()
        self._owner = 0
        self._rows: deque[Row] = deque()
        self._asked = threading.Event()
        self._written = threading.Condition()
        self._added = self._done = 0
        self._closing = False
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._at_exit: Finalize | None = None

    def add(self, row: Row) -> None:
        """Hand over a row (by column; ``action`` and ``created_at`` must be there); never waits and never raises."""
        if self._owner != os.getpid():
            self._begin()
        if len(self._rows) < WAITING:
            self._rows.append(row)
            self._added += 1
        else:
            self._dropped += 1

    def flush(self, timeout: float = _EXIT_LIMIT) -> bool:
        """Wait until what was added so far is written (or dropped); False if that took longer."""
        if self._owner != os.getpid():
            return True
        with self._written:
            wanted = self._added
            self._asked.set()
            return self._written.wait_for(lambda: self._done >= wanted, timeout)

    def close(self) -> None:
        """Write what waits, and end the thread; a later row begins it again."""
        if self._owner != os.getpid() or self._thread is None:
            return
        self._closing = True
        self._asked.set()
        self._thread.join(_EXIT_LIMIT)
        self._thread, self._owner = None, 0
        if self._at_exit is not None:
            self._at_exit.cancel()

    def _begin(self) -> None:
        with self._lock:
            if self._owner == os.getpid():
                return
            # After a fork, the parent's rows are the parent's to write, and its locks may be held for ever.
            self._rows, self._asked, self._written = deque(), threading.Event(), threading.Condition()
            self._added, self._done, self._closing = 0, 0, False
            self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
            self._thread.start()
            self._owner = os.getpid()
            # Runs at the exit of any process, a child of multiprocessing included, which skips atexit.
            self._at_exit = Finalize(None, self.close, exitpriority=100)

    def _run(self) -> None:
        ended = False
        while not ended:
            self._asked.wait(PAUSE)
            self._asked.clear()
            ended = self._closing
            while self._rows:
                batch = [self._rows.popleft() for _row in range(min(BATCH, len(self._rows)))]
                self._write(batch)
                with self._written:
                    self._done += len(batch)
                    self._written.notify_all()

    def _write(self, batch: list[Row]) -> None:
        try:
            with self._core.engine.begin() as connection:
                cursor: psycopg.Cursor[Any] = connection.connection.cursor()  # type: ignore[assignment]  # By driver.
                with cursor.copy(_COPY) as copy:
                    for row in batch:
                        copy.write_row([row.get(column) for column in COLUMNS])
        except (SQLAlchemyError, psycopg.Error) as error:
            self._dropped += len(batch)
            reason = type(error.__cause__ or error).__name__
            structlog.get_logger("lms.requests").warning("request_log_dropped", rows=self._dropped, reason=reason)
