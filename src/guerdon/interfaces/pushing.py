"""Pushing: a saved model to a hub, in one commit, with its card."""

import re
from pathlib import Path

from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.card.writing import CARD, elsewhere

NAME = re.compile(r"[\w.-]+/[\w.-]+")
LEFT_OUT = ["*.draft", "*.lock", "**/state.pt"]


def model_in(folder: Path) -> Path:
    """The folder of a model, where that of its run was given, too.

    Raises:
        InputError: there is no model.
    """
    for place in (folder, folder / "model"):
        if any((place / name).exists() for name in ("config.json", "adapter_config.json", "head.safetensors", "model.safetensors")):
            return place
    raise InputError(f"{folder} holds no saved model (no config.json or adapter_config.json); give the folder that a run's last lines name")


def push(folder: Path, name: str, private: bool = False, message: str = "") -> str:
    """Upload the model in ``folder`` as ``name`` (``owner/name``) and return its address. A repository that is not there yet is made.

    Raises:
        InputError: there is no model, the name is none, or the hub knows no token, or not one that may write there.
        RunFailed: the hub could not be reached or refused.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if NAME.fullmatch(name) is None:
        raise InputError(f"{name!r} is no place on a hub; write OWNER/NAME")
    model = model_in(Path(folder))
    if get_token() is None:
        raise InputError("no hub knows who you are: set HF_TOKEN to a token that may write, or log in once with hf auth login")
    api = HfApi()
    try:
        repository = api.create_repo(name, private=private, exist_ok=True).repo_id
        if (model / CARD).exists():
            card = elsewhere((model / CARD).read_text(encoding="utf-8"), model, repository).encode()
        else:
            card = f"---\nlibrary_name: transformers\ntags:\n- guerdon\n---\n\n# {repository}\n".encode()
        files = sorted(p for p in model.rglob("*") if p.is_file() and p.name != CARD and not any(p.match(pattern) for pattern in LEFT_OUT))
        operations = [CommitOperationAdd(str(p.relative_to(model)), p) for p in files]
        done = api.create_commit(
            repository, [*operations, CommitOperationAdd(CARD, card)], commit_message=message or "A model trained with guerdon"
        )
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise InputError(
                f"the hub does not let this token write {name} ({_first(error)}); take a token that may write, or another name"
            ) from error
        raise RunFailed(f"the hub refused {name}: {_first(error)}") from error
    except Exception as error:
        if not _is_of_the_network(error):
            raise
        raise RunFailed(f"the hub at {api.endpoint} cannot be reached ({_first(error)}); nothing was uploaded") from error
    return str(getattr(done, "repo_url", "") or f"{api.endpoint}/{repository}")


def _is_of_the_network(error: Exception) -> bool:
    """Whether the hub was not reached. Its client has changed the library that it calls more than once, so errors are known by their names."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, OSError) or bool(names & {"TransportError", "RequestException", "OfflineModeIsEnabled"})


def _first(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
