"""What the model of costs says of our own design: on 8, 64 and 1,024 cards, in turn and ahead, where it stops, and what a change would be worth."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from guerdon.costs.arithmetic import Shape
from guerdon.costs.drawing import decoding_s
from guerdon.costs.lengths import spread
from guerdon.costs.machine import H100, ON_CARDS
from guerdon.costs.memory import fits, held_bytes, rows_at_once
from guerdon.costs.step import Ahead, Design, Job, Seconds, best_ahead, in_turn
from studies.scale import _models as models

SHAPES = {"0.6B": models.QWEN3_0_6B, "8B": models.QWEN3_8B, "32B": models.QWEN3_32B}
CARDS = (8, 64, 1024)
DOUBLED = tuple(2**i for i in range(13))
PROMPTS, GROUP, PROMPT, MEAN, LONGEST = 512, 16, 512, 2000, 8192
OURS = Design()
AHEAD = {
    "one step ahead": (1, OURS),
    "four steps ahead": (4, OURS),
    "four, were several steps' drawn together": (4, replace(OURS, mixes=True)),
}
CHANGES = {
    "as it is": {},
    "+ a rollout told only to who learns from it": {"objects": False},
    "+ completions of a prompt on several cards": {"by_prompt": False},
    "+ gradients and weights by layer, while others are computed (fully_shard)": {"hidden": True, "whole": False},
    "+ four cards draw as one": {"tensor": 4},
}


@cache
def job(shape: Shape) -> Job:
    """The step that all of this is about."""
    return Job(shape, PROMPTS, PROMPT, tuple(spread(PROMPTS * GROUP, MEAN, LONGEST)), again=True)


def turn(shape: Shape, cards: int, design: Design = OURS, **more: float) -> Seconds | None:
    """In turn; None where there is no room."""
    machine = replace(ON_CARDS.on(H100, cards), **more)
    if not fits(job(shape), machine, cards, design):
        return None
    rows = rows_at_once(job(shape), machine, cards, design)
    return in_turn(job(shape), machine, cards, design, rows) if rows >= 1 else None


def beside(shape: Shape, cards: int, steps: int, design: Design = OURS) -> Ahead | None:
    """Ahead; None where there is no room. Looked at is the room of as many learners as cards: the most that masters can be split."""
    machine = ON_CARDS.on(H100, cards)
    rows = rows_at_once(job(shape), machine, cards, design, learns=False)
    if rows < 1 or not fits(job(shape), machine, cards, design):
        return None
    return best_ahead(job(shape), machine, cards, steps, design, rows)


@dataclass(frozen=True)
class Curve:
    """Steps on ever more cards."""

    cards: tuple[int, ...]
    seconds: tuple[Seconds | None, ...]

    def overtaken(self, *parts: str) -> int | None:
        """From how many cards on these parts take longer than learning does."""
        for cards, seconds in self._there():
            if sum(getattr(seconds, part) for part in parts) > seconds.learning:
                return cards
        return None

    def waiting(self, alone_s: float) -> int | None:
        """From how many cards on half of sampling is the longest completion."""
        return next((cards for cards, seconds in self._there() if seconds.sampling < 2 * alone_s), None)

    def half(self) -> int | None:
        """From how many cards on less than half of them is of use: doubled from the fewest that have room."""
        least = next(self._there(), None)
        for cards, seconds in self._there():
            if seconds.total * cards > 2 * least[1].total * least[0]:
                return cards
        return None

    def _there(self) -> Iterator[tuple[int, Seconds]]:
        return ((c, s) for c, s in zip(self.cards, self.seconds, strict=True) if s is not None)


@cache
def curve(shape: Shape, design: Design = OURS) -> Curve:
    """In turn on one card, two, four ... whatever memory says."""
    return Curve(DOUBLED, tuple(turn(shape, cards, design, room=float("inf")) for cards in DOUBLED))


def alone_s(shape: Shape) -> float:
    """Seconds of the longest completion, were it drawn alone: less no number of cards takes, as long as one draws it."""
    machine = ON_CARDS.on(H100)
    return decoding_s(shape, PROMPT, [LONGEST], machine)


def changes() -> list[Design]:
    """Each change of ``CHANGES`` on top of those before it."""
    found = [OURS]
    for change in list(CHANGES.values())[1:]:
        found.append(replace(found[-1], **change))
    return found


def least_cards(shape: Shape, design: Design = OURS) -> int | None:
    """The fewest cards on which the model can be trained."""
    return next((cards for cards in DOUBLED if fits(job(shape), ON_CARDS.on(H100, cards), cards, design)), None)


def whole_bytes(shape: Shape) -> float:
    """What every card holds, however many there are."""
    held = held_bytes(job(shape), 10**6, OURS)
    return held["weights"] + held["gradient"]


def predicted(small: bool) -> dict[str, dict[str, Any]]:
    """All of it as plain numbers, by shape."""
    return {name: _of(shape) for name, shape in list(SHAPES.items())[: 1 if small else None]}


def _of(shape: Shape) -> dict[str, Any]:
    line, drawn = curve(shape), {how: {} for how in AHEAD}
    for how, (steps, design) in AHEAD.items():
        for cards in CARDS:
            found = beside(shape, cards, steps, design)
            drawn[how][cards] = found and {"step_s": found.step_s, "drawing": found.drawing, "idle": found.idle}
    return {
        "parameters": shape.parameters,
        "whole_bytes": whole_bytes(shape),
        "least_cards": least_cards(shape),
        "least_cards_split": least_cards(shape, replace(OURS, whole=False)),
        "alone_s": alone_s(shape),
        "in_turn": {str(cards): _plain(turn(shape, cards)) for cards in CARDS},
        "without_bound": {str(cards): line.seconds[line.cards.index(cards)].total for cards in CARDS},
        "ahead": {how: {str(cards): one for cards, one in found.items()} for how, found in drawn.items()},
        "curve": [{"cards": cards, **asdict(seconds)} for cards, seconds in zip(line.cards, line.seconds, strict=True) if seconds],
        "half": line.half(),
        "waits": line.waiting(alone_s(shape)),
        "past_learning": {
            "rollouts told to all": line.overtaken("exchange"),
            "gradients and weights over the network": line.overtaken("gradients", "weights"),
        },
        "changes": [{"what": what, "step": _plain(turn(shape, CARDS[-1], one))} for what, one in zip(CHANGES, changes(), strict=True)],
    }


def _plain(seconds: Seconds | None) -> dict[str, float] | None:
    return seconds and {**asdict(seconds), "total": seconds.total}
