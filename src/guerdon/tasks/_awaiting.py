"""Awaiting: one event loop, beside the threads that act, for environments and tools that are awaited; what they keep open (a session, a process) is of one loop."""

import asyncio
import inspect
import threading
from functools import cache
from typing import Any


def awaited(found: Any, seconds: float | None = None) -> Any:
    """What a function returned, waited for where it is awaited."""
    return asyncio.run_coroutine_threadsafe(_wait(found), loop()).result(seconds) if inspect.isawaitable(found) else found


@cache
def loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, daemon=True, name="guerdon-awaited").start()
    return made


async def _wait(found: Any) -> Any:
    return await found
