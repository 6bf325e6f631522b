"""Episodes: the scene in which a policy acts in environments, and the acting itself.

    rows → environments → what each says first → contexts          (``EpisodeScene``)
    a turn → calls, if there are tools → the environment's step → tokens that the policy is told          (``Interacting``)

What an environment earns a sequence is the component ``environment``, the sum over its turns; reward functions see the whole episode as the completion, and the columns of its
row. An environment that raises, hangs or answers with what is no answer makes its own sequence invalid: it is counted, and left out of what is learned from.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.overflow import Overflow
from guerdon.acting.samplers import Answer
from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner, Scored
from guerdon.processes import Processes
from guerdon.sequences import Sequences
from guerdon.tasks import playing
from guerdon.tasks.call_format import call_format
from guerdon.tasks.calls import CallFormat
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.environments import Environment, Row, Said, Told
from guerdon.tasks.environments._running import Broken, all_of, as_told
from guerdon.tasks.episodes import Episodes, seed_of
from guerdon.tasks.messages import Message, is_conversational, template_variables
from guerdon.tasks.spelled import typed
from guerdon.training.judging import Judged, TextScene, known_columns

COMPONENT = "environment"
_TRIES = 3  # at beginning an episode, of which the context is needed before anything can be left out


class EpisodeScene(TextScene):
    """Prompts are what environments say first. Several sequences act at once, each in an environment of its own; those that are free are used again."""

    def __init__(self, encoder: Encoder, rewards: RewardRunner, episodes: Episodes):
        super().__init__(encoder, rewards)
        self.episodes = episodes
        self._idle: list[Environment] = []
        self._opened: dict[int, tuple[Row, Row]] = {}  # by the row's identity: the row, and what it became

    # What an episode begins with

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]:
        return super().contexts(self.opened(rows))

    def opened(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with the prompts that their environments begin with, and the tools that there are.

        Raises:
            InputError: an environment does not begin.
        """
        missing = [row for row in rows if self._opened.get(id(row), (None,))[0] is not row]
        if missing:
            kept = {id(row): self._opened[id(row)] for row in rows if id(row) in self._opened}
            begun = self.begun(missing)
            for _ in range(_TRIES - 1):
                again = [i for i, one in enumerate(begun) if isinstance(one, Broken)]
                for i, one in zip(again, self.begun([missing[i] for i in again]), strict=True):
                    begun[i] = one
            for i, (row, one) in enumerate(zip(missing, begun, strict=True)):
                if isinstance(one, Broken):
                    raise InputError(f"row {i + 1} of the batch: the environment does not begin ({one}); mend it, or leave the row out")
                environment, opening = one
                kept[id(row)] = row, self.with_opening(row, environment, opening)
                self.free(environment)
            self._opened = kept
        return [self._opened[id(row)][1] for row in rows]

    def begun(self, rows: Sequence[Row]) -> list[tuple[Environment, Any] | Broken]:
        """An environment for each row, which has begun, with what it said; or why it has not."""
        taken = [self._idle.pop() if self._idle else self.episodes.environment.build() for _ in rows]
        openings = all_of(
            [partial(one.reset, row, seed_of(row)) for one, row in zip(taken, rows, strict=True)], self.episodes.deadline, "reset"
        )
        return [said if isinstance(said, Broken) else (one, said) for one, said in zip(taken, openings, strict=True)]

    def free(self, environment: Environment) -> None:
        """It can be used for another episode."""
        self._idle.append(environment)

    def with_opening(self, row: Row, environment: Environment, opening: Any) -> Row:
        prompt = row.get("prompt")
        if opening is not None and not isinstance(opening, str) and not is_conversational(opening):
            raise InputError(
                f"reset returned {str(opening)[:60]!r}; an environment says a text or messages first, or None where the prompt says it all"
            )
        if opening is not None:
            chat = bool(getattr(self.encoder.tokenizer, "chat_template", None))
            if prompt is None:
                prompt = [{"role": "user", "content": opening}] if isinstance(opening, str) and chat else opening
            elif isinstance(prompt, str) and isinstance(opening, str):
                prompt = prompt + opening
            else:
                prompt = playing.begun(prompt, opening)
        if prompt is None:
            raise InputError("the environment says nothing first and its row has no prompt; let reset return what the policy is told")
        tools = getattr(environment, "tools", None)
        if not tools:
            return {**row, "prompt": prompt}
        by_template = type(self.calls) is type(self._of_template) and not isinstance(
            prompt, str
        )  # who writes otherwise is told of its tools in the prompt
        return {**row, "prompt": prompt, **({"tools": tools} if by_template else {})}

    @cached_property
    def _of_template(self) -> CallFormat | None:
        """The format in which the chat template writes calls of tools."""
        return call_format(self.encoder.tokenizer)

    @cached_property
    def calls(self) -> CallFormat:
        """How the model writes its calls of tools.

        Raises:
            InputError: nothing says so.
        """
        found = self.episodes.calls or self._of_template
        if found is None:
            raise InputError(
                "task.calls: the environment has tools, and the model's chat template writes no calls; say how it is to (task.calls: tagged), and tell it so in the prompt"
            )
        return found

    def said(self, row: Row, tokens: Sequence[int], environment: Environment, whole: bool) -> Said:
        """A turn as its environment is told of it."""
        if not getattr(environment, "tools", None):
            completion = self.completion(row, tokens)
            return Said(completion if isinstance(completion, str) else str(completion[0]["content"] or ""), (), whole)
        ended = len(tokens) > 0 and int(tokens[-1]) in self.encoder.stop_ids
        opened = not isinstance(row["prompt"], str) and self._opening(row) is not None
        found = self.calls.read(self.encoder.decode(tokens[:-1] if ended else tokens, special=True), opened)
        return Said(found.text, typed(found.calls, environment.tools), whole)

    def written(self, row: Row, told: Sequence[Message]) -> Sequence[Message]:
        """What the policy is told, with results of tools as it reads them: turns of its template, or a text of the user's."""
        if not all(message["role"] == "tool" for message in told):
            return told
        text = self.calls.told(told)
        return [{"role": "user", "content": text}] if isinstance(text, str) else text

    def close(self) -> None:
        super().close()
        idle, self._idle, self._opened = self._idle, [], {}
        for environment in idle:
            if hasattr(environment, "close"):
                environment.close()


