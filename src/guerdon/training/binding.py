"""Binding: whom the names with a view ask, of a job that says so: the model of a finished stage, one of its own, or what is made of the policy (``models.views``).

A model of its own is frozen, and is asked of the very tokens that the policy takes: it has to split text as the policy does.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.randomness import derive
from guerdon.training.stages import Outputs

SHOWN = 3  # tokens that a sentence names


def bound(
    views: Mapping[str, Any],
    done: Mapping[str, Outputs],
    policy: Model,
    encoder: Any,
    rows: Iterable[Sequence[Mapping[str, Any]]],
    seed: int,
) -> dict[str, Model]:
    """The models by view.

    Args:
        views: by name, the name of a finished stage, a part of ``models.views``, or the specification of a model.
        encoder: of the policy; None where it reads no text. ``rows``: all that the policy will be asked of.

    Raises:
        InputError: there is no such stage, or a model that cannot be asked of the policy's steps.
    """
    models = {name: out.model for name, out in done.items() if out.model is not None}
    found: dict[str, Model] = {}
    for name, view in views.items():
        if isinstance(view, str):
            if view not in models:
                raise InputError(f"the view {name!r} is bound to {unknown('stage', view, list(models))}")
            found[name] = models[view].reference()
        elif hasattr(view, "bind"):
            every = (row for some in rows for row in some)
            found[name] = view.bind(name, policy, encoder, every, lambda spec, name=name: frozen(name, spec, seed))
        else:
            found[name] = frozen(name, view, seed)
            require_like(name, found[name], policy)
    return found


def frozen(name: str, specification: Any, seed: int) -> Any:
    """The running model, which nothing trains.

    Raises:
        InputError: it cannot be loaded; the sentence names the view.
    """
    takes = {"seed": derive(seed, "views", name)} if "seed" in inspect.signature(specification.build).parameters else {}
    try:
        model = specification.build(**takes)
    except InputError as error:
        raise InputError(f"views.{name}.{str(error).removeprefix('model.')}") from error
    model.module.requires_grad_(False)
    if hasattr(model, "settle"):
        model.settle()
    return model


def require_like(name: str, model: Any, policy: Any) -> None:
    """Refuse a model that has another vocabulary than the policy. Where only its head is wider, as in larger models of a family, whose vocabularies are filled up to
    other sizes, what no token stands for is taken off.

    Raises:
        InputError: it splits text into other tokens, or its head is narrower.
    """
    mine, theirs = getattr(policy, "tokenizer", None), getattr(model, "tokenizer", None)
    if mine is None or theirs is None:
        if (mine is None) != (theirs is None):
            raise InputError(
                f"views.{name}: a {type(model).__name__} cannot be asked of the steps of a {type(policy).__name__}; give a model of its kind"
            )
        return
    own, other = mine.get_vocab(), theirs.get_vocab()
    if own != other:
        apart = [token for token in sorted({*own, *other}, key=lambda t: (own.get(t, -1), t)) if own.get(token) != other.get(token)]
        raise InputError(
            f"views.{name}: its vocabulary is not the policy's ({len(other)} tokens and {len(own)}; {len(apart)} differ, such as "
            f"{', '.join(map(repr, apart[:SHOWN]))}), and the two are compared token by token; give a model with the policy's tokenizer, "
            "or {part: other_tokenizer, teacher: ...}, of which sorted_gap can be asked"
        )
    width, wanted = (one.module.get_output_embeddings().weight.shape[0] for one in (model, policy))
    if width < wanted:
        raise InputError(
            f"views.{name}: its head chooses among {width} tokens and the policy's among {wanted}, though the tokenizers are the same; give a model whose head is as wide"
        )
    if width > wanted:
        model.module.resize_token_embeddings(wanted)
