"""How ``guerdon sample`` finds completions: a sampler as in a configuration, and what it needs of what a command has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from guerdon.acting.samplers import Sampler
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.configuration._build import build
from guerdon.interfaces.configuration._yaml import parse
from guerdon.models import Policy
from guerdon.parts import needs
from guerdon.sequences import Decoding, Sequences
from guerdon.tasks.encoding import Encoder
from guerdon.training.judging import TextScene

PLACE = "--sampler"


def sampler_of(written: str | None, number: int | None) -> Sampler:
    """What is written, or in the file that is named; ``number`` of answers where it is given.

    Raises:
        InputError: it is no sampler, or one that needs what only a run has.
    """
    if written is None:
        return Group(1 if number is None else number)
    text = Path(written).read_text() if written.endswith((".yaml", ".yml")) and Path(written).is_file() else written
    sampler = build(Sampler, parse(text, PLACE), PLACE)
    if number is not None and not hasattr(sampler, "num_generations"):
        raise InputError(f"-n: {type(sampler).__name__} gives out one answer to each prompt; leave -n out")
    if missing := sorted(needs(sampler) - {"policy", "contexts", "decoding", "seed", "score_prefix"}):
        raise InputError(
            f"{PLACE}: {type(sampler).__name__} needs {', '.join(missing)}, which only a run has; put it into recipe.sampler of one"
        )
    if "score_prefix" in needs(sampler) and sampler.reward is None:
        raise InputError(
            f"{PLACE}: {type(sampler).__name__} has nothing that judges beginnings; give it a reward, such as "
            "{part: step_scorer, scorer: {part: step_scorer, source: FOLDER}}"
        )
    return sampler if number is None else replace(sampler, num_generations=number)


def found(
    sampler: Sampler, policy: Policy, encoder: Encoder, rows: Sequence[Mapping[str, Any]], decoding: Decoding, seed: int
) -> Sequences:
    """The sampler's answers to the rows."""
    scene = TextScene(encoder, RewardRunner({}))
    told = {"score_prefix": lambda beginnings: scene.worth(sampler.reward, beginnings, rows)} if "score_prefix" in needs(sampler) else {}
    try:
        return sampler(policy, scene.contexts(rows), decoding, seed, **told)
    finally:
        scene.close()
