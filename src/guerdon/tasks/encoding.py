"""Encoding: a tokenizer, and how rows of text become tokens with the exact mask of what is trained on.

Tokens in, tokens out: the prompt is tokenized as the sampler will see it, the completion is tokenized on its own, and the two are put
one after the other. A text is never glued together first, so no token ever spans the end of the prompt and what is learned
from is what can be sampled.

* Plain text: the start token is put first if the tokenizer would put it there, once; the end token closes a completion.
* Conversations: the chat template writes every token, the start and the ends of turns included. The prompt ends with the template's generation
  prompt, as it does in sampling; in a longer conversation every assistant turn after the prompt is trained on, up to and with its end token, and what
  lies between is there to be read (mask false), as are turns of weight 0. This needs a template that only appends; one that rewrites earlier turns is
  refused (``Rewrites``: turn by turn such a conversation can be learned).
* Where the template ends no turn, the tokenizer's end token closes the last one, as it closes plain text.
* Where the generation prompt opens a thinking block, the answer goes on within it: the row's thoughts, or none, and the end of the block.
* What a template leaves out of a row is refused (``tasks._template``), and so is a row of which nothing is left to learn (``NothingLeft``).
* A text that carries the tokens that were sampled (``tasks.sampled``) is learned as those tokens.
"""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.sequences import Side
from guerdon.tasks._template import ChatTemplate, Rewrites, opens_with_nothing, require_goes_on
from guerdon.tasks.messages import Message, is_conversational, is_learned, read_messages, template_variables, told
from guerdon.tasks.sampled import Sampled

__all__ = ["Encoder", "NothingLeft", "Rewrites", "Text", "Tokens", "is_conversational", "template_variables"]

Text = str | Sequence[Message]
Tokens = tuple[int, ...]

TRUNCATIONS = ("", "prompt", "completion", "both")


class TooLong(InputError):
    """A row that does not fit into the room there is, and may not be cut."""


class NothingLeft(InputError):
    """A row of which nothing is left to learn from."""