@dataclass
class Episode:
    """What has come of one sequence so far. ``pieces``: what it said and was told, in turn; ``earned``: of each turn, NaN where nothing was said of it;
    ``durations``: of each turn, NaN where it failed."""

    row: Row
    environment: Environment | None = None
    pieces: list[Sequence[Message] | str] = field(default_factory=list)
    earned: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("turns", "calls", "calls_wrong", "shortened", "no_room", "over"), 0.0)
    )
    error: str | None = None

    def copied(self, environment: Environment | None) -> "Episode":
        """The same so far, in another environment."""
        figures = {name: list(values) for name, values in self.figures.items()}
        own = {"pieces": list(self.pieces), "earned": list(self.earned), "durations": list(self.durations), "counts": dict(self.counts)}
        return replace(self, environment=environment, figures=figures, **own)


class Interacting:
    """The episodes of one batch; see ``guerdon.acting.samplers.Episodes``.

    Args:
        rows: that the contexts of sequences are of.
        processes: those that share in it; environments are acted in by the first.
    """

    def __init__(self, scene: EpisodeScene, rows: Sequence[Row], processes: Processes):
        self.scene, self.rows, self.processes = scene, scene.opened(rows), processes
        self.asked = rows
        self.episodes: list[Episode] = []

    def begin(self, context: Tensor) -> Tensor:
        which = context.tolist()
        self.episodes = [Episode(self.rows[i]) for i in which]

        def begin() -> list[str | None]:
            begun = self.scene.begun([self.asked[i] for i in which])
            for episode, place, one in zip(self.episodes, which, begun, strict=True):
                if isinstance(one, Broken):
                    continue
                episode.environment = one[0]
                if self.scene.with_opening(self.asked[place], *one)["prompt"] != episode.row["prompt"]:
                    raise InputError(
                        "an environment began one row in two ways; let all that is left to chance in reset follow from the row and the seed that it is given"
                    )
            return [str(one) if isinstance(one, Broken) else None for one in begun]

        for episode, error in zip(self.episodes, self.processes.from_first(begin, "beginning episodes"), strict=True):
            episode.error = error
        return torch.tensor([episode.error is None for episode in self.episodes], dtype=torch.bool)

    def branch(self, rows: Sequence[int], of: Sequence[int]) -> list[bool]:
        pairs = [(self.episodes[row], self.episodes[source]) for row, source in zip(rows, of, strict=True)]
        errors = self.processes.from_first(
            lambda: [one.error or _brought(one.environment, other.environment) for one, other in pairs], "branching episodes"
        )
        for row, (own, source), error in zip(rows, pairs, errors, strict=True):
            if error is None:
                self.episodes[row] = source.copied(own.environment)
            else:
                own.error = error
        return [error is None for error in errors]

    def keep(self, rows: Sequence[int]) -> None:
        kept = set(rows)
        for row, episode in enumerate(self.episodes):
            if row not in kept and episode.environment is not None:
                self.scene.free(episode.environment)
        self.episodes = [self.episodes[row] for row in rows]

    def answer(self, said: Sequences, rows: Tensor, room: Tensor, overflow: Overflow, last: bool) -> list[Answer]:
        spoken = [said.actions[place, :length].tolist() for place, length in enumerate(said.length.tolist())]
        whole = said.quantities["terminated"].tolist()
        acting = [self.episodes[row] for row in rows.tolist()]
        stepped = self.processes.from_first(lambda: self._stepped(acting, spoken, whole), "acting")
        out = []
        for episode, tokens, (turn, told), left in zip(acting, spoken, stepped, room.tolist(), strict=True):
            out.append(self._answered(episode, tokens, turn, told, None if last else partial(self._tokens, room=left, overflow=overflow)))
        cut = [i for i, answer in enumerate(out) if acting[i].error is None and not len(answer.told) and not stepped[i][1].done]
        late = self.processes.from_first(lambda: self._ended([acting[i] for i in cut]), "ending episodes")
        for i, value in zip(cut, late, strict=True):
            out[i] = self._with_last(acting[i], out[i], value)
        for episode, answer in zip(acting, out, strict=True):
            if not len(answer.told) and episode.environment is not None:  # it is the first process that has it
                self.scene.free(episode.environment)
                episode.environment = None
        return out

    def _ended(self, episodes: Sequence[Episode]) -> list[float | Broken | None]:
        """What episodes earned that were cut off, of those whose environments say."""
        asking = [getattr(episode.environment, "ended", lambda: None) for episode in episodes]
        return all_of(asking, self.scene.episodes.deadline, "ended")

    @staticmethod
    def _with_last(episode: Episode, answer: Answer, earned: float | Broken | None) -> Answer:
        """The answer to the last turn of an episode that was cut off, with what it earned by that."""
        if isinstance(earned, Broken):
            episode.error, episode.environment = str(earned), None
            return answer
        if earned is None:
            return answer
        there = 0.0 if math.isnan(answer.reward) else answer.reward
        episode.earned[-1] = there + float(earned)
        return replace(answer, reward=episode.earned[-1])

    def _stepped(self, acting: Sequence[Episode], spoken: Sequence[list[int]], whole: Sequence[bool]) -> list[tuple[Said, Told | Broken]]:
        """What each said, and what its environment answers."""
        turns = [
            self.scene.said(episode.row, tokens, episode.environment, ended)
            for episode, tokens, ended in zip(acting, spoken, whole, strict=True)
        ]
        calls = [partial(_step, episode.environment, turn) for episode, turn in zip(acting, turns, strict=True)]
        return list(zip(turns, all_of(calls, self.scene.episodes.deadline, "step"), strict=True))

    def _answered(self, episode: Episode, tokens: list[int], turn: Said, told: Told | Broken, tell: Callable[..., Tensor] | None) -> Answer:
        episode.pieces.append(_message(turn) if not isinstance(episode.row["prompt"], str) else turn.text)
        episode.counts["turns"] += 1
        episode.counts["calls"] += len(turn.calls)
        episode.counts["calls_wrong"] += sum(bool(call.error) for call in turn.calls)
        nothing = torch.zeros(0, dtype=torch.long)
        if isinstance(told, Broken):
            episode.error, episode.environment = str(told), None  # it is not used again
            episode.earned.append(math.nan)
            episode.durations.append(math.nan)
            return Answer(nothing, math.nan)
        episode.earned.append(math.nan if told.reward is None else float(told.reward))
        episode.durations.append(float(told.duration or 0.0))
        for name, value in told.figures.items():
            episode.figures.setdefault(name, []).append(float(value))
        over = told.done and not told.truncated
        episode.counts["over"] = float(over)
        following = nothing if told.done or tell is None else tell(episode, tokens, _as_messages(told.text))
        return Answer(following, episode.earned[-1], over, told.speaker, dict(told.others), episode.durations[-1])

    def _tokens(self, episode: Episode, said: list[int], told: Sequence[Message], room: int, overflow: Overflow) -> Tensor:
        """How what is told reads, shortened if it has to be; nothing where there is no room."""
        variables = template_variables(episode.row)
        messages = list(told)
        while True:
            read = self.scene.written(episode.row, messages)
            tokens = self.scene.encoder.encode_told(episode.row["prompt"], said, read, **variables)
            if len(tokens) <= room:
                episode.pieces.append(messages if not isinstance(episode.row["prompt"], str) else _joined(read))
                return torch.tensor(tokens, dtype=torch.long)
            longest = max(range(len(messages)), key=lambda i: len(str(messages[i].get("content") or "")))
            before = str(messages[longest].get("content") or "")
            text = self.processes.from_first(partial(overflow, before, len(tokens), room), "shortening")
            if text is None or len(text) >= len(before):
                episode.counts["no_room"] = 1.0
                return torch.zeros(0, dtype=torch.long)
            messages[longest] = {**messages[longest], "content": text}
            episode.counts["shortened"] = 1.0

    def judged(self, rollouts: Sequences) -> Judged:
        """The verdicts on whole episodes."""
        prompts, columns = known_columns(self.rows, rollouts.context, self.scene._columns)
        completions = [_whole(episode) for episode in self.episodes]
        columns |= {
            "completion_ids": [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())],
            "turn_rewards": [list(episode.earned) for episode in self.episodes],
            "turn_durations": [list(episode.durations) for episode in self.episodes],
        }
        scored = self.processes.from_first(lambda: self._scored(prompts, completions, columns), "judging")
        return Judged(scored, prompts, completions, figures=self._figures())

    def _scored(self, prompts: list[Any], completions: list[Any], columns: Mapping[str, list[Any]]) -> Scored:
        own = torch.tensor([_total(episode.earned) for episode in self.episodes], dtype=torch.float64)
        if self.scene.rewards.functions:
            scored = self.scene.rewards.score(prompts, completions, columns, watching=False)
        else:
            scored = Scored(
                {}, own.isnan(), ["no reward applies to it: the environment said none" if x else None for x in own.isnan().tolist()]
            )
        invalid, errors = scored.invalid.clone(), list(scored.errors)
        for b, episode in enumerate(self.episodes):
            if episode.error is not None:
                invalid[b], errors[b] = True, f"the environment: {episode.error}"
        return Scored({**scored.components, COMPONENT: own}, invalid, errors)

    def _figures(self) -> dict[str, Tensor]:
        """What is logged of each episode; NaN where it does not apply."""
        counts = {f"{COMPONENT}/{name}": [episode.counts[name] for episode in self.episodes] for name in Episode({}).counts}
        counts[f"{COMPONENT}/failed"] = [float(episode.error is not None) for episode in self.episodes]
        names = sorted({name for episode in self.episodes for name in episode.figures})
        for name in names:
            counts[f"{COMPONENT}/{name}"] = [
                sum(own) / len(own) if (own := episode.figures.get(name)) else math.nan for episode in self.episodes
            ]
        return {name: torch.tensor(values, dtype=torch.float64) for name, values in counts.items()}


