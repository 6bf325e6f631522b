"""Fences: the last block of code of a text, as Markdown sets it.

    ```python
    ...
    ```

A block counts if it names one of the languages, or none. Where the last block is not closed, the text was cut off and there is none; a text without any
block is code itself.
"""

import re

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n`]*$", re.MULTILINE)


def last_block(text: str, languages: tuple[str, ...]) -> str | None:
    """What stands in the last block of one of the languages; None where there is none."""
    found: str | None = None
    opened: tuple[str, str, int] | None = None
    fenced = False
    for fence in _FENCE.finditer(text):
        fenced = True
        mark, language = fence.group(1), fence.group(2).lower()
        if opened is None:
            opened = mark, language, fence.end() + 1
        elif mark[0] == opened[0][0] and len(mark) >= len(opened[0]) and not language:
            if not opened[1] or opened[1] in languages:
                found = text[opened[2] : fence.start()]
            opened = None
    if opened is not None:
        return None
    return found if fenced else text.strip() or None
