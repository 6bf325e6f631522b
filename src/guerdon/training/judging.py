"""Judging: how rows become contexts to act in, and what was done becomes reward components.

Text goes through an encoder and reward functions; a finite world reads its own table. The loops know neither.
"""

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.adapters import adapt
from guerdon.feedback.arriving import Arriving
from guerdon.feedback.recasting import Recasting
from guerdon.feedback.running import RewardRunner, Scored
from guerdon.feedback.text import final_text, opened_thinking
from guerdon.models import Finished
from guerdon.sequences import Sequences, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.tasks.recasting import recast_sequences, recast_tokens
from guerdon.tasks.rows import LazyRows, at_row
from guerdon.tasks.sampled import spoken

Row = Mapping[str, Any]
_PEEKED = 256  # rows of a task that makes its rows as they are asked for


@dataclass(frozen=True)
class Judged:
    """What judging says of B sequences: components and validity, and how each is shown to a reader. ``attempts``: by component, [B, A], what it said of each answer that a
    sequence holds, where the policy may answer again; NaN where none was given. ``figures``: what else is logged of each, [B] by the name; NaN where it does not apply."""

    scored: Scored
    prompts: list[Any]
    completions: list[Any]
    attempts: dict[str, Tensor] = field(default_factory=dict)
    figures: dict[str, Tensor] = field(default_factory=dict)


class Begun(Protocol):
    """Judging of rollouts that are still being drawn: ``finished`` is what the sampler tells."""

    finished: Finished

    @property
    def seconds(self) -> float:
        """For how long rewards have been running so far."""
        ...


class Scene(Protocol):
    """Where the policy acts and is judged. ``seed``: of whatever is random in the verdict. ``truncated``: contexts that had to be cut so far.

    A scene whose verdicts can begin before all rollouts are drawn has ``begin(rows, seed) -> Begun | None`` as well, and its ``judge`` another
    argument, ``begun``. One whose verdicts depend on those before has ``state() -> dict`` and ``restore(state)``. One in which answers are compared and not
    scored has ``odds(first, second) -> [N]``, the log-odds that the one is preferred; one that knows the policy's worth exactly has ``exact(policy) -> metrics``.
    One whose rows may hold answers has ``given(rows, columns)``: of every row, its answers by column. One whose verdicts take time says whether they need no more than the
    answers to one prompt, ``by_prompt``; its ``judge`` can be told not to count failures (``watching=False``), which ``watch`` then does. One that can show the
    policy its rollouts as something else (``feedback.recasting``) has ``recast(recasting, rollouts, judged, rows)``. One in which the policy can answer again has
    ``told(row, said, text)``, the tokens by which it is told a text behind what it said, and ``transcript(row, pieces)``, how tokens that it said and texts that it was told
    in turn are shown to a reader. One in which the policy acts in environments has ``episodes`` (``training.episodes``), and no other way to act in it. One in which beginnings
    of answers can be judged has ``worth(reward, sequences, rows)`` [B], by one reward alone; NaN where it has none.
    """

    truncated: int

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]: ...

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged: ...

    def close(self) -> None: ...


