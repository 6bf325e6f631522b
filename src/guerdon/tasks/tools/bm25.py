"""BM25: a search of texts by their words (``guerdon.tasks.searching``).

    search("tides of the Atlantic")

``path`` is a folder, whose files (``.txt``, ``.md``) are cut at empty lines into passages of about ``words`` words, or a file of JSON lines, of which each is a passage: its
``text``, and its ``title`` where there is one. The ``most`` best are told, each with its title and at most ``longest`` characters. An index is built once in a process, and anew
where a file has changed.

Source: the search of Search-R1, arXiv 2503.09516, there of Wikipedia, three passages a call.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.tasks.schemas import schema_of
from guerdon.tasks.searching import Index
from guerdon.tasks.tools import Stateless

_SUFFIXES = (".txt", ".md")


@dataclass(frozen=True)
class BM25:
    path: str
    most: int = 3
    longest: int = 1000
    words: int = 100
    text: str = "text"
    title: str = "title"
    k1: float = 1.2
    b: float = 0.75

    name: ClassVar[str] = "search"

    def ranked(self, query: str, most: int) -> list[str]:
        """The titles of the ``most`` passages that fit best."""
        passages, index = _indexed(self, _age(self.path))
        return [passages[place][0] for place, _ in index.best(query, most)]

    def build(self) -> tuple[Stateless]:
        passages, index = _indexed(self, _age(self.path))

        def search(query: str) -> str:
            """Searches texts and returns the passages that fit best.

            Args:
                query: Words that the passage should have.
            """
            found = [passages[place] for place, _ in index.best(query, self.most)]
            return "\n\n".join(f"{title}\n{text[: self.longest]}".strip() for title, text in found) or "nothing was found; try other words"

        return (Stateless(schema_of(search, self.name), search),)


def _age(path: str) -> tuple[tuple[str, int, int], ...]:
    """The files, with what changes where they do."""
    place = Path(path)
    if not place.exists():
        raise InputError(f"there is nothing to search at {path}; give a folder of .txt and .md files, or a file of JSON lines")
    files = sorted(file for file in place.rglob("*") if file.suffix in _SUFFIXES and file.is_file()) if place.is_dir() else [place]
    if not files:
        raise InputError(f"the folder {path} holds no .txt or .md file to search")
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)


@lru_cache(maxsize=16)
def _indexed(told: BM25, files: tuple[tuple[str, int, int], ...]) -> tuple[list[tuple[str, str]], Index]:
    single = not Path(told.path).is_dir()
    passages = [passage for file, _, _ in files for passage in (_rows(told, file) if single else _cut(told, Path(file)))]
    if not passages:
        raise InputError(f"there is no text to search in {told.path}")
    return passages, Index([f"{title} {text}" for title, text in passages], told.k1, told.b)


def _rows(told: BM25, file: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield str(row.get(told.title) or ""), row[told.text]
        except (ValueError, KeyError, AttributeError) as error:
            raise InputError(f"line {number} of {file} is no JSON object with a {told.text!r}, which is what is searched") from error


def _cut(told: BM25, file: Path) -> Iterator[tuple[str, str]]:
    title, held = file.relative_to(told.path).as_posix(), []
    for paragraph in file.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        held += [paragraph.strip()] if paragraph.strip() else []
        if sum(len(text.split()) for text in held) >= told.words:
            yield title, "\n\n".join(held)
            held = []
    if held:
        yield title, "\n\n".join(held)
