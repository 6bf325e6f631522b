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

    Python ends before the threads of collectives do. One that drops a tensor just then asks for Python's lock and is killed for it, and the process with it
    ("terminate called without an active exception"): a run whose work was done was once taken for one that had failed.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(ended["code"])


if __name__ == "__main__":
    run()