class TextScene:
    """Prompts and completions are text; every column of a row is passed to the rewards."""

    def __init__(self, encoder: Encoder, rewards: RewardRunner):
        self.encoder, self.rewards = encoder, rewards
        self._openings: dict[str, str | None] = {}  # by what rows tell the template
        self._beginnings: list[tuple[Any, RewardRunner]] = []  # who judges them, by the reward
        self._columns: set[str] = set()  # of some row or other

    def knows(self, rows: Sequence[Row]) -> None:
        """Columns that some rows have: rewards that read one of them are told None in the others, also where a batch has none that has it."""
        size = min(len(rows), _PEEKED) if isinstance(rows, LazyRows) else len(rows)
        self._columns |= {name for i in range(size) for name in rows[i]} - {"prompt", "completion"}

    @property
    def truncated(self) -> int:
        return self.encoder.truncated["prompt"]

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]:
        """The prompts' tokens.

        Raises:
            InputError: a row has no prompt, or one that does not fit; the sentence names the row.
        """
        out = []
        for i, row in enumerate(rows):
            with at_row(i, "the task"):
                if "prompt" not in row:
                    raise InputError(f"has no column 'prompt' (columns: {', '.join(row)})")
                out.append(torch.tensor(self.encoder.encode_prompt(row["prompt"], **template_variables(row))))
        return out

    def given(self, rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, Side]]:
        """The completions in these columns, encoded as those of data are.

        Raises:
            InputError: a row lacks one of them.
        """
        out = []
        for i, row in enumerate(rows):
            with at_row(i, "the task"):
                answers = [spoken({**row, column: _there(row, column)}, column) for column in columns]
                sides = self.encoder.encode_sides(row["prompt"], *answers, **template_variables(row))
            out.append(dict(zip(columns, sides, strict=True)))
        return out

    def told(self, row: Row, said: Sequence[int], text: str) -> Tensor:
        """The tokens that follow what was ``said`` in answer to a row and let the policy answer a text."""
        return torch.tensor(self.encoder.encode_reply(row["prompt"], said, text, **template_variables(row)), dtype=torch.long)

    def transcript(self, row: Row, pieces: Sequence[Sequence[int] | str]) -> Any:
        """What was said (tokens) and told (texts) in turn, in the prompt's own form."""
        shown = [piece if isinstance(piece, str) else self.completion(row, piece) for piece in pieces]
        if isinstance(row["prompt"], str):
            return "".join(shown)
        return [message for piece in shown for message in ([{"role": "user", "content": piece}] if isinstance(piece, str) else piece)]

    @property
    def by_prompt(self) -> bool:
        """Whether no reward reads more than the completions of one prompt."""
        return not self.rewards.reads_batch

    def watch(self, judged: Judged) -> None:
        """Count the verdicts that failed, of all processes together.

        Raises:
            RunFailed: they were too many.
        """
        self.rewards.watch(judged.scored)

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int, begun: "BegunText | None" = None, watching: bool = True) -> Judged:
        """Decode every completion and run every reward on it, but for what was ``begun``.

        Raises:
            InputError: the sampler returned other sequences than those that it said had ended.
        """
        prompts, columns = known_columns(rows, rollouts.context, self._columns)
        ids = [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())]
        there = begun.completions if begun is not None else {}
        if any(b >= len(ids) or ids[b] != tokens for b, (tokens, _) in there.items()):
            raise InputError("the sampler returned other sequences than those it had said were finished; it should not ask for finished")
        answered = [rows[i] for i in rollouts.context.tolist()]
        completions = [
            there[b][1] if b in there else self.completion(row, tokens) for b, (row, tokens) in enumerate(zip(answered, ids, strict=True))
        ]
        arriving = begun.arriving if begun is not None else None
        scored = self.rewards.score(prompts, completions, columns | {"completion_ids": ids}, arriving, watching)
        return Judged(scored, prompts, completions)

    def worth(self, reward: Any, sequences: Sequences, rows: Sequence[Row]) -> Tensor:
        """What ``reward`` says of sequences that may not have ended, as texts."""
        runner = next((runner for known, runner in self._beginnings if known == reward), None)
        if runner is None:
            runner = RewardRunner({"beginning": reward})
            self._beginnings.append((reward, runner))
        prompts, columns = known_columns(rows, sequences.context, self._columns)
        ids = [sequences.actions[b, :n].tolist() for b, n in enumerate(sequences.length.tolist())]
        said = [self.completion(rows[i], tokens) for i, tokens in zip(sequences.context.tolist(), ids, strict=True)]
        scored = runner.score(prompts, said, columns | {"completion_ids": ids})
        return torch.where(scored.invalid, torch.nan, scored.components["beginning"])

    def recast(self, recasting: Recasting, rollouts: Sequences, judged: Judged, rows: Sequence[Row]) -> Sequences:
        """What of each rollout is measured, as a sequence; its mask is false where nothing is."""
        ids = [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())]
        pieces = []
        for b, place in enumerate(rollouts.context.tolist()):
            row, prompt, said = rows[place], judged.prompts[b], judged.completions[b]
            pieces.append(recast_tokens(self.encoder, recasting(prompt, said, row), prompt, said, ids[b], row))
        return recast_sequences(rollouts, pieces)

    def completion(self, row: Row, tokens: Sequence[int]) -> Any:
        """What was sampled in answer to a row. A message that begins within a thinking block says so: ``opened`` is the delimiter that its template
        wrote before it, without which nobody could tell unfinished thoughts from an answer."""
        said = self.encoder.completion(row["prompt"], tokens)
        opened = None if isinstance(said, str) else self._opening(row)
        return said if opened is None else [{**said[0], "opened": opened}]

    def _opening(self, row: Row) -> str | None:
        """The delimiter of the thinking block that the template opens before the model speaks; the same for rows that tell it the same."""
        tokenizer, messages = self.encoder.tokenizer, row["prompt"]
        if "think" not in str(getattr(tokenizer, "chat_template", "")).lower():
            return None
        if messages and messages[-1].get("role") == "assistant":  # it is continued
            return opened_thinking(final_text(messages[-1:]))
        told = template_variables(row)
        if repr(told) not in self._openings:
            self._openings[repr(told)] = opened_thinking(
                tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **told)
            )
        return self._openings[repr(told)]

    def begin(self, rows: Sequence[Row], seed: int) -> "BegunText | None":
        """Judging that starts while rollouts are drawn; None where no reward can start before all are."""
        return BegunText(self, rows) if self.rewards.early else None

    def state(self) -> dict[str, Any]:
        """Which of the last samples failed."""
        return self.rewards.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.rewards.restore(state)

    def close(self) -> None:
        self.rewards.close()
        for _, runner in self._beginnings:
            runner.close()


