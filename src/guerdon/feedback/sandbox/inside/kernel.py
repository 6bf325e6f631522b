"""Calls of the kernel that Python has no name for."""

import ctypes
import os
import platform

NEW_FILES, NEW_NAMES, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2  # of umount2
_DIE_WITH_PARENT, _DUMPABLE, _FILTER, _NO_NEW_PRIVILEGES, _SUBREAPER = 1, 4, 22, 38, 36  # of prctl
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LANDLOCK = 444, 445, 446  # create_ruleset, add_rule, restrict_self

MACHINE = platform.machine()
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def _syscall(number: int, what: str, *arguments) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _checked(_libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def unmount(target: str) -> None:
    _checked(_libc.umount2(os.fsencode(target), DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    _syscall(_PIVOT_ROOT[MACHINE], "pivot_root", os.fsencode(new), os.fsencode(old))


def die_with_parent() -> None:
    """Be killed when the process that made this one ends."""
    _libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)


def adopt() -> None:
    """Become the parent of what descends from this process and has lost its own."""
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)


def hide() -> None:
    """Let no other process of this user look into this one."""
    _libc.prctl(_DUMPABLE, 0, 0, 0, 0)


def no_new_privileges() -> None:
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")


def drop_capabilities() -> None:
    """Those that a process has in its user namespace, all of them."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    nothing = (ctypes.c_uint32 * 6)()
    _syscall(_CAPSET[MACHINE], "capset", ctypes.byref(header), ctypes.byref(nothing))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(program: bytes) -> None:
    """A filter of system calls, for good."""
    _checked(_libc.prctl(_FILTER, 2, ctypes.byref(_Program(len(program) // 8, program)), 0, 0), "seccomp")


def landlock_version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    return max(_libc.syscall(ctypes.c_long(_LANDLOCK[0]), None, ctypes.c_size_t(0), ctypes.c_uint(1)), 0)


def landlock(readable: list[str]) -> None:
    """From now on this process and its children read nothing but what lies beneath ``readable``, and change nothing."""
    version = landlock_version()
    rights = 0x1FFF | (0x2000 if version >= 2 else 0) | (0x4000 if version >= 3 else 0) | (0x8000 if version >= 5 else 0)
    ruleset = (ctypes.c_uint64 * 3)(rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)  # files, TCP, signals and abstract sockets
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _syscall(_LANDLOCK[0], "landlock", ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint(0))
    try:
        for place in readable:
            folder = os.open(place, os.O_PATH | os.O_CLOEXEC)
            read = 0b1100 if os.path.isdir(place) else 0b100  # files and folders, or a file
            beneath = ctypes.create_string_buffer(read.to_bytes(8, "little") + folder.to_bytes(4, "little"))
            try:
                _syscall(_LANDLOCK[1], "landlock", ctypes.c_int(rules), ctypes.c_int(1), ctypes.byref(beneath), ctypes.c_uint(0))
            finally:
                os.close(folder)
        _syscall(_LANDLOCK[2], "landlock", ctypes.c_int(rules), ctypes.c_uint(0))
    finally:
        os.close(rules)
