"""Check: everything that can be known about a run before it is started.

A file of this folder is one question; it returns what it found as plain data, and says what is doubtful as a warning.

    tokens        what the model will see, and what of it is trained
    rewards       what the gold answers get, and what a sampled completion gets, component by component
    difficulty    how often the model is right, which groups would teach nothing, and what follows from it (``teaching``, ``proposing``, ``sets``)
    agreement     do the sampler, the learner and the plainest computation give the same log-probabilities?
    ways          in which format and by which ways the model computes here
    cost          memory and time
    fitting       what would take less memory
    judge         how good the judges are that a reward or a comparison asks, on labelled rows
    lengths       how many rows do not fit
    doubts        a folder: what makes one look twice, an idea a file
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.interfaces.configuration import Configuration
from guerdon.parts import needs
from guerdon.quantities import Name
from guerdon.training.display import Display, Silent


@dataclass
class Findings:
    """What was found out about one loop.

    Attributes:
        found: by question.
        warnings: what is doubtful, a sentence each.
    """

    name: str
    loop: str
    found: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def check(
    configuration: Configuration, rows: int = 3, asked: Any = None, display: Display = Silent(), labelled: Any = None
) -> list[Findings]:
    """Look at every loop of a configuration.

    Args:
        rows: how many rows are shown.
        asked: how much is drawn to see how hard the task is (``difficulty.Asked``); None: what a few seconds allow.
        display: where it is said how far the drawing is.
        labelled: the file of labelled rows on which judges are measured; None: they are not.

    Raises:
        InputError: a setting that cannot work.
    """
    from guerdon.interfaces.preparing import offering_to_drop

    with offering_to_drop(*(configuration.stages.values() or [configuration])):
        measured = {} if labelled is None else {name: _judged(settings, labelled) for name, settings in _settings_of(configuration)}
        found = _all(configuration, rows, asked, display)
    for one in found:
        one.found["judges"], warnings = measured.get(one.name, ({}, []))
        one.warnings += warnings
    return found


def _settings_of(configuration: Configuration) -> list[tuple[str, Any]]:
    return list(configuration.stages.items()) or [("", configuration)]


def _judged(settings: Any, labelled: Any) -> tuple[dict[str, Any], list[str]]:
    """What is found out of each judge, and what is doubtful; before anything is loaded that takes long."""
    from guerdon.interfaces.check import judge

    warnings: list[str] = []
    rows, parts = judge.labelled(labelled), judge.judges(settings)
    if not parts:
        raise InputError("--labelled: there is no judge to measure: no reward asks a model that writes, and recipe.judge does not")
    return {place: judge.look(part, rows, judge.planned(settings, part), warnings, place) for place, part in parts.items()}, warnings


def _all(configuration: Configuration, rows: int, asked: Any, display: Display) -> list[Findings]:
    if not configuration.stages:
        return [_one(configuration, loop_of(configuration), "", None, configuration.budget.seed, rows, asked, display)]
    seed = configuration.budget.seed
    return [
        _one(stage, stage.loop, name, stage.model or configuration.model, seed, rows, asked, display)
        for name, stage in configuration.stages.items()
    ]


def loop_of(configuration: Configuration) -> str:
    """The loop that a recipe is for: one that reads an advantage or the policy that acted is for ``improve``."""
    if configuration.recipe is None:
        raise InputError("recipe: it is missing; name a method (sft, dpo, grpo ...)")
    names = [Name.parse(name) for term in configuration.recipe.terms for name in needs(term.loss)]
    acts = any(name.quantity == "advantage" or name.view == "old" for name in names)
    acts |= configuration.recipe.sampler != Group()  # that of all who do not say how is acted
    return "improve" if acts or configuration.recipe.advantage is not None or configuration.recipe.selection else "fit"


def _one(settings: Any, loop: str, name: str, spec: Any, seed: int, rows: int, asked: Any, display: Display) -> Findings:
    from guerdon.interfaces.check import agreement, cost, difficulty, doubts, episodes, lengths, rewards, tokens, ways
    from guerdon.interfaces.check.looking import look_at
    from guerdon.interfaces.preparing import prepare

    prepared = prepare(settings, loop, f"stages.{name}" if name else "", spec, seed)
    findings, looked = Findings(name, loop, warnings=list(prepared.notes)), None
    if prepared.placed:
        findings.found["placement"] = prepared.placed
    if hasattr(prepared.task, "reward_of"):
        findings.warnings.append("the task is a finite world: there are no tokens and no reward functions to look at")
    elif hasattr(prepared.task.stands_for, "environment"):
        findings.found["episodes"] = episodes.look(prepared, findings.warnings)
    else:
        looked = look_at(prepared)
        findings.found["lengths"] = lengths.look(prepared, looked, findings.warnings)
        findings.found["tokens"] = tokens.look(prepared, rows)
        findings.found["doubts"] = [
            {"said": doubt.said, "row": doubt.row, "sides": {} if doubt.row is None else tokens.of_row(prepared, doubt.row)}
            for doubt in doubts.all_of(prepared, looked)
        ]
        findings.warnings += [doubt["said"] for doubt in findings.found["doubts"]]
        if loop == "improve":
            findings.found["rewards"] = rewards.look(prepared, findings.warnings)
            if start := getattr(settings, "start", None):
                findings.found["not_yet"] = str(start)
            elif settings.recipe.reads_reward:
                findings.found["difficulty"] = difficulty.look(prepared, asked or difficulty.Asked(), findings.warnings, display)
            findings.found["agreement"] = agreement.look(prepared, findings.warnings)
    findings.found["ways"] = ways.look(prepared, findings.warnings)
    findings.found["cost"] = cost.look(prepared, findings.warnings, looked)
    return findings


def as_data(findings: list[Findings]) -> list[dict[str, Any]]:
    """What was found, for a program to read."""
    return [dataclasses.asdict(one) for one in findings]
