"""The library that reads formulas, imported when one has to be read."""

import logging
from typing import Any

from guerdon.errors import InputError


def library() -> Any:
    """math-verify, which says nothing of its alarm being off.

    Raises:
        InputError: it is not installed.
    """
    try:
        import math_verify
    except ImportError as error:
        raise InputError("mathematical equivalence needs the math-verify library: install guerdon[math]") from error
    for name in ("math_verify.parser", "math_verify.grader"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return math_verify
