"""Columns of labelled rows, with sentences where they are not as they should be."""

import math
from collections.abc import Mapping
from typing import Any

from guerdon.errors import InputError


def column(row: Mapping[str, Any], name: str) -> Any:
    """What a row has in a column: a text, messages or a list, not empty."""
    value = there(row, name)
    if not (value.strip() if isinstance(value, str) else len(value) if hasattr(value, "__len__") else True):
        raise InputError(f"a labelled row has nothing in column {name!r}; fill it in or drop the row")
    return value


def there(row: Mapping[str, Any], name: str) -> Any:
    """What a row has in a column, which is not None."""
    if name not in row:
        raise InputError(
            f"a labelled row has no column {name!r}; columns there: {', '.join(sorted(map(str, row)))}; rename with columns={{{name!r}: '...'}}"
        )
    if row[name] is None:
        raise InputError(f"a labelled row has nothing in column {name!r}; fill it in or drop the row")
    return row[name]


def number(value: Any, name: str) -> float:
    """A number that a column holds, or one of those that it lists. A flag is 1 or 0."""
    try:
        found = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"column {name!r} holds {value!r}, and a number is expected; leave the row out, or mend it")
    return found
