"""Work: what a child does with a program, by the kind of job. It knows inputs and never what is expected.

script      run it as the main module: it reads its standard input and prints
function    call a function of it with one list of arguments after another, and write down what it returns
served      define what it defines, and answer for it (``peer``)
query       rows of a query on a database that a script builds
"""

import builtins
import inspect
import os
import sys
import threading
import types
from typing import Any

from peer import Gone, Peer
from plain import decoded, encoded, packed

FAILED = 3  # the exit code where the job could not be done
OUT, IN = 3, 4  # descriptors of what is answered and of what is asked


def script(job: dict[str, Any]) -> int:
    code = compile(job["program"], "<program>", "exec")
    module = _module("__main__", job.get("preamble", ""))
    try:
        exec(code, vars(module))
    except SystemExit as error:
        if error.code not in (None, 0):
            return 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    sys.stdout.flush()
    return 0


def function(job: dict[str, Any]) -> int:
    module = _defined(job["program"], job.get("preamble", ""))
    for number, case in enumerate(job["cases"]):
        try:
            called = _found(module, job["name"])
            value = called(*decoded(case[0]), **decoded(case[1]))
            if inspect.isgenerator(value):
                value = list(value)
            _answer([number, encoded(value)])
        except Exception as error:
            _answer([number, None, type(error).__name__])
    return 0


def served(job: dict[str, Any]) -> int:
    peer = Peer(IN, OUT, guarded=False, first=_defined(job["program"], job.get("preamble", "")))
    try:
        peer.serve()
    except Gone:
        return 0


def query(job: dict[str, Any]) -> int:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.executescript(job["script"])
    cursor = connection.execute(job["program"])
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchmany(job["rows"] + 1)
    if len(rows) > job["rows"]:
        return FAILED
    _answer([names, encoded([list(row) for row in rows])])
    return 0


def _module(name: str, preamble: str) -> types.ModuleType:
    """A module in which what the preamble defines is known, as what is built in is: it is not the program's own."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    if preamble:
        known: dict[str, Any] = {}
        exec(compile(preamble, "<preamble>", "exec"), known)
        known.pop("__builtins__")
        vars(module)["__builtins__"] = {**vars(builtins), **known}
    return module


def _defined(program: str, preamble: str) -> types.ModuleType:
    module = _module("solution", preamble)
    exec(compile(program, "<program>", "exec"), vars(module))
    return module


def _found(module: types.ModuleType, name: str) -> Any:
    """The function of that name, or the method of a class ``Solution``."""
    if not hasattr(module, name) and hasattr(module, "Solution"):
        return getattr(module.Solution(), name)
    return getattr(module, name)


def _answer(message: Any) -> None:
    data = packed(message)
    while data:
        data = data[os.write(OUT, data) :]