def _brought(environment: Environment, other: Environment) -> str | None:
    """Bring an environment to where another one of its kind is; what went wrong, where something did.

    Raises:
        InputError: such environments cannot be copied.
    """
    if not all(hasattr(other, name) for name in ("state", "restore")):
        raise InputError(
            f"recipe.sampler branches episodes, and the environment ({type(other).__name__}) cannot be copied; give it state() and restore(state), or take recipe.sampler: turns"
        )
    try:
        environment.restore(deepcopy(other.state()))
    except InputError:
        raise
    except Exception as error:  # an environment of the user's: its own sequence is left out
        return f"copying it where its episode branches raised {type(error).__name__}: {error}"
    return None


def _step(environment: Environment, said: Said) -> Told:
    begun = time.perf_counter()
    told = as_told(environment.step(said))
    return told if told.duration is not None else replace(told, duration=time.perf_counter() - begun)


def _message(turn: Said) -> list[Message]:
    calls = [{"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}} for call in turn.calls]
    return [{"role": "assistant", "content": turn.text, **({"tool_calls": calls} if calls else {})}]


def _as_messages(text: Any) -> list[Message]:
    return [{"role": "user", "content": text}] if isinstance(text, str) else list(text)


def _joined(messages: Sequence[Message]) -> str:
    return "".join(str(message.get("content") or "") for message in messages)


def _whole(episode: Episode) -> Any:
    if isinstance(episode.row["prompt"], str):
        return "".join(str(piece) for piece in episode.pieces)
    return [message for piece in episode.pieces for message in piece]


def _total(earned: Sequence[float]) -> float:
    """What the turns earned together; NaN where nothing was said of any."""
    there = [value for value in earned if not math.isnan(value)]
    return sum(there) if there else math.nan
