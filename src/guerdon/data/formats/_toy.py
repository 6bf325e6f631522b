"""A toy tokenizer for witnesses: a character is its code point, "." ends, and a turn is its role's capital letter, its words and "."."""

from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.tasks.encoding import Encoder


class Letters:
    """What ``Encoder`` asks of a tokenizer, in a few lines, so that a witness can be checked by eye."""

    bos_token_id = None
    eos_token = "."
    eos_token_id = ord(".")
    all_special_ids = (eos_token_id,)
    chat_template = "{role}{content}."

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [ord(c) for c in text]

    def decode(self, tokens: Sequence[int], skip_special_tokens: bool = False) -> str:
        return "".join(chr(t) for t in tokens if not (skip_special_tokens and t in self.all_special_ids))

    def apply_chat_template(
        self, messages: Sequence[Mapping[str, Any]], tokenize: bool = False, add_generation_prompt: bool = False, **template: Any
    ) -> str:
        assert not tokenize
        text = "".join(f"{m['role'][0].upper()}{m['content']}." for m in messages)
        return text + "A" * add_generation_prompt


def toy() -> Encoder:
    return Encoder(Letters())


def codes(text: str) -> tuple[int, ...]:
    """The tokens of a text under the toy tokenizer."""
    return tuple(map(ord, text))
