"""Encoding: a tokenizer, and how rows of text become tokens with the exact mask of what is trained on.

Tokens in, tokens out: the prompt is tokenized as the sampler will see it, the completion is tokenized on its own, and the two are put
one after the other. A text is never glued together first, so no token ever spans the end of the prompt and what is learned
from is what can be sampled.

* Plain text: the start token is put first if the tokenizer would put it there, once; the end token closes a completion.
* Conversations: the chat template writes every token, the start and the ends of turns included. The prompt ends with the head of
  the assistant's turn; in a longer conversation every assistant turn after the prompt is trained on, up to and with its end token, and what
  lies between is there to be read (mask false). This needs a template that only appends; one that rewrites earlier turns is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.sequences import Side

Message = Mapping[str, Any]
Text = str | Sequence[Message]
Tokens = tuple[int, ...]

TRUNCATIONS = ("", "prompt", "completion", "both")


def is_conversational(text: Any) -> bool:
    """Whether a column holds messages (``[{role, content}, ...]``) rather than a string."""
    return not isinstance(text, str) and isinstance(text, Sequence) and all(isinstance(m, Mapping) and "role" in m for m in text)


def template_variables(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row tells the chat template besides its messages: the columns ``tools`` and ``chat_template_kwargs``."""
    tools = row.get("tools")
    return {**(row.get("chat_template_kwargs") or {}), **({"tools": tools} if tools else {})}


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
        whole: keep, as steps that are not learned, what the chat template writes after the last end of turn: some scorers read their score there.
    """

    tokenizer: Any
    max_length: int | None = None
    max_prompt_length: int | None = None
    truncate: str = ""
    truncated: dict[str, int] = field(default_factory=lambda: {"prompt": 0, "completion": 0})
    whole: bool = False

    def __post_init__(self) -> None:
        if self.truncate not in TRUNCATIONS:
            raise InputError(f"truncate={self.truncate!r} is not one of {', '.join(map(repr, TRUNCATIONS))}")

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
                raise InputError("the prompt is a string and the completion a list of messages; make both strings or both messages")
            context = self._plain_prompt(prompt)
            parts = [(context, self._closed(c), None) for c in completions]
        else:
            raise InputError(f"a prompt is a string or a list of {{role, content}}, and this one is {_shown(prompt)}")
        return self._sides([Side(c, a, m or (True,) * len(a)) for c, a, m in parts])

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
        """A conversation of which every assistant turn is learned."""
        if not is_conversational(messages) or not len(messages):
            raise InputError(f"messages must be a list of {{role, content}}, and this is {_shown(messages)}")
        return self._sides([Side(*self._conversation(list(messages), 0, template))])[0]

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

    # Tokens to text

    def decode(self, tokens: Sequence[int], special: bool = False) -> str:
        """The text of tokens; ``special`` also writes the special ones."""
        return self.tokenizer.decode([int(t) for t in tokens], skip_special_tokens=not special)

    def completion(self, prompt: Text, tokens: Sequence[int]) -> Any:
        """What was sampled in answer to ``prompt``, in the prompt's own form: a string or one assistant message."""
        text = self.decode(tokens)
        return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]

    @cached_property
    def stop_ids(self) -> Tokens:
        """The tokens that end an answer: the tokenizer's end token and the one that the chat template closes a turn with."""
        end = self.tokenizer.eos_token_id
        return tuple(dict.fromkeys([*([] if end is None else [end]), *self._turn_end]))

    # Inside

    def _tokens(self, text: str) -> Tokens:
        try:
            return tuple(self.tokenizer.encode(text, add_special_tokens=False))
        except Exception as error:  # the Rust tokenizers raise bare Exception
            raise InputError(f"the tokenizer cannot write {_shown(text)} ({error}); use characters that it knows") from error

    @cached_property
    def _start(self) -> Tokens:
        """The start token where the tokenizer puts one before every text."""
        start = self.tokenizer.bos_token_id
        return (start,) if start is not None and list(self.tokenizer.encode(""))[:1] == [start] else ()

    @cached_property
    def _adds_space(self) -> bool:
        """Whether the tokenizer pretends that a space stands before each text, as SentencePiece does."""
        try:
            alone, after = self._tokens("a"), self._tokens("\na")
        except InputError:
            return False
        return after[-len(alone) :] != alone

    def _continuation(self, text: str) -> Tokens:
        """Tokens of a text that goes on after another one."""
        if not self._adds_space:
            return self._tokens(text)
        return self._tokens("\n" + text)[len(self._tokens("\n")) :]

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
        end = self.tokenizer.eos_token_id
        if end is None:
            raise InputError("the tokenizer has no end token, so a completion could never stop; set tokenizer.eos_token")
        tokens = self._tokens(text) if begins else self._continuation(text)
        if begins and self._start and tokens[:1] == self._start:
            tokens = tokens[1:]
        return tokens if tokens[-1:] == (end,) else (*tokens, end)

    def _prompt(self, prompt: Text, template: Mapping[str, Any]) -> Tokens:
        if isinstance(prompt, str):
            return self._plain_prompt(prompt)
        if not is_conversational(prompt) or not len(prompt):
            raise InputError(f"a prompt is a string or a list of {{role, content}}, and this one is {_shown(prompt)}")
        if prompt[-1]["role"] == "assistant":
            return self._tokens(self._render(prompt, template, continue_final_message=True))
        return self._tokens(self._render(prompt, template, add_generation_prompt=True))

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
        context, actions, mask, seen = (), [], [], ""
        for turn in turns:
            before = self._render(messages[:turn], template, add_generation_prompt=True)
            whole = self._render(messages[: turn + 1], template)
            self._require_prefix(seen, before, turn)
            self._require_prefix(before, whole, turn)
            between, said = self._tokens(before[len(seen) :]), self._continuation(whole[len(before) :])
            if turn == turns[0]:
                context = between
            else:
                actions += between
                mask += [False] * len(between)
            closed = max((i + 1 for i, token in enumerate(said) if token in self.stop_ids), default=len(said))
            actions += said
            mask += [True] * closed + [False] * (len(said) - closed)
            seen = whole
        while mask and not mask[-1] and not self.whole:  # what the template writes after the last end of turn is never sampled
            mask.pop()
            actions.pop()
        return context, tuple(actions), tuple(mask)

    def _render(self, messages: Sequence[Message], template: Mapping[str, Any], **how: Any) -> str:
        from jinja2 import TemplateError

        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError(
                "the data are conversations and the tokenizer has no chat template; use the model's instruct variant, set "
                "tokenizer.chat_template, or give prompt and completion as plain strings"
            )
        try:
            return self.tokenizer.apply_chat_template(list(messages), tokenize=False, **how, **template)
        except (TemplateError, ValueError, KeyError, TypeError) as error:
            roles = ", ".join(str(m["role"]) for m in messages)
            raise InputError(f"the chat template cannot write this conversation ({roles}): {error}") from error

    @staticmethod
    def _require_prefix(part: str, whole: str, turn: int) -> None:
        if not whole.startswith(part):
            at = next((i for i, (a, b) in enumerate(zip(part, whole, strict=False)) if a != b), min(len(part), len(whole)))
            raise InputError(
                f"the chat template does not keep what it wrote before message {turn} (it changes at {part[at : at + 20]!r}), so training would "
                "see other tokens than sampling; use a template that only appends, or one row per assistant turn"
            )

    @cached_property
    def _turn_end(self) -> Tokens:
        """The special token that the chat template puts after an assistant's words, if there is one."""
        if not getattr(self.tokenizer, "chat_template", None):
            return ()
        end = self.tokenizer.eos_token
        word = next((w for w in ("b", "a", "1") if w != end), "b")
        try:
            said = self._render([{"role": "user", "content": word}, {"role": "assistant", "content": word}], {})
            tail = self._tokens(said[said.rindex(word) + len(word) :])
        except (InputError, ValueError):
            return ()
        return tuple(t for t in tail if t in self.tokenizer.all_special_ids)[:1]

    def _sides(self, sides: list[Side]) -> tuple[Side, ...]:
        if any(not side.actions for side in sides):
            raise InputError("a completion has no tokens to learn from")
        context, room = self._fit(sides[0].context, max(len(side.actions) for side in sides))
        return tuple(Side(context, s.actions[:room], s.mask[:room], {k: v[:room] for k, v in s.steps.items()}) for s in sides)

    def _fit(self, context: Tokens, longest: int) -> tuple[Tokens, int]:
        """The context cut to the room there is, and the room left to actions, of which the longest side has ``longest``."""
        total = self.max_length if self.max_length is not None else len(context) + longest
        room = min(total - 1, self.max_prompt_length if self.max_prompt_length is not None else total - 1)
        if self.truncate in ("prompt", "both"):
            room = min(room, total - longest if self.truncate == "prompt" else max(total - longest, total // 2))
        if len(context) > room:
            if self.truncate not in ("prompt", "both") or room < 1:
                raise InputError(self._too_long(context, longest, room))
            keep = len(self._start) if context[:1] == self._start and room > 1 else 0
            context = context[:keep] + context[len(context) - room + keep :]
            self.truncated["prompt"] += 1
        if len(context) + longest > total:
            if self.truncate not in ("completion", "both"):
                raise InputError(self._too_long(context, longest, room))
            self.truncated["completion"] += 1
        return context, total - len(context)

    def _too_long(self, context: Tokens, longest: int, room: int) -> str:
        if (longest > 1 and len(context) <= room) or room < 1:
            has = f"prompt and completion have {len(context)} + {longest} tokens and the model has room for {self.max_length}"
        else:
            has = f"the prompt has {len(context)} tokens and there is room for {room}"
        return f"{has}; shorten or drop the row, raise the limit, or ask for it to be cut: truncate='prompt', 'completion' or 'both'"


def _as_messages(completion: Text) -> Sequence[Message]:
    if isinstance(completion, str):
        return [{"role": "assistant", "content": completion}]
    if not is_conversational(completion):
        raise InputError(f"a completion is a string or a list of {{role, content}}, and this one is {_shown(completion)}")
    return completion


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
