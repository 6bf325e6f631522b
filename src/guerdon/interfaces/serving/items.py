"""What is to be scored, and how it becomes tokens: an answer to a prompt, as ``guerdon score`` reads rows; a text that a chat template has written already; tokens.

A text that is written already is tokenised as it stands. A scorer of ours reads its score at the end token of the answer, others at the end of all that the template
writes; so what lies behind the end token is left out, or put there, and where there is no end token it is added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.feedback.text import whole_text
from guerdon.sequences import Side
from guerdon.tasks.encoding import Encoder, Tokens, template_variables
from guerdon.tasks.messages import TEMPLATE_COLUMNS, is_conversational
from guerdon.tasks.sampled import spoken

UNKNOWN = (
    "this scorer has to know where the answer begins, and nobody does; send messages, or prompt and answer apart (/v1/rewards, /v1/score)"
)
Apart = tuple[Any, str, dict[str, Any]]


@dataclass
class Reader:
    """How a model reads texts.

    Attributes:
        encoder: its own, with the room that it has.
        chat: plain texts are turns of a conversation.
        tokens: how many there are.
    """

    encoder: Encoder
    chat: bool
    tokens: int

    @cached_property
    def bare(self) -> Encoder:
        """Of any length."""
        return Encoder(self.encoder.tokenizer, whole=self.encoder.whole)

    @cached_property
    def closing(self) -> Tokens:
        """The end of an answer in a conversation and what the template writes after it; the end token where there is no template."""
        try:
            side = Encoder(self.encoder.tokenizer, whole=True).encode_pair(
                [{"role": "user", "content": "a"}], [{"role": "assistant", "content": "a"}]
            )
        except InputError:
            return self.end
        last = max(place for place, own in enumerate(side.mask) if own)
        return side.actions[last:] if side.actions[last] in self.bare.stop_ids else self.end

    @cached_property
    def end(self) -> Tokens:
        if self.encoder.tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has no end token, so an answer has no end at which it could be scored; set tokenizer.eos_token")
        return (self.encoder.tokenizer.eos_token_id,)

    def closed(self, tokens: Tokens) -> Tokens:
        """Tokens of a text that is written already, up to where its score is read."""
        padding, ends = self.encoder.tokenizer.pad_token_id, set(self.bare.stop_ids)
        while tokens and tokens[-1] == padding and padding not in ends:
            tokens = tokens[:-1]
        last = max((place for place, token in enumerate(tokens) if token in ends), default=None)
        if last is None or self.encoder.decode(tokens[last + 1 :], special=True).strip():
            ending = self.closing if self.closing[0] in tokens else self.end
        else:
            ending = self.closing if tokens[last] == self.closing[0] else tokens[last : last + 1]
            tokens = tokens[:last]
        return (*tokens, *(ending if self.encoder.whole else ending[:1]))


class Item(Protocol):
    """One thing to score."""

    columns: Mapping[str, float]

    def side(self, reader: Reader) -> Side:
        """Its tokens.

        Raises:
            InputError: it cannot be scored; the sentence says why.
        """
        ...

    def apart(self, reader: Reader) -> Apart:
        """Its prompt, the text of its answer, and what the chat template is told.

        Raises:
            InputError: nobody knows where the answer begins.
        """
        ...


@dataclass(frozen=True)
class Answered:
    """A prompt and an answer to it: two texts, or messages. ``row`` holds what a row of data may hold besides: ``tools``, ``chat_template_kwargs``, ``tokens``, ``terminated``."""

    prompt: Any
    completion: Any
    row: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, float] = field(default_factory=dict)

    def side(self, reader: Reader) -> Side:
        prompt, completion = self.prompt, spoken({"completion": self.completion, **self.row}, "completion")
        if reader.chat and isinstance(prompt, str) and isinstance(completion, str):
            prompt, completion = [{"role": "user", "content": prompt}], [{"role": "assistant", "content": completion}]
        return reader.encoder.encode_pair(prompt, completion, **self._variables)

    def apart(self, reader: Reader) -> Apart:
        turn = reader.chat and isinstance(self.prompt, str)
        return [{"role": "user", "content": self.prompt}] if turn else self.prompt, whole_text(self.completion), self._variables

    @property
    def _variables(self) -> dict[str, Any]:
        return template_variables({name: self.row[name] for name in TEMPLATE_COLUMNS if name in self.row})


@dataclass(frozen=True)
class Conversation:
    """Messages of which the last is the answer."""

    messages: Any
    row: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, float] = field(default_factory=dict)

    def side(self, reader: Reader) -> Side:
        return self._answered.side(reader)

    def apart(self, reader: Reader) -> Apart:
        return self._answered.apart(reader)

    @property
    def _answered(self) -> Answered:
        if not is_conversational(self.messages) or len(self.messages) < 2:
            raise InputError("messages are a list of at least two {role, content}, of which the last is the answer to be scored")
        if self.messages[-1]["role"] != "assistant":
            raise InputError(
                f"the last message is of the role {self.messages[-1]['role']!r}, and what is scored is an answer of the assistant"
            )
        return Answered(list(self.messages[:-1]), [self.messages[-1]], self.row)


@dataclass(frozen=True)
class Written:
    """A text that a template has written already, or that needs none. ``prompt`` is what it begins with, where that is known: tokens do not span its end then."""

    text: str
    prompt: str = ""
    columns: Mapping[str, float] = field(default_factory=dict)

    def side(self, reader: Reader) -> Side:
        if not self.text:
            raise InputError("the text is empty")
        bare = reader.bare
        if self.prompt and self.text.startswith(self.prompt):
            context = bare.encode_prompt(self.prompt)
            actions = bare.encode_continuation(self.text[len(self.prompt) :])
        else:
            return _whole(reader, reader.closed(bare.encode_prompt(self.text)))
        return _fitted(reader, context, reader.closed((*context, *actions))[len(context) :])

    def apart(self, reader: Reader) -> Apart:
        if not self.prompt or not self.text.startswith(self.prompt):
            raise InputError(UNKNOWN)
        answer = self.text[len(self.prompt) :]
        for end in (reader.encoder.decode([token], special=True) for token in reader.bare.stop_ids):
            answer = answer.rstrip().removesuffix(end)
        return self.prompt, answer, {}


@dataclass(frozen=True)
class Tokenised:
    """Tokens, as they are."""

    tokens: Sequence[int]
    columns: Mapping[str, float] = field(default_factory=dict)

    def side(self, reader: Reader) -> Side:
        wrong = next((token for token in self.tokens if not 0 <= token < reader.tokens), None)
        if wrong is not None:
            raise InputError(f"the token {wrong} is none of the model's, which are 0 to {reader.tokens - 1}")
        return _whole(reader, tuple(self.tokens))

    def apart(self, reader: Reader) -> Apart:
        raise InputError(UNKNOWN)


def _whole(reader: Reader, tokens: Tokens) -> Side:
    """Tokens of which nobody knows where the answer begins; the oldest are dropped where that is asked for, but for the start token."""
    over = len(tokens) - (reader.encoder.max_length or len(tokens))
    if over > 0 and reader.encoder.truncate:
        start = int(tokens[0] == reader.encoder.tokenizer.bos_token_id)
        tokens = tokens[:start] + tokens[start + over :]
        reader.encoder.truncated["prompt"] += 1
    return _fitted(reader, tokens[:1], tokens[1:])


def _fitted(reader: Reader, context: Tokens, actions: Tokens) -> Side:
    if not actions:
        raise InputError("there is nothing behind the first token that could be scored")
    return reader.encoder.encode_tokens(context, actions)
