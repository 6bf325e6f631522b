"""Building the kernels: by the machine's C compiler, at the first use, into the user's cache."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent
SWITCH = "GUERDON_KERNELS"
"""This environment variable set to ``off``: the operations of torch are used instead, as where there is no compiler."""
FLAGS = ("-O3", "-fPIC", "-shared", "-march=native", "-fopenmp")
PATIENCE = 120  # seconds that the compiler may take


class NotBuilt(Exception):
    """There are no kernels, and why."""


@cache
def library() -> ctypes.CDLL:
    """The compiled kernels.

    Raises:
        NotBuilt: they are switched off, there is no C compiler, or it failed.
    """
    if os.environ.get(SWITCH) == "off":
        raise NotBuilt(f"{SWITCH}=off")
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NotBuilt("there is no C compiler (cc, gcc or clang)")
    try:
        path = cache_folder("kernels") / f"{_key(compiler)}.so"
        if not path.exists():
            _compile(compiler, path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise NotBuilt(f"{compiler} failed: {said.strip().splitlines()[0] if said.strip() else error}") from error


def _compile(compiler: str, path: Path) -> None:
    """Under another name first: another process may be doing the same."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        command = [compiler, *FLAGS, str(SOURCES / "kernels.c"), "-o", str(draft), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
        os.replace(draft, path)


def cache_folder(name: str) -> Path:
    """A folder of the user's cache for what was found out about this machine."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "guerdon" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:  # a home that cannot be written to
        return Path(tempfile.mkdtemp(prefix=f"guerdon-{name}-"))


def _key(compiler: str) -> str:
    """What the compiled code depends on: sources, flags, compiler and processor (a home may be shared by several machines)."""
    digest = hashlib.blake2b(" ".join(FLAGS).encode(), digest_size=12)
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.inc")]):
        digest.update(source.read_bytes())
    digest.update(subprocess.run([compiler, "--version"], capture_output=True, timeout=PATIENCE).stdout)
    digest.update(_processor().encode())
    return digest.hexdigest()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return "\n".join(line for line in lines[:60] if line.startswith(("model", "cpu family", "flags", "Features"))) or platform.processor()
