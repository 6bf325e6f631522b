"""Levels: the ways to wall a program off, the strongest first, and what each leaves open.

bubblewrap   ``bwrap``, where it is installed: namespaces, built by a program that may do so where others may not
namespaces   the same by the kernel's own calls (unprivileged user namespaces, or root)
landlock     where those are forbidden, as in many containers: a kernel that refuses files, and a filter of system calls
none         the filter, where there is one, and bounds on memory, time and output
"""

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")


@dataclass(frozen=True)
class Level:
    """One of them: whether nothing is left open."""

    name: str
    isolates: bool = True


LEVELS = (Level("bubblewrap"), Level("namespaces"), Level("landlock"), Level("none", isolates=False))


def left_open(level: Level, has_filter: bool) -> str:
    """What a level does not protect from, as an end of a sentence; "" for nothing."""
    if level.isolates and has_filter:
        return ""
    found = (
        [] if level.isolates else ["reading what this user may read (its home folder, its keys, the environment of its other processes)"]
    )
    if not has_filter:
        found += ["starting processes, sending signals, and calls of the kernel that are seldom needed"]
        found += [] if level.isolates else ["opening connections", "writing and removing files of this user"]
    return ", ".join(found)


def readable(packages: tuple[str, ...]) -> list[str]:
    """What a program may read: the libraries of the system and of Python, and folders with packages that were asked for; none within another."""
    python = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), sysconfig.get_config_var("LIBDIR") or ""}
    named = [place for place in (*_LIBRARIES, *python, *packages) if os.path.exists(place)]
    links = [place for place in named if os.path.islink(place)]
    real = sorted({os.path.realpath(place) for place in named})
    return [*links, *(place for place in real if not any(place.startswith(f"{other}/") for other in real))]


def interpreter() -> str:
    """The one that a keeper runs in: that of this process, without the environment that it may have been made for."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def command(level: Level, control: int, settings: str, places: list[str], size: int) -> list[str] | None:
    """What starts a keeper; None where the level is not to be had."""
    python = [interpreter(), "-I", "-S", "-X", "utf8"]
    if level.name != "bubblewrap":
        return [*python, str(INSIDE / "keeper.py"), str(control), settings] if sys.platform == "linux" or level.name == "none" else None
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        return None
    walls = [bubblewrap, "--unshare-all", "--as-pid-1", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"]
    for place in [*places, interpreter()]:
        walls += ["--symlink", os.readlink(place), place] if os.path.islink(place) else ["--ro-bind", place, place]
    if not any(f"{place}/".startswith("/tmp/") for place in [*places, interpreter()]):
        walls += ["--symlink", "/box", "/tmp"]
    walls += ["--ro-bind", str(INSIDE.parent), "/keeper", "--dev", "/dev", "--size", str(size), "--tmpfs", "/box"]
    walls += ["--remount-ro", "/dev", "--remount-ro", "/"]
    return [*walls, "--chdir", "/box", "--", *python, "/keeper/inside/keeper.py", str(control), settings]
