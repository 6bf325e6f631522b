"""Keeper: a process behind walls that forks a child for every program, so that a program waits for no interpreter.

    python -I -S keeper.py CONTROL SETTINGS

It is told by messages on the socket CONTROL, each with the descriptors that the child is given; it holds no program itself, so that none finds another in
the memory that it was forked from. It answers when the child has ended, everything that it started is dead, and its folder is empty:

    {"memory", "processes", "seconds", "files"} + [job, standard input, standard output, out, in]  ->  {"code", "late", "cpu"}
    {"stop": true} while it runs                                                                  ->  the same, sooner
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import time

_OWN = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_OWN, os.path.dirname(_OWN)]  # the plain values are known outside as well

import work  # noqa: E402
from walls import Walls  # noqa: E402

_HELD = 5  # descriptors of a child
_WARM = (
    "abc", "array", "bisect", "calendar", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "itertools", "json", "math", "numbers", "operator", "queue", "random", "re", "sqlite3", "statistics", "string",
    "textwrap", "threading", "time", "typing", "unittest", "uuid", "zoneinfo",
)  # fmt: skip


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(sys.argv[2])
    sys.argv[:] = ["program"]
    walls = Walls(settings["kind"], settings["readable"], settings["size"], settings["folder"])
    for name in _WARM:
        __import__(name)
    jobs = {"script": work.script, "function": work.function, "served": work.served, "query": work.query}
    if settings["examines"]:
        import examine

        jobs["examined"] = examine.judge
    try:
        walls.build(settings["folder"])
    except (KeyError, OSError) as error:
        control.send(json.dumps({"error": str(error)}).encode())
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.set_int_max_str_digits(100_000)
    sys.path[:] = sys.path[2:] + settings["packages"]
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"filter": walls.has_filter, "user": walls._user is not None or os.geteuid() != 0}).encode())
    while True:
        message, held, _, _ = socket.recv_fds(control, 1 << 16, _HELD)
        if not message:
            walls.end_all()
            os._exit(0)
        told = json.loads(message)
        if "stop" in told:  # of a program that has ended by itself
            continue
        answer = _run(told, held, walls, jobs, control)
        control.send(json.dumps(answer).encode())


def _run(told: dict, held: list[int], walls: Walls, jobs: dict, control: socket.socket) -> dict:
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _child(told, held, walls, jobs)
    for descriptor in held:
        os.close(descriptor)
    ended, late = _wait(child, control, begun + told["seconds"])
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    walls.clear()
    return {"code": os.waitstatus_to_exitcode(status), "late": late, "cpu": used.ru_utime + used.ru_stime}


def _wait(child: int, control: socket.socket, until: float) -> tuple[bool, bool]:
    """Whether the child has ended by itself, and whether its time is over."""
    handle = os.pidfd_open(child)
    try:
        while True:
            left = until - time.monotonic()
            ready, _, _ = select.select([handle, control], [], [], max(left, 0))
            if handle in ready:
                return True, False
            if control in ready:
                if not control.recv(1 << 16):
                    os.kill(child, signal.SIGKILL)
                    os._exit(0)
                return False, False
            if left <= 0:
                return False, True
    finally:
        os.close(handle)


def _child(told: dict, held: list[int], walls: Walls, jobs: dict) -> None:
    code = work.FAILED
    try:
        os.setsid()
        with os.fdopen(os.dup(held[0]), "rb") as file:
            file.seek(0)
            job = json.loads(file.read())
        high = [os.dup2(descriptor, 200 + place) for place, descriptor in enumerate(held)]
        null = os.open(os.devnull, os.O_RDWR)
        for place, source in enumerate((high[1], high[2], null, *high[3:])):
            os.dup2(source, place)
        os.closerange(5 if len(held) > 4 else 4, 4096)
        walls.confine(told["memory"], told["processes"], told["seconds"], told["files"])
        do = jobs[job.pop("what")]
        code = do(job)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else work.FAILED
    except BaseException:
        pass  # it has failed
    finally:
        os._exit(code or 0)


if __name__ == "__main__":
    main()
