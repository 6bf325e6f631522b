"""Which format a row has, told by its columns."""

import difflib
from collections.abc import Mapping
from typing import Any

from guerdon.data.formats import Format
from guerdon.data.formats._columns import TEXTS
from guerdon.data.formats.language_modelling import LanguageModelling
from guerdon.data.formats.preference import Preference
from guerdon.data.formats.prompt_completion import PromptCompletion
from guerdon.data.formats.prompt_only import PromptOnly
from guerdon.data.formats.ranking import Ranking
from guerdon.data.formats.share_gpt import ShareGPT
from guerdon.data.formats.stepwise import Stepwise
from guerdon.data.formats.unpaired import Unpaired
from guerdon.errors import InputError

# A row has the first format all of whose columns it has.
_FORMATS: tuple[tuple[tuple[str, ...], Format], ...] = (
    (("chosen", "rejected"), Preference()),
    (("prompt", "completions", "labels"), Stepwise()),
    (("prompt", "completions", "scores"), Ranking()),
    (("prompt", "completions", "ranks"), Ranking()),
    (("prompt", "completion", "label"), Unpaired()),
    (("prompt", "completion"), PromptCompletion()),
    (("messages",), LanguageModelling()),
    (("text",), LanguageModelling()),
    (("conversations",), ShareGPT()),
    (("prompt",), PromptOnly()),
)


def detect(row: Mapping[str, Any]) -> Format:
    """The format of a row.

    Raises:
        InputError: no format has these columns, or one of them looks like a misspelt column of a format; the sentence says which
            column is missing and which one looks like it.
    """
    found = set(row)
    columns, format = next(((c, f) for c, f in _FORMATS if found >= set(c)), ((), None))
    begun = [c for c, _ in _FORMATS if found & set(c) - {"prompt"} and not found >= set(c)]
    if format is not None and columns != ("prompt",):
        return format
    for name in sorted(map(str, found - set(TEXTS))):
        near = difflib.get_close_matches(name, [t for t in TEXTS if t not in found], n=1, cutoff=0.75)
        if near:
            raise InputError(
                f"the row has no column {near[0]!r}; did you mean it by {name!r}? then rename it: columns={{{near[0]!r}: {name!r}}}"
            )
    if begun:
        missing = sorted(set(begun[0]) - found)
        raise InputError(f"the row has {_listed(found)} but no {_listed(missing)}; add it, or rename a column to it with columns={{...}}")
    if format is None:
        shapes = "; ".join(dict.fromkeys(" + ".join(c) for c, _ in _FORMATS))
        raise InputError(
            f"the columns {_listed(found)} are no format that is known ({shapes}); rename them with columns={{name: its name there}}"
        )
    return format


def _listed(names: Any) -> str:
    return ", ".join(repr(str(n)) for n in sorted(map(str, names)))
