"""Pairs: which are short enough, and which are learned from, chosen on and tested on."""

from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.models.language.policy import LanguagePolicy
from guerdon.randomness import derive
from guerdon.sequences import Example
from guerdon.tasks.encoding import Encoder
from studies.real_comparisons._size import Size

PARTS = ("test", "validation", "train")


def split(rows: Sequence[Mapping[str, Any]], model: LanguagePolicy, size: Size, seed: int) -> dict[str, list[Example]]:
    """Pairs by what they are for; no prompt is in two parts.

    Raises:
        InputError: there are too few.
    """
    pairs = short(rows, model, size.max_tokens, seed)
    wanted = {part: getattr(size, part) for part in PARTS}
    if len(pairs) < sum(wanted.values()):
        raise InputError(f"the data have {len(pairs)} pairs of at most {size.max_tokens} tokens; the study wants {sum(wanted.values())}")
    rest = iter(pairs)
    return {part: [next(rest) for _ in range(count)] for part, count in wanted.items()}


def short(rows: Sequence[Mapping[str, Any]], model: LanguagePolicy, max_tokens: int, seed: int) -> list[Example]:
    """The pairs of at most so many tokens, one for each prompt, in an order that depends on the prompts alone."""
    pairs: dict[tuple[int, ...], Example] = {}
    for pair in examples(rows, Encoder(model.tokenizer)):
        prompt = pair.sides["chosen"].context
        if len(prompt) + sum(len(side.actions) for side in pair.sides.values()) <= max_tokens:
            pairs.setdefault(prompt, pair)
    return [pairs[prompt] for prompt in sorted(pairs, key=lambda prompt: derive(seed, "split", repr(prompt)))]
