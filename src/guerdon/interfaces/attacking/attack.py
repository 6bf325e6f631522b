"""An attack: the battery, the best of N and a short run, as one tree of figures, which is written down as it grows."""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.attacking.battery import battery, plain_scores
from guerdon.interfaces.attacking.best_of import best_of
from guerdon.interfaces.attacking.drawing import Drawing
from guerdon.interfaces.attacking.judging import Judge
from guerdon.interfaces.attacking.keeping import Kept
from guerdon.interfaces.attacking.reading import Item, Read, read_items
from guerdon.interfaces.attacking.training import Pressed, trained
from guerdon.interfaces.preparing import open_to_one

_PLAIN = (
    "the prompts are plain text and {} has a chat template: they were written as plain text; --chat writes them as turns of a conversation"
)


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        out: the folder in which everything is kept; None: one in ``runs`` that is called after what is attacked.
        gold: a reward that is right, or nearly; "": none is known.
        policy: a language model whose answers are chosen from, and which learns; "": candidates are those of the rows.
        candidates: answers of the policy to each prompt.
        steps: of the run against the reward; 0: none.
        rows: at most so many, drawn; None: all.
        temperature, longest: how the policy answers.
        learning_rate, batch_size: of the run.
        chat: plain texts are turns of a conversation.
        device, seed: where models run, and of whatever is random.
        quiet: without progress.
    """

    out: Path | None = None
    gold: str = ""
    policy: str = ""
    candidates: int = 16
    steps: int = 0
    rows: int | None = 100
    temperature: float = 1.0
    longest: int | None = None
    learning_rate: float = Pressed.learning_rate
    batch_size: int = Pressed.batch_size
    chat: bool = False
    device: str = "auto"
    seed: int = 0
    quiet: bool = False


def attack(model: str, path: str, asked: Asked = Asked(), tell: Callable[[Mapping[str, Any]], None] = lambda found: None) -> dict[str, Any]:
    """Everything that is found of a reward on the prompts of a file.

    Args:
        tell: is called with what is known so far, whenever that is more.

    Raises:
        InputError: the reward, the rows or the policy cannot be used; the sentence says which and why.
    """
    if asked.steps and not asked.policy:
        raise InputError("--steps: somebody has to learn; name a language model with --policy, or leave it out")
    folder = asked.out or Path("runs") / f"attack-{called(model)}"
    with ExitStack() as opened:
        opened.enter_context(open_to_one(folder))
        scores, answers = (Kept(folder / name) for name in ("scores.jsonl", "answers.jsonl"))
        opened.callback(scores.close)
        opened.callback(answers.close)
        judge = opened.enter_context(Judge(model, "MODEL", scores, asked.device, asked.quiet))
        gold = opened.enter_context(Judge(asked.gold, "--gold", scores, asked.device, asked.quiet)) if asked.gold else None
        read = read_items(path, asked.rows, asked.seed, asked.chat)
        drawing = Drawing(asked.policy, asked.device, asked.temperature, asked.longest, asked.seed) if asked.policy else None
        items, notes = _settled(read, (judge, gold), drawing, answers, path, asked)
        found: dict[str, Any] = {
            "model": model,
            "rows": path,
            "gold": asked.gold,
            "policy": asked.policy,
            "folder": str(folder),
            "read": read.rows,
        }

        def more(**parts: Any) -> None:
            found.update(parts, left_out=dict(read.left_out), notes=[*notes, *_failed(judge), *_failed(gold)])
            tell(found)

        plain = plain_scores(items, judge)
        more(battery=battery(items, judge, plain, asked.seed))
        more(best_of=best_of(items, judge, gold))
        if scores.before:
            notes.append(f"{scores.before} numbers were kept in {folder} and not asked for again; delete it to begin anew")
        more()
        if asked.steps:
            from guerdon.training.display import Silent, Terminal

            pressed = Pressed(asked.steps, asked.learning_rate, asked.batch_size)
            more(training=trained(items, drawing, judge, gold, pressed, folder, Silent() if asked.quiet else Terminal()))
        (folder / "found.json").write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
    return found


def called(model: str) -> str:
    """A short name for what is attacked."""
    if model.strip().startswith("{"):
        from guerdon.interfaces.configuration._yaml import parse

        model = str(dict(parse(model, "MODEL")).get("part", "reward"))
    place = Path(model.rpartition(":")[2] if ".py:" in model else model.removeprefix("http://").removeprefix("https://"))
    name = place.parent.name if place.name == "model" and place.parent.name else place.name
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name) or "reward"


def _settled(
    read: Read, judges: tuple[Judge, Judge | None], drawing: Drawing | None, answers: Kept, path: str, asked: Asked
) -> tuple[list[Item], list[str]]:
    """The items with candidates, and what the user is to be told of how they are written.

    Raises:
        InputError: there is nothing to attack with.
    """
    (judge, gold), items, notes = judges, read.items, []
    templates = {
        "the model": judge.chats,
        "the gold reward": gold is not None and gold.chats,
        "the policy": drawing is not None and drawing.chats,
    }
    if asked.chat and not any(templates.values()):
        raise InputError("--chat: none of the models has a chat template; leave it out")
    if read.plain and not asked.chat:
        notes += [_PLAIN.format(who) for who, has in templates.items() if has]
    if drawing is not None:
        items = drawing.fitting(items)
        if drawing.left_out:
            read.left_out["longer than the policy has room for"] = drawing.left_out
        items = drawing(items, asked.candidates, answers, asked.quiet)
    elif all(item.own is None and item.good is None for item in items):
        raise InputError(
            f"the rows of {path} are prompts alone, so that there is no answer to compare with; name a language model that answers them with --policy"
        )
    return items, notes


def _failed(judge: Judge | None) -> list[str]:
    """Why answers have no number, the most frequent reasons first."""
    return (
        [] if judge is None else [f"{judge.called}: {count} answers have no number: {why}" for why, count in judge.failures.most_common(3)]
    )


def finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
