"""Serving: a trained scorer over HTTP, for whatever trainer the team uses.

    serve_reward("runs/reward_model/model", at=address("127.0.0.1", 8000), tokens={}, settings=Settings(), say=print)

A request (``shapes``: one file for each kind of client) becomes ``items``; one thread reads them (``reading``, ``scoring``), they wait in the lines of their clients
(``queueing``), and the one thread that owns the model (``worker``) scores what is there, whoever it is of. ``application`` answers.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from guerdon.errors import InputError
from guerdon.interfaces.serving.settings import Settings
from guerdon.interfaces.web import Address, Ending, serve

__all__ = ["Settings", "serve_reward"]
OPEN = frozenset({"/health", "/ready"})


def serve_reward(
    source: str,
    at: Address,
    tokens: Mapping[str, str],
    settings: Settings,
    say: Callable[[str], None],
    name: str = "",
    dtype: str = "float32",
    device: str = "auto",
    overrides: Sequence[str] = (),
    ending: Ending | None = None,
) -> None:
    """Serve a scorer until it is asked to stop. It is loaded while the server answers already (``/health``), and asked when it is there (``/ready``).

    Args:
        source: a folder, a hub id, or a YAML file with a model; ``overrides`` are of that file.
        name: by which it may be asked besides ``source``.
        say: is told the address, and when the model is loaded.

    Raises:
        InputError: there is no such model, it does not score, or others than this machine could ask without a token.
    """
    try:
        from guerdon.interfaces.serving.application import Application
    except ImportError as error:
        raise InputError("a server needs the extra 'serve'; install it with pip install 'guerdon[serve]'") from error
    from guerdon.interfaces.serving.scoring import Scoring, load

    ending = ending or Ending()

    def loaded() -> Scoring:
        scoring = load(source, dtype, device, settings, overrides)
        say(f"loaded {source}")
        return scoring

    names = tuple(dict.fromkeys([name or source, source, Path(source).name]))
    application = Application(loaded, names, settings, failed=ending.ask)
    serve(application.app(), at, tokens, settings.most_bytes, lambda url: say(f"{names[0]} at {url}"), OPEN, ending, grace=settings.timeout)
    if application.worker.error is not None:
        raise application.worker.error
