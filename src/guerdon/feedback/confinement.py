"""Confinement: what a helper process that judges completions gives up before it sees the first.

    before anything is imported     its network (a namespace without any, where the system allows it), new privileges
    before the first completion     memory beyond ``_MEMORY`` more than it has, files and processes of its own; and from then on an audit hook
                                    refuses to start a program, to open a file for writing, to change or remove one, to open a socket, and to
                                    compile a text that is not ``harmless``

Its environment is empty, its folder is an empty one of its own, and what it prints is dropped (``guerdon.feedback.helpers`` starts it so). A
completion on which something was refused is wrong, whatever the scorer made of the refusal.

The hook is Python's and stops what Python code does; it is the second wall behind ``harmless``, which lets no code through.
"""

import contextlib
import ctypes
import os
import sys
from typing import Any

from guerdon.feedback.harmless import Refused, check

_MEMORY = 2 * 2**30  # bytes
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # of unshare(2)
_NO_NEW_PRIVILEGES = 38  # of prctl(2)
_ACTING = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link",
    "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.chflags", "os.utime", "os.setxattr", "os.removexattr", "os.startfile", "pty.",
    "subprocess.", "socket.", "shutil.", "tempfile.", "sqlite3.", "webbrowser.", "ctypes.dlopen", "mmap.", "signal.pthread_kill", "syslog.",
    "winreg.", "resource.prlimit", "cpython.remote_debugger",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_WRITE_THEIR_OWN = frozenset({"numpy", "scipy", "sympy"})  # packages that make code of what they know, not of what they are given

_refused: list[str] = []
_watching = False
_confined = False


def confined() -> bool:
    """Whether this process is one that judges completions and may do nothing else."""
    return _confined


def isolate() -> None:
    """Leave the network behind; before threads are started."""
    global _confined
    _confined = True
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        library.unshare(_NEW_USER | _NEW_NETWORK)


def restrict() -> None:
    """Give up the rest. Once; what is imported afterwards is subject to it."""
    global _watching
    if _watching:
        return
    with contextlib.suppress(ImportError):
        import resource

        _limit(resource, "RLIMIT_FSIZE", 0)
        _limit(resource, "RLIMIT_CORE", 0)
        _limit(resource, "RLIMIT_NPROC", 0)
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open("/proc/self/statm") as file:
                has = int(file.read().split()[0]) * resource.getpagesize()
            _limit(resource, "RLIMIT_AS", has + _MEMORY)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    sys.addaudithook(_hook)
    _watching = True


def allow_seconds(seconds: float) -> None:
    """Let the process use so much more of the processor; should nobody be there to stop it, the system does."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource
        import time

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))


def refusals() -> list[str]:
    """What was refused since the last call."""
    found = list(_refused)
    _refused.clear()
    return found


def _limit(resource: Any, name: str, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        resource.setrlimit(getattr(resource, name), (value, value))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "compile":
        if not _is_own(sys._getframe(1)):
            try:
                check(arguments[0])
            except Refused as error:
                _refuse(f"a text was to become code that must not: {error}")
            except RecursionError:
                _refuse("a text was to become code that is nested too deeply")
    elif event == "open":
        mode, flags = arguments[1], arguments[2]
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
            _refuse("a file was to be written")
    elif event.startswith(_ACTING):
        _refuse(f"{event} was called")


def _is_own(frame: Any) -> bool:
    """Whether code that is being compiled is its module's own (of an import, a dataclass, a polynomial's product) and not a text it was given."""
    module = frame.f_globals.get("__name__") or ""
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names and module != "__main__":
        return True
    if package in _WRITE_THEIR_OWN and not module.startswith("sympy.parsing"):
        return True
    return _importing(frame)


def _importing(frame: Any) -> bool:
    """Whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _refuse(what: str) -> None:
    if not _importing(sys._getframe(2)):  # a module that would like a folder for its cache does without
        _refused.append(what)
    raise PermissionError(f"refused in a process that judges completions: {what}")