class BegunText:
    """The judging of one batch of completions of ``rows``, before all are there."""

    def __init__(self, scene: TextScene, rows: Sequence[Row]):
        self.scene, self.rows = scene, rows
        self.completions: dict[int, tuple[list[int], Any]] = {}  # tokens and completion, by their row of the rollouts
        self.arriving: Arriving | None = None
        self.ids: list[list[int]] = []

    @property
    def seconds(self) -> float:
        """For how long rewards have been running so far."""
        return self.arriving.seconds if self.arriving is not None else 0.0

    def finished(self, rollouts: Sequences, which: Tensor) -> None:
        """Rows of the rollouts have ended: decode them, and start those rewards that need no more."""
        if self.arriving is None:
            prompts, columns = known_columns(self.rows, rollouts.context, self.scene._columns)
            self.ids = [[] for _ in prompts]
            self.arriving = self.scene.rewards.begin(prompts, columns | {"completion_ids": self.ids})
        there = which.tolist()
        for b in there:
            self.ids[b] = rollouts.actions[b, : int(rollouts.length[b])].tolist()
            self.completions[b] = self.ids[b], self.scene.completion(self.rows[int(rollouts.context[b])], self.ids[b])
        self.arriving.add(there, [self.completions[b][1] for b in there])


def known_columns(rows: Sequence[Row], context: Tensor, columns: Set[str] = frozenset()) -> tuple[list[Any], dict[str, list[Any]]]:
    """Prompts and columns of ``rows``, one for each completion. The column ``group``, where the data have none, says which row is answered: two rows may have
    the same prompt, and answers to the one are not compared with those to the other."""
    answered = [rows[i] for i in context.tolist()]
    names = {name for row in answered for name in row} - {"prompt", "completion"} | columns
    own = {} if "group" in names else {"group": context.tolist()}
    return [row["prompt"] for row in answered], {name: [row.get(name) for row in answered] for name in sorted(names)} | own


def _there(row: Row, column: str) -> Any:
    """What a row holds in a column that a sampler names."""
    if row.get(column) is None:
        raise InputError(f"has no answer in the column {column!r} (columns: {', '.join(row)}), which the sampler puts beside the policy's")
    return row[column]


