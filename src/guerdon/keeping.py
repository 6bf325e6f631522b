"""Keeping: where on this machine things lie that outlive a process and can be made again."""

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Where things of a kind that need not be computed twice are kept: in ``GUERDON_CACHE``, or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("GUERDON_CACHE") or Path(base) / "guerdon") / kind
