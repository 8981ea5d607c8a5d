"""Threads that work for an event loop."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Lane:
    """A fixed number of threads, begun with the first job. A job costs half of what the standard executor takes.

    They are daemons: the end of the process waits for no caller.
    """

    def __init__(self, name: str, width: int) -> None:
        self._name, self._width = name, width
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._begun = False

    def run(self, work: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
        """What the work answers or raises. To be called on the event loop, always the same one."""
        if not self._begun:
            self._begun = True
            for number in range(self._width):
                threading.Thread(target=self._serve, name=f"{self._name}-{number + 1}", daemon=True).start()
        loop = asyncio.get_running_loop()
        outcome = loop.create_future()
        self._jobs.put((loop, outcome, work, arguments))
        return outcome

    def _serve(self) -> None:
        while True:
            # In a frame of its own: nothing of a request lives on while the thread waits for the next one.
            _do(*self._jobs.get())


def _do(loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[Any]", work: Any, arguments: Any) -> None:
    try:
        answer = work(*arguments)
    except BaseException as error:
        loop.call_soon_threadsafe(_settle, outcome, outcome.set_exception, error)
    else:
        loop.call_soon_threadsafe(_settle, outcome, outcome.set_result, answer)


def _settle(outcome: "asyncio.Future[Any]", settle: Callable[[Any], None], value: Any) -> None:
    if not outcome.cancelled():
        settle(value)
