"""Showing: what the page asks about one run, as plain values."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.viewing.curves import curve, last_step, names, spread
from guerdon.interfaces.viewing.index import Index
from guerdon.interfaces.viewing.questions import Answers, Question
from guerdon.interfaces.viewing.rows import number
from guerdon.interfaces.viewing.runs import Place
from guerdon.interfaces.viewing.texts import around, plain, turns
from guerdon.interfaces.viewing.tokens import Tokens
from guerdon.interfaces.viewing.tree import branches, leaf

LIVE = 120  # seconds after which a run that wrote nothing is taken to rest
SIDE_BY_SIDE = 256  # answers to one prompt
_COLUMNS = "r.id, r.step, r.test, r.place, r.reward, r.valid, r.failed, r.cut, r.length, r.turns, r.forked, r.components, r.excerpt, p.excerpt, p.digest"
_SHOWN = frozenset(  # of a row, what has a place of its own on the page
    {
        "step",
        "place",
        "split",
        "prompt",
        "completion",
        "reward",
        "components",
        "valid",
        "error",
        "tokens",
        "logp",
        "terminated",
        "forked",
        "share",
        "node",
        "segment",
        "attempt",
        "agent",
        "mask",
        "turn_rewards",
        "said",
        "turn",
    }
)


class Shown:
    """A run that is looked at."""

    def __init__(self, place: Place, index: Index):
        self.name, self.place, self.index = place.name, place, index
        self.answer, self.tokens = Answers(index), Tokens(index)
        self.error = ""  # why the index is not brought up to date
        self._known: tuple[int, dict[str, Any]] = -1, {}

    def about(self) -> dict[str, Any]:
        """What the run is, and how far."""
        version = self.index.version
        if self._known[0] != version:
            self._known = version, self._figures()
        asked = (self.place.configuration() or {}).get("budget") or {}
        steps = asked.get("steps") if isinstance(asked, dict) and isinstance(asked.get("steps"), int) else None
        about = {"name": self.name, "version": version, "share": self.index.share, "steps": steps, "error": self.error, **self._known[1]}
        return about | {"live": self._live() and not (steps is not None and about["step"] >= steps)}

    def _figures(self) -> dict[str, Any]:
        db = self.index.db
        count = [db.execute("select count(*) from rollouts where test = ?", (test,)).fetchone()[0] for test in (0, 1)]
        own = "select name from names n where exists (select 1 from components c where c.name = n.id) order by id"
        ranges = {
            name: spread(self.index, f"select min({name}), max({name}) from rollouts where test = 0")
            for name in ("reward", "length", "turns")
        }
        return {
            "step": last_step(db),
            "sampled": count[0],
            "test": count[1],
            "metrics": names(self.index),
            "components": [name for (name,) in db.execute(own)],
            "ranges": ranges,
            "damaged": self.index.damaged,
        }

    def _live(self) -> bool:
        written = [path.stat().st_mtime for name in ("metrics.jsonl", "completions.jsonl") if (path := self.place.folder / name).exists()]
        return time.time() - max(written, default=0.0) < LIVE

    def curve(self, name: str) -> dict[str, list[float]]:
        return curve(self.index, name)

    # rollouts

    def rollouts(self, asked: Mapping[str, str], at: int, count: int) -> dict[str, Any]:
        """A part of those that a question finds."""
        question = Question.of(asked)
        found = self.answer(question)
        some = found[at : at + count]
        rows = self._rows(some)
        if question.text and question.where != "asked":
            rows = [brief | {"said": around(plain(turns(row.get("completion"))), question.text)} for brief, row in self._whole(some, rows)]
        return {"total": len(found), "at": at, "version": self.index.version, "rows": rows}

    def _rows(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        sql = f"select {_COLUMNS} from json_each(?) j cross join rollouts r on r.id = j.value join prompts p on p.id = r.prompt order by j.key"
        return [_row(values) for values in self.index.db.execute(sql, (json.dumps(list(numbers)),))]

    def _found(self, step: int, test: bool, place: int) -> tuple[int, int]:
        """Number and first byte of a rollout.

        Raises:
            InputError: there is none.
        """
        sql = "select id, start from rollouts where test = ? and step = ? and place = ? order by id desc"
        found = self.index.db.execute(sql, (test, step, place)).fetchone()
        if found is None:
            what = "held-out answer" if test else "rollout"
            raise InputError(
                f"{self.name} has no {what} {place} at step {step}: it is not taken in yet, was not logged, or was made again when the run went on"
            )
        return found

    def rollout(self, step: int, test: bool, place: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """Everything about one, and its neighbours among those that a question finds."""
        own, start = self._found(step, test, place)
        row = self.index.row(start)
        (brief,) = self._rows([own])
        found = self.answer(Question.of(asked))
        at = found.index(own) if own in found else None
        near = [] if at is None else [found[i] if 0 <= i < len(found) else None for i in (at - 1, at + 1)]
        there = [n for n in near if n is not None]
        beside = dict(zip(there, self._rows(there), strict=True))
        return {
            **brief,
            "prompt_turns": turns(row.get("prompt")),
            "turns": turns(row.get("completion")),
            "turn_rewards": _numbers(row.get("turn_rewards")),
            "judge": _words(row.get("said")),
            "failure": None if row.get("error") is None else str(row["error"]),
            "share": number(row.get("share")),
            "more": {str(name): _text(value) for name, value in row.items() if name not in _SHOWN and value is not None},
            "tokens": self.tokens(row, place),
            "siblings": self._rows(self._group(step, test, brief["prompt"])),
            "at": at,
            "total": len(found),
            "before": beside.get(near[0]) if near else None,
            "after": beside.get(near[1]) if near else None,
        }

    def _group(self, step: int, test: bool, prompt: str) -> list[int]:
        """Those that answer the same prompt in the same step."""
        sql = "select id from rollouts where prompt = (select id from prompts where digest = ?) and test = ? and step = ? order by place limit ?"
        return [one for (one,) in self.index.db.execute(sql, (_digest(prompt), test, step, SIDE_BY_SIDE))]

    def _whole(self, numbers: Sequence[int], briefs: Sequence[dict[str, Any]] | None = None) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Brief and whole rows."""
        starts = dict(
            self.index.db.execute(
                "select id, start from rollouts where id in (select value from json_each(?))", (json.dumps(list(numbers)),)
            )
        )
        return [
            (brief, self.index.row(starts[one]))
            for one, brief in zip(numbers, briefs if briefs is not None else self._rows(numbers), strict=True)
        ]

    def answers(self, step: int, test: bool, prompt: str) -> list[dict[str, Any]]:
        """Whole answers to a prompt in a step, the best first."""
        found = [brief | {"turns": turns(row.get("completion"))} for brief, row in self._whole(self._group(step, test, prompt))]
        return sorted(found, key=lambda one: (one["reward"] is None, -(one["reward"] or 0.0), one["place"]))

    def tree(self, step: int, test: bool, place: int) -> dict[str, Any]:
        """The answers to the prompt of a rollout, in its step, as branches."""
        own, start = self._found(step, test, place)
        (brief,) = self._rows([own])
        whole = self._whole(self._group(step, test, brief["prompt"]))
        vocabulary = {} if test else self.tokens.vocabulary(step)
        leaves = [leaf(row, {"step": one["step"], "test": one["test"], "place": one["place"]}) for one, row in whole]
        tree = branches(leaves, lambda tokens: "".join(self.tokens.texts(tokens, vocabulary)))
        recorded = any(row.get("node") for _, row in whole)
        return {"prompt_turns": turns(self.index.row(start).get("prompt")), "prompt": brief["prompt"], "recorded": recorded, "tree": tree}

    def asked(self, prompt: str) -> dict[str, Any]:
        """When a prompt was answered, and what its answers were worth."""
        sql = (
            "select r.test, r.step, count(*), avg(r.reward), max(r.reward) from rollouts r where r.prompt = (select id from prompts where digest = ?) "
            "group by r.test, r.step order by r.test, r.step"
        )
        rows = self.index.db.execute(sql, (_digest(prompt),)).fetchall()
        times = [
            {"test": bool(test), "step": step, "answers": count, "reward": mean, "best": best} for test, step, count, mean, best in rows
        ]
        first = self.index.db.execute(
            "select min(start) from rollouts where prompt = (select id from prompts where digest = ?)", (_digest(prompt),)
        ).fetchone()[0]
        return {"run": self.name, "times": times, "prompt_turns": [] if first is None else turns(self.index.row(first).get("prompt"))}


