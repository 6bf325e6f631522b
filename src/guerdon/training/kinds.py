"""Kinds of rows: what a recipe reads, what the rows are, and how the one becomes the other."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from guerdon.data.converting import way
from guerdon.errors import InputError
from guerdon.quantities import SIDES, Name
from guerdon.sequences import Example


@dataclass(frozen=True)
class Kind:
    """``shape``: its name among conversions; ``columns``: what such rows have; ``recipe``: one of those that read them."""

    shape: str
    said: str
    columns: str
    recipe: str


PAIRS = Kind("pairs", "pairs", "{prompt, chosen, rejected}", "dpo")
UNPAIRED = Kind("unpaired", "answers with a verdict", "{prompt, completion, label}", "kto")
STEPWISE = Kind("stepwise", "answers in steps", "{prompt, completions, labels}", "process_reward_model")
RANKING = Kind("ranking", "ranked answers", "{prompt, completions, scores}", "pro")
ANSWERS = Kind("prompt_completion", "answers", "{prompt, completion} or {messages}", "sft")


def read_by(names: Collection[Name]) -> Kind:
    """The kind of rows that losses read which ask for these names."""
    asked = {name.quantity for name in names}
    if any(name.side in SIDES for name in names):
        return PAIRS
    if "label" in asked:
        return UNPAIRED
    if "step_label" in asked:
        return STEPWISE
    return RANKING if "reward" in asked else ANSWERS


def kind_of(example: Example) -> Kind | None:
    """The kind of row that an example was made of; None: a prompt, of which nothing is learned."""
    if "chosen" in example.sides:
        return PAIRS
    side = example.sides[""]
    if isinstance(side, tuple):
        return RANKING
    if not len(side.actions):
        return None
    if "step_label" in side.steps:
        return STEPWISE
    return UNPAIRED if "label" in example.columns else ANSWERS


def refuse_kind(names: Iterable[Name], example: Example) -> None:
    """Refuse rows of another kind than a recipe reads, with the command that converts them or a recipe that reads them.

    Raises:
        InputError: they are of another kind.
    """
    wanted, found = read_by(list(names)), kind_of(example)
    if found is None:
        raise InputError(
            f"the recipe learns from {wanted.said} {wanted.columns} and the rows are prompts without answers; add the answers, or have the model answer and be "
            "rewarded: guerdon train with a recipe such as grpo"
        )
    if found in (wanted, UNPAIRED if wanted is ANSWERS else wanted):
        return
    try:
        way(found.shape, wanted.shape)
    except InputError:
        how = f"give {wanted.said}"
    else:
        how = f"convert them (guerdon convert ROWS OUT --to {wanted.shape}, or task.convert={wanted.shape})"
    raise InputError(
        f"the recipe learns from {wanted.said} {wanted.columns} and the rows are {found.said} {found.columns}; {how}, or take a recipe for "
        f"{found.said}, such as {found.recipe}"
    )