@dataclass
class Encoder:
    """A tokenizer of ``transformers`` (or anything with its ``encode``, ``decode`` and ``apply_chat_template``) and the room there is.

    Attributes:
        tokenizer: as loaded by ``AutoTokenizer``.
        max_length: positions that the model has for prompt and completion together; None: no bound.
        max_prompt_length: positions left to the prompt; None: whatever ``max_length`` leaves.
        truncate: what to do with a row that does not fit: "" refuses it, "prompt" drops the oldest tokens of the prompt (a start
            token stays), "completion" drops the last tokens of the completion, which then has no end token; "both" leaves the prompt what
            the completion does not need but at least half of the room, and then cuts the completion.
        truncated: how many rows were cut, by what was cut; a saved run reports it.
        whole: a conversation is what the chat template writes of it, to the end: what comes after the last end of turn is kept, as steps that are not learned, and
            nothing is added. Some scorers read their score there.
        noticed: of how many rows something is to be told: ``left_out`` (cutting left nothing to learn), ``by_turn`` (learned turn by turn, because the
            template rewrites earlier turns; ``data.examples`` counts these two), ``end_added`` (the template ends no turn), ``turn_without_end`` (so an
            earlier turn has no end), ``no_thoughts`` (an empty thinking block is learned), ``read_only`` (a turn is marked as not learned).
    """

    tokenizer: Any
    max_length: int | None = None
    max_prompt_length: int | None = None
    truncate: str = ""
    truncated: dict[str, int] = field(default_factory=lambda: {"prompt": 0, "completion": 0})
    whole: bool = False
    noticed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.truncate not in TRUNCATIONS:
            raise InputError(f"truncate={self.truncate!r} is not one of {', '.join(map(repr, TRUNCATIONS))}")

    def encodes_like(self, other: "Encoder") -> bool:
        """Whether both make the same tokens of every row: the same settings, and the same tokenizer or an equal one."""
        names = ("max_length", "max_prompt_length", "truncate", "whole")
        same = all(getattr(self, name) == getattr(other, name) for name in names)
        return same and (self.tokenizer is other.tokenizer or written_out(self.tokenizer) == written_out(other.tokenizer))

    # Rows to tokens

    def encode_prompt(self, prompt: Text, **template: Any) -> Tokens:
        """The context that an answer to ``prompt`` is sampled in. ``template``: extra variables of the chat template, such as
        ``tools`` or ``enable_thinking``. A prompt whose last message is the assistant's is continued."""
        context, _ = self._fit(self._prompt(prompt, template), 1)
        return context

    def encode_pair(self, prompt: Text, completion: Text, **template: Any) -> Side:
        """A prompt and one completion of it."""
        return self.encode_sides(prompt, completion, **template)[0]

    def encode_sides(self, prompt: Text, *completions: Text, **template: Any) -> tuple[Side, ...]:
        """A prompt and several completions of it, which share the very same context, even where it had to be cut."""
        if is_conversational(prompt) and len(prompt):
            parts = [self._conversation([*prompt, *_as_messages(c)], len(prompt), template) for c in completions]
            if any(context != parts[0][0] for context, _, _ in parts):
                raise InputError(
                    "the completions do not begin with an assistant turn, so they share no context; put what comes first in the prompt"
                )
        elif isinstance(prompt, str):
            wrong = next((c for c in completions if not isinstance(c, str)), None)
            if wrong is not None:
                if not is_conversational(wrong):
                    raise InputError(
                        f"an answer is a string or a list of {{role, content}}, and this one is {_shown(wrong)}; mend or drop the row"
                    )
                raise InputError("the prompt is a string and the completion a list of messages; make both strings or both messages")
            context = self._prompt(prompt, template)
            parts = [(context, self._closed(c), None) for c in completions]
        else:
            raise InputError(f"a prompt is a string or a list of {{role, content}}, and this one is {_shown(prompt)}")
        return self._sides([Side(c, a, m or (True,) * len(a)) for c, a, m in parts])

    def encode_continuation(self, text: str) -> Tokens:
        """The tokens of a text that goes on after another one, without an end."""
        return self._continuation(text)

    def encode_reply(self, prompt: Text, said: Sequence[int], text: str, **template: Any) -> Tokens:
        """``encode_told`` of one turn of the user's."""
        return self.encode_told(prompt, said, [{"role": "user", "content": text}], **template)

    def encode_told(self, prompt: Text, said: Sequence[int], replies: Sequence[Message], **template: Any) -> Tokens:
        """The tokens that follow an answer to ``prompt``, of the tokens ``said``, where others say ``replies`` and the policy is to speak again: their texts themselves behind
        plain text; in a conversation the end of the answer, where it was cut off, their turns and the generation prompt. What stands before is not written anew, whatever
        the template would make of it by now. Where the answer ended with the token that begins what is told, which templates have that end no turn, it is told once.

        What a tool says is the user's turn, in ``<tool_response>``, where the template has no turn for tools (``noticed["told_as_user"]``).

        Raises:
            InputError: the chat template does not write the one behind the other.
        """
        if isinstance(prompt, str):
            return self._continuation("".join(str(reply.get("content") or "") for reply in replies))
        asked, answers = told(prompt), told(replies)
        try:
            between = self._chat.between(asked, answers, template)
        except InputError:
            if not any(reply["role"] == "tool" for reply in answers):
                raise
            answers = _as_users(answers)
            between = self._chat.between(asked, answers, template)
            self.noticed["told_as_user"] += 1
        if len(said) and int(said[-1]) in self.stop_ids:
            between = self._chat.after_end(between, str(answers[0]["content"] or ""))
        tokens = self._continuation(between)
        return tokens[1:] if len(said) and tokens and int(said[-1]) == tokens[0] in self._chat.special.values() else tokens

    def encode_text(self, text: str) -> Side:
        """A plain text of which everything is learned. Its context is the start token or, where the tokenizer has none, the first
        token of the text, which nothing predicts."""
        if not isinstance(text, str):
            raise InputError(f"a text is a string, and this one is {_shown(text)}")
        tokens = (*self._start, *self._closed(text, begins=True))
        if len(tokens) < 2:
            raise InputError("the text is empty")
        return self._sides([Side(tokens[:1], tokens[1:], (True,) * (len(tokens) - 1))])[0]

    def encode_messages(self, messages: Sequence[Message], **template: Any) -> Side:
        """A conversation of which every assistant turn is learned, but for those of weight 0."""
        messages = read_messages(messages)
        if not is_conversational(messages) or not len(messages):
            raise InputError(f"messages must be a list of {{role, content}}, and this is {_shown(messages)}")
        return self._sides([Side(*self._conversation(list(messages), 0, template))])[0]

    def encode_tokens(self, context: Tokens, actions: Tokens) -> Side:
        """Tokens that are known: of what there is to answer, and of the answer, of which all is learned."""
        return self._sides([Side(tuple(context), tuple(actions), (True,) * len(actions))])[0]

    def encode_steps(self, prompt: Text, steps: Sequence[str], labels: Sequence[float], **template: Any) -> Side:
        """An answer in steps of text, each with a number on its last token: ``Side.steps["step_label"]``, where the mask is true. The
        answer is not closed by an end token."""
        actions, mask, marks = (), (), ()
        for step, label in zip(steps, labels, strict=True):
            if not isinstance(step, str) or not step:
                raise InputError(f"a step of an answer is a text that is not empty, and this one is {_shown(step)}; drop it with its label")
            tokens = self._continuation(step)
            actions += tokens
            mask += (False,) * (len(tokens) - 1) + (True,)
            marks += (0.0,) * (len(tokens) - 1) + (float(label),)
        return self._sides([Side(self._prompt(prompt, template), actions, mask, {"step_label": marks})])[0]

    # The template

    def head(self, messages: Sequence[Message], **template: Any) -> str:
        """What the chat template leaves to the model to say before its words: the head of its turn, where there is no generation prompt."""
        return self._chat.head(_asked(messages), template)

    def reads(self, messages: Sequence[Message], name: str, **template: Any) -> bool:
        """Whether the chat template does something else for some value of the variable ``name``."""
        return self._chat.reads(_asked(messages), template, name)

    # Tokens to text

    def decode(self, tokens: Sequence[int], special: bool = False) -> str:
        """The text of tokens; ``special`` also writes the special ones."""
        return self.tokenizer.decode([int(t) for t in tokens], skip_special_tokens=not special)

    def completion(self, prompt: Text, tokens: Sequence[int]) -> Any:
        """What was sampled in answer to ``prompt``, in the prompt's own form: a string or one assistant message."""
        return self._words(tokens, True) if isinstance(prompt, str) else [{"role": "assistant", "content": self._words(tokens)}]

    @cached_property
    def stop_ids(self) -> Tokens:
        """The tokens that end an answer: the tokenizer's end token and those that the chat template closes a turn with, and one that calls."""
        end = self.tokenizer.eos_token_id
        turns = [self._tokens(text) for text in (self._chat.end, self._chat.call_end) if text]
        return tuple(dict.fromkeys([*([] if end is None else [end]), *(token for turn in turns if len(turn) == 1 for token in turn)]))

    # Inside

    @cached_property
    def _ids(self) -> dict[int, int]:
        return {}

    def _shared(self, tokens: Tokens) -> Tokens:
        """The same tokens, each number one object in all rows: a tokenizer makes a new one, of 32 bytes, at every place."""
        return tuple([self._ids.setdefault(token, token) for token in tokens])

    @cached_property
    def _chat(self) -> ChatTemplate:
        return ChatTemplate(self.tokenizer)

    def _words(self, tokens: Sequence[int], goes_on: bool = False) -> str:
        """The text of an answer without what ends it; where it goes on after a text, with the space that a tokenizer takes off the front of texts."""
        tokens = tokens[:-1] if len(tokens) and int(tokens[-1]) in self.stop_ids else tokens
        if not (goes_on and self._adds_space):
            return self.decode(tokens)
        before = self._tokens(self._marks[0])
        alone, whole = self.decode(before), self.decode([*before, *tokens])
        return whole[len(alone) :] if whole.startswith(alone) else self.decode(tokens)

    def _tokens(self, text: str) -> Tokens:
        try:
            return tuple(self.tokenizer.encode(text, add_special_tokens=False))
        except Exception as error:  # the Rust tokenizers raise bare Exception
            raise InputError(f"the tokenizer cannot write {_shown(text)} ({error}); use characters that it knows") from error

    @cached_property
    def _start(self) -> Tokens:
        """The start token where the tokenizer puts one before every text."""
        start = self.tokenizer.bos_token_id
        if start is None or list(self.tokenizer.encode(""))[:1] != [start]:
            return ()
        return (start,) if start != self.tokenizer.eos_token_id or self._stands_first(start) else ()

    def _stands_first(self, token: int) -> bool:
        """Whether a token that both begins and ends texts is put before them, and not behind."""
        try:
            bare = self._tokens("a")
        except InputError:
            return True
        return list(self.tokenizer.encode("a"))[:1] == [token] != list(bare[:1])

    @cached_property
    def _adds_space(self) -> bool:
        """Whether the tokenizer pretends that a space stands before each text, as SentencePiece does."""
        try:
            alone, after = self._tokens("a"), self._tokens(self._marks[0] + "a")
        except InputError:
            return False
        return after[-len(alone) :] != alone

    @cached_property
    def _marks(self) -> tuple[str, ...]:
        """Characters after which a text may go on: such as the tokenizer knows, and does not take for a space."""
        unknown, known = getattr(self.tokenizer, "unk_token_id", None), []
        for mark in ("\n", ".", ":", ",", "?", "1"):
            with contextlib.suppress(InputError):
                tokens = self._tokens(mark)
                known += [mark] if tokens and unknown not in tokens and tokens != self._tokens(" ") else []
        return tuple(known) or ("\n",)

    def _continuation(self, text: str) -> Tokens:
        """Tokens of a text that goes on after another one."""
        if not self._adds_space:
            return self._tokens(text)
        for mark in self._marks:
            before, whole = self._tokens(mark), self._tokens(mark + text)
            if whole[: len(before)] == before:  # else the text begins with what makes one token with the mark
                break
        return whole[len(before) :]

    def _plain_prompt(self, prompt: str) -> Tokens:
        tokens = self._tokens(prompt)
        if self._start and tokens[:1] != self._start:
            tokens = self._start + tokens
        if not tokens:
            start = self.tokenizer.bos_token_id
            if start is None:
                raise InputError("the prompt is empty and the tokenizer has no start token to begin from; write a prompt")
            tokens = (start,)
        return tokens

    def _closed(self, text: str, begins: bool = False) -> Tokens:
        if not isinstance(text, str):
            raise InputError(f"a plain completion is a string, and this one is {_shown(text)}")
        if self._known(text):
            return text.tokens
        tokens = self._tokens(text) if begins else self._continuation(text)
        if begins and self._start and tokens[:1] == self._start:
            tokens = tokens[1:]
        if isinstance(text, Sampled) and not text.terminated:
            return tokens
        return tokens if tokens[-1:] == self._end else (*tokens, *self._end)

    @cached_property
    def _end(self) -> Tokens:
        """The end token of the tokenizer."""
        if self.tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has no end token, so a completion could never stop; set tokenizer.eos_token")
        return (self.tokenizer.eos_token_id,)

    def _known(self, text: Any) -> bool:
        """Whether a text carries the tokens that were sampled, and they are this tokenizer's."""
        if not isinstance(text, Sampled) or not text.tokens:
            return False
        try:
            return text in (self._words(text.tokens, True), self._words(text.tokens))
        except Exception:  # ids that this tokenizer has not: each kind raises its own
            return False

    def _prompt(self, prompt: Text, template: Mapping[str, Any]) -> Tokens:
        if isinstance(prompt, str):
            if template.get("tools"):
                raise InputError(
                    "the row has tools and its prompt is plain text, so no chat template writes them; make the prompt messages, or drop the column"
                )
            return self._plain_prompt(prompt)
        if not is_conversational(prompt) or not len(prompt):
            raise InputError(f"a prompt is a string or a list of {{role, content}}, and this one is {_shown(prompt)}")
        return self._tokens(self._chat.prompt(told(prompt), template))

    def _conversation(
        self, messages: Sequence[Message], start: int, template: Mapping[str, Any]
    ) -> tuple[Tokens, Tokens, tuple[bool, ...]]:
        """Context, actions and mask of a conversation whose assistant turns from ``start`` on are learned."""
        turns = [i for i in range(start, len(messages)) if messages[i]["role"] == "assistant"]
        if not turns:
            raise InputError("there is no assistant turn to learn from; a completion needs a message with role 'assistant'")
        if start and messages[start - 1]["role"] == "assistant":
            raise InputError(
                "the prompt ends with an assistant turn, so the completion is none of its own; end the prompt with the user's turn"
            )
        learned = [i for i, message in enumerate(messages) if is_learned(message, i) and i >= start]
        if not learned:
            raise InputError(
                "every assistant turn is marked as one that is only read (weight 0), so nothing is left to learn; drop the row"
            )
        if not learned[0]:
            raise InputError(
                "the conversation begins with the assistant's turn, which answers nothing; begin with what it answers, or mark the turn as one that is "
                "only read (weight: 0)"
            )
        self.noticed["read_only"] += len(turns) > len(learned)
        shown = told(messages)
        self._chat.require_all(shown[: learned[-1] + 1], template, learned)
        first = turns[0] if start else learned[0]  # sides that answer one prompt share what stands before their first turn
        anchor = sofar = self._chat.write(shown[:first], template, add_generation_prompt=True)
        context, said = self._tokens(anchor), ()
        if not context:
            raise InputError("the chat template writes nothing before the first assistant turn; begin with a user's turn")
        actions, mask, rest, ended = [], [], "", True
        for place in learned:
            tokens, before, through, rest, ended = self._turn(shown, place, template)
            if place > first:
                require_goes_on(sofar, before, place)
                between = self._between(before[len(anchor) :], before[len(sofar) :], said)
                actions += between
                mask += [False] * len(between)
            actions += tokens
            mask += [True] * len(tokens)
            anchor, sofar, said = before, before + through, tokens
        self._chat.require_read(anchor, shown[: learned[-1]], template, add_generation_prompt=True)
        if self.whole and rest:
            more = self._between(through + rest, rest, said)
            actions += more
            mask += [False] * len(more)
        if not ended and not self.whole:
            actions += self._end
            mask += [True]
            self.noticed["end_added"] += 1
            self.noticed["turn_without_end"] += len(learned) > 1
        return context, tuple(actions), tuple(mask)

    def _turn(self, shown: Sequence[Message], place: int, template: Mapping[str, Any]) -> tuple[Tokens, str, str, str, bool]:
        """An assistant's turn: the tokens that are learned, the text before it, its own through its end, what the template writes after that, and whether it
        ended."""
        content = shown[place]["content"]
        if self._known(content) and not self.whole:
            return content.tokens, self._chat.write(shown[:place], template, add_generation_prompt=True), content, "", True
        turn = self._chat.turn(shown, place, template)
        self.noticed["no_thoughts"] += opens_with_nothing(turn.words)
        if isinstance(content, Sampled) and not content.terminated and not self.whole:
            return self._continuation(turn.words), turn.before, turn.words, "", True
        return self._continuation(turn.words + turn.end), turn.before, turn.words + turn.end, turn.rest, bool(turn.end)

    def _between(self, since: str, after: str, said: Tokens) -> Tokens:
        """Tokens of what stands between two turns: ``after`` the first of them, or what is left of both as one text, which is how the model reads it."""
        whole = self._continuation(since)
        return whole[len(said) :] if whole[: len(said)] == said else self._continuation(after)

    def _sides(self, sides: list[Side]) -> tuple[Side, ...]:
        if any(not side.actions for side in sides):
            raise InputError("a completion has no tokens to learn from")
        context, room = self._fit(sides[0].context, max(len(side.actions) for side in sides))
        context, actions = self._shared(context), [self._shared(side.actions[:room]) for side in sides]
        cut = tuple(
            Side(context, own, s.mask[:room], {k: v[:room] for k, v in s.steps.items()}) for s, own in zip(sides, actions, strict=True)
        )
        if any(not any(side.mask) for side in cut):
            raise NothingLeft(f"cut to {room} tokens, the completion has nothing left to learn; drop the row, or leave it more room")
        return cut

    def _fit(self, context: Tokens, longest: int) -> tuple[Tokens, int]:
        """The context cut to the room there is, and the room left to actions, of which the longest side has ``longest``."""
        total = self.max_length if self.max_length is not None else len(context) + longest
        room = min(total - 1, self.max_prompt_length if self.max_prompt_length is not None else total - 1)
        if self.truncate in ("prompt", "both"):
            room = min(room, total - longest if self.truncate == "prompt" else max(total - longest, total // 2))
        if len(context) > room:
            if self.truncate not in ("prompt", "both") or room < 1:
                raise self._too_long(context, longest, room)
            keep = len(self._start) if context[:1] == self._start and room > 1 else 0
            context = context[:keep] + context[len(context) - room + keep :]
            self.truncated["prompt"] += 1
        if len(context) + longest > total:
            if self.truncate not in ("completion", "both"):
                raise self._too_long(context, longest, room)
            self.truncated["completion"] += 1
        return context, total - len(context)

    def _too_long(self, context: Tokens, longest: int, room: int) -> TooLong:
        if (longest > 1 and len(context) <= room) or room < 1:
            has = f"prompt and completion have {len(context)} + {longest} tokens and the model has room for {self.max_length}"
        else:
            has = f"the prompt has {len(context)} tokens and there is room for {room}"
        return TooLong(
            f"{has}; shorten or drop the row, raise the limit, or ask for it to be cut: truncate='prompt', 'completion' or 'both'"
        )


def _asked(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """A conversation up to its first answer."""
    first = next((i for i, message in enumerate(messages) if message["role"] == "assistant"), len(messages))
    return told(messages[:first])


def _as_messages(completion: Text) -> Sequence[Message]:
    if isinstance(completion, str):
        return [{"role": "assistant", "content": completion}]
    if not is_conversational(completion):
        raise InputError(f"a completion is a string or a list of {{role, content}}, and this one is {_shown(completion)}")
    return completion


def _as_users(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages with what tools say as turns of the user's, those that follow each other as one."""
    out: list[dict[str, Any]] = []
    for message in messages:
        own = message["content"] if message["role"] != "tool" else f"<tool_response>\n{message['content']}\n</tool_response>"
        role = "user" if message["role"] == "tool" else message["role"]
        if out and out[-1]["role"] == role == "user":
            out[-1]["content"] += f"\n{own}"
        else:
            out.append({"role": role, "content": own})
    return out


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def written_out(tokenizer: Any) -> bytes:
    """What decides which tokens a text becomes, and where one ends."""
    if tokenizer is None:
        return b""
    inside = getattr(tokenizer, "backend_tokenizer", None)
    words = inside.to_str() if inside is not None else repr(sorted(getattr(tokenizer, "get_vocab", dict)().items()))
    return f"{words} {getattr(tokenizer, 'chat_template', None)} {getattr(tokenizer, 'eos_token', None)}".encode()
