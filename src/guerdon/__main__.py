"""``python -m guerdon``, and the command ``guerdon``."""

import atexit
import contextlib
import os
import sys

from guerdon.interfaces.cli import main


def run() -> None:
    """Run the command that was given, and end with its exit code."""
    ended = {"code": 1}
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        atexit.register(_leave, ended)
    ended["code"] = main()
    sys.exit(ended["code"])


def _leave(ended: dict[str, int]) -> None:
    """End at once, as the last of what is done at exit.

    What follows in C++ takes collectives' threads down while some still run: one of two processes, its work done and all files
    written, was once killed there ("terminate called without an active exception"), and the run was taken for one that had failed.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(ended["code"])


if __name__ == "__main__":
    run()
