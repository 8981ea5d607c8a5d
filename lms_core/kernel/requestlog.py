"""The rows of ``system_logs``, written in batches by one thread of each process."""

import os
import queue
import threading
import time
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


class _Flush(threading.Event):
    """In the queue: write what came before, then say so."""


class RequestLog:
    """A bounded queue and its thread, begun with the first row; a forked process begins its own."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._lock = threading.Lock()
        self._owner = 0
        self._rows: queue.SimpleQueue[Row | _Flush | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._at_exit: Finalize | None = None

    def add(self, row: Row) -> None:
        """Hand over a row (by column; ``action`` and ``created_at`` must be there); never waits and never raises."""
        if self._owner != os.getpid():
            self._begin()
        if self._rows.qsize() < WAITING:
            self._rows.put(row)
        else:
            self._dropped += 1

    def flush(self, timeout: float = _EXIT_LIMIT) -> bool:
        """Wait until what was added so far is written (or dropped); False if that took longer."""
        if self._owner != os.getpid():
            return True
        flush = _Flush()
        self._rows.put(flush)
        return flush.wait(timeout)

    def close(self) -> None:
        """Write what waits, and end the thread; a later row begins it again."""
        if self._owner != os.getpid() or self._thread is None:
            return
        self._rows.put(None)
        self._thread.join(_EXIT_LIMIT)
        self._thread, self._owner = None, 0
        if self._at_exit is not None:
            self._at_exit.cancel()

    def _begin(self) -> None:
        with self._lock:
            if self._owner == os.getpid():
                return
            # After a fork, the parent's rows are the parent's to write.
            self._rows = queue.SimpleQueue()
            self._thread = threading.Thread(target=self._run, args=(self._rows,), name="request-log", daemon=True)
            self._thread.start()
            self._owner = os.getpid()
            # Runs at the exit of any process, a child of multiprocessing included, which skips atexit.
            self._at_exit = Finalize(None, self.close, exitpriority=100)

    def _run(self, rows: "queue.SimpleQueue[Row | _Flush | None]") -> None:
        ended = False
        while not ended:
            batch, flushes, ended = _gather(rows)
            if batch:
                self._write(batch)
            for flush in flushes:
                flush.set()

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


def _gather(rows: "queue.SimpleQueue[Row | _Flush | None]") -> tuple[list[Row], list[_Flush], bool]:
    """The next batch, who waits for it to be written, and whether it is the last."""
    batch: list[Row] = []
    entry = rows.get()
    deadline = time.monotonic() + PAUSE
    while True:
        if entry is None:
            return batch, [], True
        if isinstance(entry, _Flush):
            return batch, [entry], False
        batch.append(entry)
        if len(batch) == BATCH:
            return batch, [], False
        try:
            entry = rows.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return batch, [], False
