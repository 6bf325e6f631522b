"""Opening a file: uncompressed, without a byte order mark, as UTF-8, and every error of it as a sentence.

Compression and encoding are told by the first bytes, so that a file that was compressed, or no longer is, without being renamed is read as well.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from guerdon.errors import InputError

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}  # by the first bytes
_WIDE = {  # as spreadsheets write "Unicode text"; the longer marks first, since one begins with another
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while ``path`` is read into a sentence."""
    try:
        yield
    except InputError:
        raise
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path} cannot be read: it is compressed, and damaged or cut short ({error}); copy or compress it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or _first_line(error)}); check that it is whole") from error


@contextmanager
def uncompressed(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file after whatever compression its first bytes tell."""
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        unpack = next((how for mark, how in _PACKED.items() if head.startswith(mark)), None)
        if unpack is not None:
            with unpack(file, "rb") as stream:
                yield stream
        elif head[:4] == _ZSTANDARD:
            with _zstandard(path) as stream:
                yield stream
        else:
            yield file


def is_compressed(path: Path) -> bool:
    """Whether the first bytes say so."""
    with path.open("rb") as file:
        head = file.read(6)
    return head.startswith((*_PACKED, _ZSTANDARD))


@contextmanager
def text(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text file in UTF-8, without a byte order mark."""
    with uncompressed(path) as stream:
        head = stream.peek(512)[:512]
        wide = next((encoding for mark, encoding in _WIDE.items() if head.startswith(mark)), None)
        if wide:
            stream = io.BytesIO(_decoded(path, stream.read(), wide).encode())
        elif head.startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
        refuse_others(path, head)
        yield stream


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file and their numbers from 1. They may end in LF, CR LF or CR."""
    number = 0
    with text(path) as stream:
        raw = stream.readline()
        while raw:
            ended = _line(raw.rstrip(b"\r\n"), path, number + 1)
            for piece in ended.split("\r"):
                number += 1
                yield number, piece
            raw = _next(stream, path, number)


def whole(path: Path) -> str:
    """All of a text file."""
    with text(path) as stream:
        data = stream.read()
    if b"\0" in data:
        raise InputError(_zero_byte(path, data.count(b"\n", 0, data.index(b"\0")) + 1))
    return _decoded(path, data)


def _next(stream: BinaryIO, path: Path, number: int) -> bytes:
    try:
        return stream.readline()
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} cannot be read beyond line {number} ({_first_line(error)}); copy or compress it again") from error


def _line(raw: bytes, path: Path, number: int) -> str:
    if b"\0" in raw:
        raise InputError(_zero_byte(path, number))
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(_not_text(path, number, error)) from error


def _decoded(path: Path, data: bytes, encoding: str = "UTF-8") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(_not_text(path, data.count(b"\n", 0, error.start) + 1, error, encoding)) from error


def _not_text(path: Path, number: int, error: UnicodeDecodeError, encoding: str = "UTF-8") -> str:
    return f"line {number} of {path} is not {encoding} ({error.reason}: byte {error.object[error.start]:#04x}); write the file again as UTF-8 text"


def _zero_byte(path: Path, number: int) -> str:
    return f"line {number} of {path} holds a zero byte, which is no text: the file is UTF-16 without its mark, or was cut off; write it again as UTF-8"


_OTHERS = {  # by the first bytes, without blanks before them
    b"PAR1": "a Parquet file; name it .parquet",
    b"ARRO": "an Arrow file; name it .arrow",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"version https://git-lfs": "the pointer that git-lfs leaves and not the file itself; run git lfs pull there, or fetch it again",
    b"<!doctype html": "a page of the web and no rows; what was downloaded is likely a message: open it in a browser, and fetch the file itself",
    b"<html": "a page of the web and no rows; what was downloaded is likely a message: open it in a browser, and fetch the file itself",
}
_TAR = slice(257, 262)  # where such an archive says what it is


def refuse_others(path: Path, head: bytes) -> None:
    """Refuse what is no text of rows, whatever its name says.

    Raises:
        InputError: what it is instead.
    """
    begin = head.lstrip().lower()
    what = next((what for mark, what in _OTHERS.items() if head.startswith(mark) or begin.startswith(mark.lower())), None)
    if what is None and head[_TAR] == b"ustar":
        what = "a tar archive; unpack it first"
    if what is not None:
        raise InputError(f"{path} is {what}")


def otherwise(path: Path) -> str:
    """What to do with a file of an unknown kind."""
    return "unpack it first, and name the file in it" if path.name.lower().removesuffix(".gz").endswith(_ARCHIVES) else "convert it"


@contextmanager
def _zstandard(path: Path) -> Iterator[BinaryIO]:
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise InputError(f"reading {path} needs the extra 'data': install guerdon[data]") from error
    with pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd") as stream, io.BufferedReader(stream) as buffered:
        yield buffered


def _first_line(error: BaseException) -> str:
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__
