"""Step outcomes: solutions in steps → what continuations from after each step come to: process labels by Monte Carlo, of a real model.

    rows {prompt, completions: [step ...], ...}  →  the same rows with outcomes: [[reward of each of ``tries`` continuations] of each step]

    policy = LanguageModel("runs/sft/model").build()
    rows = step_outcomes(policy, rows, {"right": NumberMatch()}, tries=8, path="outcomes.jsonl")
    labels = labelled(rows, AnySuccess())                    # data.step_labels: rates, hard, soft value, gain

A continuation is drawn from the policy behind the prompt and the steps so far, and judged as one whole answer, with all columns of its row. After the last step, and after one
whose answer is already complete for the policy (nothing more is drawn), the outcome is that of what stands there. A policy that is not the one whose steps these are is a prover.

What is done is written to ``path`` row by row; called again with the same rows and arguments, it goes on there. The draws of a row depend on the seed and the row's place, and
not on what was done before, so that a run that was stopped ends with the same file.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner
from guerdon.models import Policy
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.training.jobs import encoder_for

_OWN = ("prompt", "completion", "completions", "outcomes")  # of a row, what is no column that a reward is told


def step_outcomes(
    policy: Policy,
    rows: Sequence[Mapping[str, Any]],
    rewards: Mapping[str, Any],
    tries: int = 8,
    decoding: Decoding = Decoding(),
    seed: int = 0,
    separator: str = "\n",
    path: str | Path | None = None,
    running: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[dict[str, Any]]:
    """The rows with their ``outcomes``.

    Args:
        rewards: one reward function by its name, which judges whole answers.
        decoding: ``max_completion_length`` bounds a continuation.
        separator: what stands after each step.
        path: a file of lines that is gone on with; None: nothing is kept.
        running: how rewards are run, the arguments of ``guerdon.feedback.running.RewardRunner``.
        progress: is told how many rows are done, of how many.

    Raises:
        InputError: a row has no steps, the file was made of other rows or arguments, or a continuation could not be judged.
    """
    if tries < 1 or len(rewards) != 1:
        raise InputError(f"step_outcomes draws 1 continuation or more and judges them by one reward, not {tries} and {len(rewards)}")
    encoder = encoder_for(policy)
    key = _key(rows, rewards, tries, decoding, seed, separator)
    done = _read(path, key)
    out = [{**row, "outcomes": outcomes} for row, outcomes in zip(rows, done, strict=False)]
    with RewardRunner(rewards, **(running or {})) as runner:
        _readable(runner, rows)
        for i in range(len(out), len(rows)):
            outcomes = _of(policy, encoder, runner, rows[i], i, tries, decoding, derive(seed, "step outcomes", i), separator)
            out.append({**rows[i], "outcomes": outcomes})
            if path is not None:
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "row": i, "outcomes": outcomes}) + "\n")
            progress(len(out), len(rows))
    return out


def _readable(runner: RewardRunner, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a reward that reads what the rows do not have, before anything is drawn."""
    columns = dict.fromkeys(name for row in rows for name in row if name not in _OWN)
    for name, lacking in runner.missing(list(columns)).items():
        there = ", ".join(sorted(columns)) or "none"
        raise InputError(
            f"the reward {name} reads the column {lacking[0]!r}, which the rows do not have; rename the one that holds it (there are: {there})"
        )


def _of(
    policy: Policy,
    encoder: Encoder,
    runner: RewardRunner,
    row: Mapping[str, Any],
    place: int,
    tries: int,
    decoding: Decoding,
    seed: int,
    separator: str,
) -> list[list[float]]:
    steps = row.get("completions")
    if not steps or not all(isinstance(step, str) and step for step in steps):
        raise InputError(f"row {place + 1} must have in 'completions' the steps of an answer, texts that are not empty")
    texts = [step + separator for step in steps]
    side = encoder.encode_steps(row["prompt"], texts, [0.0] * len(texts), **template_variables(row))
    ends = [t + 1 for t, ended in enumerate(side.mask) if ended]
    contexts = [torch.tensor([*side.context, *side.actions[:end]]) for end in ends[:-1]]
    room = policy.context_length - max((len(c) for c in contexts), default=0)
    if contexts and room < 1:
        raise InputError(f"row {place + 1} is as long as the model's context, {policy.context_length} tokens; leave it out, or cut it")
    answers = []
    if contexts:
        drawn = Group(tries)(policy, contexts, replace(decoding, max_completion_length=min(decoding.max_completion_length, room)), seed)
        for b, k in enumerate(drawn.context.tolist()):
            answers.append("".join(texts[: k + 1]) + encoder.decode(drawn.actions[b, : int(drawn.length[b])].tolist()))
    answers.append(separator.join(steps))
    shaped = answers if isinstance(row["prompt"], str) else [[{"role": "assistant", "content": answer}] for answer in answers]
    columns = {name: [value] * len(answers) for name, value in row.items() if name not in _OWN}
    scored = runner.score([row["prompt"]] * len(answers), shaped, columns)
    found = next(iter(scored.components.values())).tolist()
    failed = next((error for error, wrong in zip(scored.errors, scored.invalid.tolist(), strict=True) if wrong), None)
    if failed is not None:
        raise InputError(
            f"row {place + 1}: a continuation could not be judged: {failed}; leave the row out, or give a reward that can judge what it holds"
        )
    return [*(found[k * tries : (k + 1) * tries] for k in range(len(ends) - 1)), found[-1:]]


def _key(rows: Sequence[Mapping[str, Any]], rewards: Mapping[str, Any], *arguments: Any) -> str:
    told = json.dumps([[dict(row) for row in rows], sorted(rewards), [repr(a) for a in arguments]], sort_keys=True, default=repr)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _read(path: str | Path | None, key: str) -> list[list[list[float]]]:
    """What an earlier call has written, up to a line that a stop left half written, which is taken away."""
    if path is None or not Path(path).exists():
        return []
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    whole, half = lines[:-1], lines[-1]
    if half:
        Path(path).write_text("".join(line + "\n" for line in whole), encoding="utf-8")
    found = [json.loads(line) for line in whole]
    if any(line.get("key") != key or line.get("row") != i for i, line in enumerate(found)):
        raise InputError(f"{path} holds outcomes of other rows, or of other arguments; give another path, or remove it")
    return [line["outcomes"] for line in found]
