"""Rewards: the arguments of a reward function as TRL calls one, and what it returns. The ``remote_scorer`` of this library asks so.

    {"prompts": ["q"], "completions": ["a"]} → {"rewards": [1.5], "object": "rewards", "model": ...}

Prompts and completions are texts or messages, as many of the one as of the other. Of the other columns of the data, which are lists too, those are read that belong to the
template (``tools``, ``chat_template_kwargs``), that say which tokens were sampled (``tokens``, ``terminated``), or that the scorer's head reads (``columns``:
``{"user": [0, 3]}``); the rest, as reward functions do, is passed over. What else the scorer measures stands beside the rewards, by its name: a number for each
completion, or one for each step of it.

Source: ours; the arguments are those of TRL's reward functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Answered, Item
from guerdon.interfaces.serving.scoring import Found

READ = ("tools", "chat_template_kwargs", "tokens", "terminated")


@dataclass(frozen=True)
class Rewards:
    paths: ClassVar[tuple[str, ...]] = ("/v1/rewards",)

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        completions = reading.listed(reading.need(asked, "completions"), "completions")
        count = len(completions)
        prompts = reading.as_many(reading.need(asked, "prompts"), "prompts", count, "completions")
        rows = reading.rows_of({name: reading.as_many(asked.get(name), name, count, "completions") for name in READ}, count)
        columns = asked.get("columns") or {}
        if not isinstance(columns, Mapping):
            raise InputError(f"columns holds lists of numbers by name, and this one is {reading.shown(columns)}")
        told = reading.rows_of(
            {
                name: [
                    reading.number(v, f"columns.{name}[{i}]")
                    for i, v in enumerate(reading.as_many(values, f"columns.{name}", count, "completions"))
                ]
                for name, values in columns.items()
            },
            count,
        )
        return [
            Answered(reading.said(prompts[i], f"prompts[{i}]"), reading.said(completions[i], f"completions[{i}]"), rows[i], told[i])
            for i in range(count)
        ]

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        more = {name: [one.more[name] for one in found] for name in found[0].more}
        return {"object": "rewards", "model": served, "rewards": [one.score for one in found], **more}
