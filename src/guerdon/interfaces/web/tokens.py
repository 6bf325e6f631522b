"""Tokens: who may ask, out of a file or an environment variable. A line is a token, or a name and a token; what is wrong is told by its line, never by what it holds.

ann  h3pGd0l2rY7b9Qe1
bob  Zk2mVt8xW4uN6sJa
"""

import os
from pathlib import Path

from guerdon.errors import InputError

SHORTEST = 12  # characters: what is shorter can be guessed
MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(24))' makes one"


def tokens_of(file: Path | None, variable: str) -> dict[str, str]:
    """Token → whose it is: those of the file, or, without one, of the environment variable (its lines, or commas between). Empty: there are none.

    Raises:
        InputError: the file cannot be read or holds none, a token is too short, or two are the same.
    """
    if file is None:
        return _read(os.environ.get(variable, "").replace(",", "\n"), f"the environment variable {variable}")
    try:
        found = _read(file.read_text(encoding="utf-8"), f"--token-file {file}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file {file} cannot be read ({error})") from error
    if not found:
        raise InputError(f"--token-file {file} holds no token; write one into each line, with a name before it or not ({MAKE})")
    return found


def _read(text: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2:
            raise InputError(f"{where}, line {number}: {len(words)} words; a line is a token, or a name and a token")
        who, token = words if len(words) == 2 else (f"token {number}", words[0])
        if len(token) < SHORTEST:
            raise InputError(f"{where}, line {number}: the token is shorter than {SHORTEST} characters ({MAKE})")
        if not token.isascii():
            raise InputError(f"{where}, line {number}: the token has other characters than ASCII, which no header carries ({MAKE})")
        if token in found:
            raise InputError(f"{where}, line {number}: the token stands there twice; give everybody one of their own")
        found[token] = who
    return found