def _row(values: Sequence[Any]) -> dict[str, Any]:
    names = (
        "step",
        "test",
        "place",
        "reward",
        "valid",
        "failed",
        "cut",
        "length",
        "turns_taken",
        "forked",
        "components",
        "said",
        "asked",
        "prompt",
    )
    row = dict(zip(names, values[1:], strict=True))
    return (
        row
        | {name: bool(row[name]) for name in ("test", "valid", "failed", "cut", "forked")}
        | {
            "components": json.loads(row["components"]),
            "prompt": row["prompt"].hex(),
        }
    )


def _digest(prompt: str) -> bytes:
    if not re.fullmatch(r"(?:[0-9a-f]{2})+", prompt):
        raise InputError(f"prompt={prompt}: it is a prompt's number, in hexadecimal digits")
    return bytes.fromhex(prompt)


def _numbers(values: Any) -> list[float | None]:
    return [number(value) for value in values] if isinstance(values, list) else []


def _words(said: Any) -> dict[str, list[str]]:
    """What judges said in words, by the component that they judge; "" where that is not known."""
    by_name = said if isinstance(said, dict) else {"": said} if said else {}
    return {str(name): [_text(one) for one in (texts if isinstance(texts, list) else [texts])] for name, texts in by_name.items() if texts}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