class FiniteScene:
    """A finite world: a row's prompt is a context's index, and the world knows the reward of every sequence. ``rewards`` beside it, by name, are called with the prompts'
    indices and the lists of actions."""

    truncated = 0

    def __init__(self, world: Any, rewards: Mapping[str, Any] | None = None):
        self.world = world
        self.rewards = {name: adapt(reward, name) for name, reward in (rewards or {}).items()}

    @property
    def odds(self) -> Callable[[Sequences, Sequences], Tensor] | None:
        """In a game the log-odds that the one is preferred to the other; None where answers have rewards of their own."""
        prefer = getattr(self.world, "prefer", None)
        return None if prefer is None else lambda first, second: torch.logit(prefer(first, second), eps=1e-12)  # certain: plus or minus 28

    def exact(self, policy: Any) -> dict[str, float]:
        """What the world knows of a policy whose answers it can enumerate."""
        return self.world.exact(policy) if hasattr(policy, "probabilities") and hasattr(self.world, "exact") else {}

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]:
        return [torch.tensor([int(row["prompt"])]) for row in rows]

    def given(self, rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, Side]]:
        """The answers in these columns, lists of actions.

        Raises:
            InputError: a row lacks one of them.
        """
        out = []
        for i, row in enumerate(rows):
            with at_row(i, "the task"):
                said = {column: tuple(_there(row, column)) for column in columns}
            out.append({column: Side((int(row["prompt"]),), actions, (True,) * len(actions)) for column, actions in said.items()})
        return out

    def told(self, row: Row, said: Sequence[int], text: str) -> Tensor:
        """A text as the actions whose numbers it holds.

        Raises:
            InputError: it holds something else.
        """
        try:
            return torch.tensor([int(word) for word in text.split()], dtype=torch.long)
        except ValueError as error:
            raise InputError(
                f"sampler.reply: {text!r} is no list of actions, which a finite world is told; write numbers with spaces between them"
            ) from error

    def transcript(self, row: Row, pieces: Sequence[Sequence[int] | str]) -> list[int]:
        """All of it as actions."""
        return [int(action) for piece in pieces for action in (piece.split() if isinstance(piece, str) else piece)]

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged:
        reward = self.world.reward_of(rollouts, seed)
        none = torch.zeros(len(rollouts), dtype=torch.bool)
        prompts = [rows[i]["prompt"] for i in rollouts.context.tolist()]
        completions = [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())]
        components = {"world": reward}
        if self.rewards:
            columns = known_columns(rows, rollouts.context)[1]
            for name, function in self.rewards.items():
                found = function(prompts, completions, **columns)
                components[name] = torch.tensor([math.nan if value is None else value for value in found], dtype=torch.float64)
        return Judged(Scored(components, none, [None] * len(rollouts)), prompts, completions)

    def worth(self, reward: Any, sequences: Sequences, rows: Sequence[Row]) -> Tensor:
        """What ``reward`` says of sequences that may not have ended, as lists of actions."""
        prompts = [rows[i]["prompt"] for i in sequences.context.tolist()]
        said = [sequences.actions[b, :n].tolist() for b, n in enumerate(sequences.length.tolist())]
        found = adapt(reward, "sampler.reward")(prompts, said, **known_columns(rows, sequences.context)[1])
        return torch.tensor([math.nan if value is None else value for value in found], dtype=torch.float64)

    def recast(self, recasting: Recasting, rollouts: Sequences, judged: Judged, rows: Sequence[Row]) -> Sequences:
        """What of each rollout is measured, in answer to a context: all actions of a finite world lie in one sequence, so that those before are actions too, which the mask
        leaves out."""
        pieces, given = [], []
        for b, place in enumerate(rollouts.context.tolist()):
            recast = recasting(judged.prompts[b], judged.completions[b], rows[place])
            pieces.append(None if recast is None else ((int(recast.prompt),), [*recast.begun, *recast.measured]))
            given.append(0 if recast is None else len(recast.begun))
        out = recast_sequences(rollouts, pieces)
        return replace(out, mask=out.mask & (torch.arange(out.mask.shape[1]) >= torch.tensor(given).unsqueeze(-1)))

    def close(self) -> None:
        pass
