"""How a model with a head asks it: one way for all heads, however many things they say and whatever they read besides hidden states."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads import Head
from guerdon.models.moving import onto
from guerdon.sequences import Sequences

HEAD = "head.safetensors"
_ASKED = {"context", "taken"}  # what a head may read that is no column


def measured_by(head: Head) -> frozenset[str]:
    """The names of what a head says."""
    return frozenset({head.measures} if isinstance(head.measures, str) else head.measures)


def columns_of(head: Head) -> tuple[str, ...]:
    """The columns of the data that a head reads."""
    return tuple(name for name in getattr(head, "reads", ()) if name not in _ASKED)


def readings(
    head: Head, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, sequences: Sequences, **asked: Callable[[], Tensor]
) -> dict[str, Tensor]:
    """What the head says of the sequences, by name. ``asked``: what it may read besides, each called if it does: ``context`` gives the hidden states [B, D] of what the
    sequences answer, ``taken`` the places [S] of the acted steps themselves.

    Raises:
        InputError: the head reads a column that the rows do not have, or does not know a user.
    """
    more: dict[str, Any] = {name: onto(hidden.device, _column(head, name, sequences))[0] for name in columns_of(head)}
    more |= {name: asked[name]() for name in getattr(head, "reads", ()) if name in _ASKED}
    said = head.read(module, hidden, predicts, last, **more)
    return {head.measures: said} if isinstance(head.measures, str) else said


def _column(head: Head, name: str, sequences: Sequences) -> Tensor:
    who = type(head).__name__
    values = sequences.quantities.get(name)
    if values is None:
        raise InputError(f"a {who} head reads the column {name!r}, and the rows have none with numbers; add it (an index from 0 on)")
    users = getattr(head, "users", None)
    if name == "user" and users is not None and len(values) and int(values.max()) >= users:
        raise InputError(
            f"user {int(values.max())} is not known: the {who} head has {users} users, 0 to {users - 1}; raise its users before training, or adapt the trained "
            "model to new users (guerdon.training.adapting, or new_users of the model)"
        )
    return values


def load_head(module: nn.Module, folder: Path) -> None:
    """Give a head the parameters of a saved one.

    Raises:
        InputError: there is none, or it belongs to another body or to other users.
    """
    from safetensors.torch import load_file

    path = folder / HEAD
    if not path.is_file():
        raise InputError(f"trained: there is no {path}; give the folder that a run saved its model in")
    try:
        module.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise InputError(f"trained: the head in {path} was trained on another encoder, other views or other users ({error})") from error
