"""Walls: what stands between a program and everything else.

    namespaces   a root of its own in memory, in which there is Python's library, to be read, and an empty folder; no network; no other process; no
                 users but one without rights
    bubblewrap   the same, built by ``bwrap`` before this begins
    landlock     no namespaces, but the kernel lets it read Python's library and nothing else, and change no file at all
    none         it reads what the user may read

In all of them the system calls are filtered where the kernel does that (``calls``), and memory, time, output and processes are bounded.
"""

import contextlib
import os
import resource
import signal
import stat

import calls
import kernel

HOME = "/box"  # the program's folder, within its own root
_DEVICES = ("null", "zero", "urandom", "random")
_MANY = 4096  # tasks of a user who has others beside the program's
_NOBODY = 0x70000000  # users that nobody is, one for each keeper


class Walls:
    """Those of one keeper."""

    def __init__(self, kind: str, readable: list[str], size: int, folder: str) -> None:
        self.kind, self._readable, self._size = kind, readable, size
        self.apart = kind in ("namespaces", "bubblewrap")
        self._home = HOME if self.apart else folder
        self._user: int | None = None  # what a program becomes, where the keeper may say so
        self._remounts = False
        self.has_filter = calls.known()

    def build(self, folder: str) -> None:
        """Leave everything behind; after this the process may be another one, the first of its own world."""
        if self.kind == "namespaces":
            self._leave()
            self._root(folder)
            self._remounts = True
        elif self.kind == "none" and os.geteuid() == 0 and all(map(_open_to_all, self._readable)):
            self._user = _NOBODY + os.getpid()
        if self.kind != "namespaces":
            kernel.adopt()
        kernel.hide()
        os.chdir(self._home)
        self.clear()

    def confine(self, memory: int, processes: int, seconds: float, files: int) -> None:
        """Give up what is left, in the child that is about to run a program."""
        alone = processes <= 1
        for name, value in (
            ("AS", memory), ("DATA", memory), ("FSIZE", files), ("CORE", 0), ("NOFILE", 64), ("MEMLOCK", 0), ("MSGQUEUE", 0),
            ("CPU", int(seconds) + 1), ("NPROC", 64 + processes if self.apart or self._user is not None else _MANY),
        ):  # fmt: skip
            _limit(name, value)
        if self._remounts:
            kernel.unshare(kernel.NEW_IPC)  # memory that is shared by a key would outlive the program
        if self._user is not None:
            os.setgroups([])
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        kernel.die_with_parent()
        kernel.hide()  # a change of the user undoes both
        kernel.drop_capabilities()
        kernel.no_new_privileges()
        if self.kind == "landlock":
            kernel.landlock([*self._readable, self._home])
        if self.has_filter:
            kernel.install(calls.compiled(os.getpid(), alone, writing=self.apart))

    def clear(self) -> None:
        """End what runs, and remove what is left."""
        self.end_all()
        if self._remounts:
            os.chdir("/")
            kernel.unmount(self._home)
            self._mount_home()
            os.chdir(self._home)
        else:
            empty(self._home)

    def end_all(self) -> None:
        """Kill every process that descends from this one."""
        while True:
            if self.apart:
                _kill(-1)  # this is the first process of its world
            else:
                for one in _descendants(os.getpid()):
                    _kill(one)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _leave(self) -> None:
        """Into namespaces of our own; the first process in them goes on, and the one that was started waits for it to end."""
        flags = kernel.NEW_FILES | kernel.NEW_NAMES | kernel.NEW_IPC | kernel.NEW_PIDS | kernel.NEW_NETWORK
        user, group = os.geteuid(), os.getegid()
        try:
            if user == 0:
                self._leave_as_root(flags)
            else:
                kernel.unshare(flags | kernel.NEW_USER)
                _write("/proc/self/setgroups", "deny")
                _write("/proc/self/uid_map", f"0 {user} 1")
                _write("/proc/self/gid_map", f"0 {group} 1")
        except OSError:
            if user != 0:
                raise
            kernel.unshare(flags)  # root of a container that may have no users of its own
            self._user = _NOBODY + os.getpid()
        first = os.fork()
        if first:
            _, status = os.waitpid(first, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        kernel.die_with_parent()

    def _leave_as_root(self, flags: int) -> None:
        """Root keeps its name, to find what only it may see, and makes a second user without rights; who stays outside says so to the kernel."""
        left, right = os.pipe()
        back, forth = os.pipe()
        own, nobody = os.getpid(), _NOBODY + os.getpid()
        helper = os.fork()
        if not helper:
            try:
                os.close(right)
                os.read(left, 1)
                for kind in "ug":
                    _write(f"/proc/{own}/{kind}id_map", f"0 0 1\n1 {nobody} 1")
                os.write(forth, b"y")
            finally:
                os._exit(0)
        try:
            kernel.unshare(flags | kernel.NEW_USER)
            os.write(right, b"x")
            os.close(forth)
            if os.read(back, 1) != b"y":
                raise OSError("the users of a namespace cannot be named")
        finally:
            for end in (left, right, back):
                os.close(end)
            os.waitpid(helper, 0)
        self._user = 1

    def _root(self, folder: str) -> None:
        """A root in memory with Python's library."""
        kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
        kernel.mount("tmpfs", folder, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=1m,nr_inodes=512,mode=755")
        for place in self._readable:
            _bind(place, folder + place)
        os.makedirs(f"{folder}/dev", exist_ok=True)
        for name in _DEVICES:
            _touch(f"{folder}/dev/{name}")
            kernel.mount(f"/dev/{name}", f"{folder}/dev/{name}", None, kernel.BIND)
        os.makedirs(f"{folder}{HOME}")
        if not os.path.exists(f"{folder}/tmp"):
            os.symlink(HOME, f"{folder}/tmp")
        os.makedirs(f"{folder}/old")
        kernel.pivot_root(folder, f"{folder}/old")
        os.chdir("/")
        kernel.unmount("/old")
        os.rmdir("/old")
        self._mount_home()
        kernel.mount(None, "/", None, kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES)

    def _mount_home(self) -> None:
        flags = kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC
        kernel.mount("tmpfs", HOME, "tmpfs", flags, f"size={self._size},nr_inodes=1024,mode=1777")


def empty(folder: str) -> None:
    """Remove all that is in a folder, however deep it is."""
    while True:
        names = os.listdir(folder)
        if not names:
            return
        for name in names:
            place = f"{folder}/{name}"
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                os.unlink(place)
                continue
            os.chmod(place, 0o700)
            for number, inner in enumerate(os.listdir(place)):  # its content comes up, so that no path grows
                os.rename(f"{place}/{inner}", f"{folder}/{name[:20]}.{os.getpid()}.{number}")
            os.rmdir(place)


def _open_to_all(place: str) -> bool:
    """Whether a user without rights finds the place."""
    while place != "/":
        mode = os.stat(place).st_mode
        if not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
            return False
        place = os.path.dirname(place)
    return True


def _limit(name: str, value: int) -> None:
    which = getattr(resource, f"RLIMIT_{name}", None)
    if which is None:
        return
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):  # a system that knows the name and not the limit
        if name not in ("DATA", "NPROC", "MEMLOCK"):
            raise


def _bind(source: str, target: str) -> None:
    """Show a place of the old root in the new one, to be read; links as links."""
    if os.path.islink(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        _touch(target)
    kernel.mount(source, target, None, kernel.BIND | kernel.RECURSIVE)
    kept = os.statvfs(target).f_flag & (os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME | os.ST_RELATIME)
    flags = kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES
    kernel.mount(None, target, None, flags | kept)


def _touch(place: str) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))


def _write(place: str, text: str) -> None:
    with open(place, "w") as file:
        file.write(text)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def _descendants(process: int) -> list[int]:
    """The children of a process, and theirs."""
    found, seen = [process], []
    while found:
        one = found.pop()
        try:
            with open(f"/proc/{one}/task/{one}/children") as file:
                inner = [int(word) for word in file.read().split()]
        except OSError:
            inner = []
        seen += inner
        found += inner
    return seen
