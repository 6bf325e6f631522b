"""The chat template of a tokenizer: what it writes of a conversation, and whether it writes all that the rows say.

Nothing is taken on trust. Whether a field of a message is written is seen by writing the conversation without it; where an assistant's words end, by
writing other words in their place.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.messages import THOUGHTS

Told = Sequence[Mapping[str, Any]]  # messages in the form that ``messages.told`` gives them
MARK = "\ue000"  # words that no template and no row has
_SAID = {"role": "assistant", "content": MARK}
_CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "id": "call00000", "function": {"name": "call", "arguments": {"of": MARK}}}],
}
_NAMES = {"id", "tool_call_id"}  # of what belongs together; most templates go by the order
_TAG = re.compile(r"</?[\w:|]*think[\w:|]*>", re.IGNORECASE)
_EMPTY = re.compile(r"\s*<([\w:|]*think[\w:|]*)>\s*</\1>\s*", re.IGNORECASE)
_NOTHING = re.compile(r"\s*(<[\w:|]*think[\w:|]*>\s*)?</[\w:|]*think[\w:|]*>", re.IGNORECASE)
_CLOSED = re.compile(r"</[\w:|]*think[\w:|]*>\s*\Z", re.IGNORECASE)
_OPENED = re.compile(r"<([\w:|]*think[\w:|]*)>\s*\Z", re.IGNORECASE)


class Rewrites(InputError):
    """The template does not go on from what it wrote before. Turn by turn, a conversation can still be learned."""


@dataclass(frozen=True)
class Turn:
    """An assistant's turn as it is learned.

    Attributes:
        before: what the policy reads when it is to speak.
        words: what it is to say.
        end: what ends it; empty where the template ends no turn.
        rest: what the template writes after that.
    """

    before: str
    words: str
    end: str
    rest: str


@dataclass
class ChatTemplate:
    """``tokenizer``: whose template. Rows of like shape are tried once (``_kept``)."""

    tokenizer: Any
    _kept: set[Any] = field(default_factory=set)

    # Writing

    def write(self, messages: Told, variables: Mapping[str, Any], **how: Any) -> str:
        """What the template makes of a conversation.

        Raises:
            InputError: there is no template, or it cannot write this.
        """
        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError(
                "the data are conversations and the tokenizer has no chat template; use the model's instruct variant, set "
                "tokenizer.chat_template, or give prompt and completion as plain strings"
            )
        doubtful, error = None, None
        for form in _forms(messages):
            try:
                text = self._written(form, variables, **how)
            except InputError as cannot:
                error = error or cannot
                continue
            if not _misread(text, messages):
                return text
            doubtful = doubtful or text
        if doubtful is None:
            raise error
        return doubtful

    def _written(self, messages: Told, variables: Mapping[str, Any], **how: Any) -> str:
        from jinja2 import TemplateError

        try:
            return self.tokenizer.apply_chat_template(list(messages), tokenize=False, **how, **variables)
        except (TemplateError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            roles = ", ".join(str(m["role"]) for m in messages)
            raise InputError(f"the chat template cannot write this conversation ({roles}): {error}") from error

    def prompt(self, messages: Told, variables: Mapping[str, Any]) -> str:
        """What the policy reads when it is to speak after ``messages``; a last turn that is the assistant's is continued."""
        continued = messages[-1]["role"] == "assistant"
        self.require_all(messages, variables, learned=())
        how = {"continue_final_message" if continued else "add_generation_prompt": True}
        text = self.write(messages, variables, **how)
        self.require_read(text, messages, variables, **how)
        return text

    def head(self, messages: Told, variables: Mapping[str, Any]) -> str:
        """What the template writes between its generation prompt and the words of an answer to ``messages``, thinking blocks and blanks aside: what the
        model has to say before it comes to speak."""
        before = self.write(messages, variables, add_generation_prompt=True)
        marked = self.write([*messages, {"role": "assistant", "content": MARK}], variables)
        if MARK not in marked or not marked.startswith(before):
            return ""
        return _TAG.sub("", marked[len(before) : marked.index(MARK)]).strip()

    def reads(self, messages: Told, variables: Mapping[str, Any], name: str) -> bool:
        """Whether the template writes something else for some value of a variable."""
        for how in ({"add_generation_prompt": True}, {}):
            texts = set()
            for value in (variables[name], True, False, None, MARK):
                try:
                    texts.add(self.write(messages, {**variables, name: value}, **how))
                except InputError:
                    return True
            if len(texts) > 1:
                return True
        return False

    # What an answer is

    def turn(self, messages: Told, place: int, variables: Mapping[str, Any]) -> Turn:
        """The assistant's turn at ``place`` as it is learned: in the context in which it would be sampled.

        Raises:
            Rewrites: the template writes the turn otherwise than after its own generation prompt.
            InputError: it leaves something of the turn out.
        """
        message = messages[place]
        before = self.write(messages[:place], variables, add_generation_prompt=True)
        whole = self.write(messages[: place + 1], variables)
        if _CLOSED.search(before) and (_thoughts(message) or "</think>" in _answer(message)):
            raise InputError(
                f"message {place} has thoughts, and the chat template closes the thinking block before the model speaks; take the thoughts out, or turn "
                "thinking on in column 'chat_template_kwargs'"
            )
        opened = _OPENED.search(before)
        goes_on = opened is not None and _goes_on(message["content"], opened.group(1))
        if whole.startswith(before) and not goes_on and self._holds(whole[len(before) :], whole, messages, place, variables):
            said = whole[len(before) :]
        else:
            said = self._after_prompt(messages, place, variables, before, whole)
        return Turn(before, *self._ended(said, message, place, messages, variables))

    def _after_prompt(self, messages: Told, place: int, variables: Mapping[str, Any], before: str, whole: str) -> str:
        """What is said where the generation prompt opens a thinking block that the template does not write in the same way afterwards, or where it
        writes the turn without its thoughts: thoughts, the end of the block, and then what the template writes of the rest."""
        message, content = messages[place], _answer(messages[place])
        opened = _OPENED.search(before)
        tag = opened.group(1) if opened else ""
        common = _common(before, whole)
        if opened and opened.start() <= common < opened.end(1) + 1:  # within the tag
            common = opened.start()
        rest, opener = whole[common:], before[common:]
        if opener.strip() and opener.strip() != f"<{tag}>" and not _EMPTY.fullmatch(opener):
            return self._elsewhere(messages, place, variables, before, whole)
        close, thought = f"</{tag or 'think'}>", _thoughts(message)
        if close in content:  # what was said is the content itself
            inner, answer = content.rsplit(close, 1)
            said = inner + close + answer
            if tag and said.lstrip().startswith(f"<{tag}>"):
                said = said.lstrip()[len(tag) + 2 :]
                said = said[1:] if before.endswith("\n") and said.startswith("\n") else said
            if not _in(answer, rest):
                raise InputError(_left_out("content", place, message))
            return said + (_after(answer, rest) if _calls(message) else self._tail(messages, place, variables))
        if not _in(content, rest):
            raise InputError(_left_out("content", place, message))
        if not tag:
            if thought is not None:
                raise InputError(_left_out(THOUGHTS[0], place, message))
            return rest if opener.strip() else rest.lstrip()
        line = "\n" if before.endswith("\n") else ""
        block = "" if rest.lstrip().startswith(close) else f"{line}{close}{2 * line}"
        return (thought.strip("\n") if thought else "") + block + rest

    def _elsewhere(self, messages: Told, place: int, variables: Mapping[str, Any], before: str, whole: str) -> str:
        """What is said where the template writes what stands before the turn in another way once there is one, but ends it alike: some put what the
        system says into the user's last message only while that is the last of all."""
        marked = self.write([*messages[:place], {"role": "assistant", "content": MARK}], variables)
        head = marked.partition(MARK)[0].rstrip()
        alike = _common(before[::-1], head[::-1])
        if MARK not in marked or not whole.startswith(head) or not any(word in before[-alike:] for word in self._special_texts if alike):
            raise Rewrites(_rewritten(before, whole, place))
        said = whole[len(head) :]
        if not self._holds(said, whole, messages, place, variables):
            raise Rewrites(_rewritten(before, whole, place))
        return said

    def _holds(self, said: str, whole: str, messages: Told, place: int, variables: Mapping[str, Any]) -> bool:
        """Whether all that a turn's author wrote and thought is in what is said, in this order."""
        message, at = messages[place], 0
        for piece in _TAG.split(_answer(message)):
            found = said.find(piece.strip(), at)
            if found < 0:
                return False
            at = found + len(piece.strip())
        fewer = [{k: v for k, v in message.items() if k not in THOUGHTS}] if _thoughts(message) else []
        fewer += [{**message, "content": ""}] if _calls(message) and _answer(message).strip() else []
        return all(self.write([*messages[:place], one], variables) != whole for one in fewer)

    def between(self, messages: Told, replies: Told, variables: Mapping[str, Any]) -> str:
        """What the template writes between an answer to ``messages`` and the next one, where others say ``replies`` meanwhile.

        Some templates write what a tool says only behind a call of one: then the answer is written as one, and what is returned begins with the end of that.

        Raises:
            InputError: it does not write the one behind the other.
        """
        so_far = [*messages[:-1]] if messages[-1]["role"] == "assistant" else [*messages]  # a turn that is continued is the answer's own
        for said in (_SAID, _CALLED) if any(reply["role"] == "tool" for reply in replies) else (_SAID,):
            try:
                whole = self.write([*so_far, said, *replies], variables, add_generation_prompt=True)
            except InputError:
                continue
            _, found, after = whole.partition(MARK)
            ends = [after.find(end) for end in self.end_texts if end in after]
            if said is _CALLED and ends:
                after = after[min(ends) :]
            if found and (said is _SAID or ends) and all(_in(_answer(reply), after) for reply in replies):
                return after
        shown = next((_answer(reply) for reply in replies if _answer(reply)), "")
        raise InputError(
            f"the chat template does not write what an answer is replied with ({replies[0]['role']}: {shown[:40]!r}) behind the answer; "
            "use a model whose template writes turns in their order"
        )

    def after_end(self, between: str, text: str) -> str:
        """What stands ``between`` an answer and the next one behind the token that ends the answer, before which a template may write more (a new line, the end of a
        part of the answer); all of it where it writes no such token before the ``text`` of the first reply."""
        before = between.rpartition(text.strip())[0] if text.strip() else between
        return between[min((at + len(end) for end in self.end_texts if (at := before.find(end)) >= 0), default=0) :]

    def _tail(self, messages: Told, place: int, variables: Mapping[str, Any]) -> str:
        """What the template writes after an assistant's words at ``place``."""
        marked = self.write([*messages[:place], {"role": "assistant", "content": MARK}], variables)
        return marked[marked.rindex(MARK) + len(MARK) :] if MARK in marked else ""

    def _ended(
        self, said: str, message: Mapping[str, Any], place: int, messages: Told, variables: Mapping[str, Any]
    ) -> tuple[str, str, str]:
        """What is said, what ends it and what comes after; where nothing ends it, without what the template puts after every turn."""
        ends = [(at, end) for end in self.end_texts if (at := said.find(end)) >= 0]
        if ends:
            at, end = min(ends)
            inner = _answer(message).rstrip()
            inner = min((inner.removesuffix(word) for word in self.end_texts), key=len)
            if any(word in inner for word in self.end_texts):
                raise InputError(f"message {place} has {end!r}, which ends an answer, within its text; take it out")
            return said[:at], end, said[at + len(end) :]
        beyond = _after(_answer(message), said).rstrip()
        for word in self._special_texts:
            if beyond.endswith(word):
                return said.rstrip().removesuffix(word), word, said[len(said.rstrip()) :]
        tail = self._tail(messages, place, variables)
        return said.removesuffix(tail), "", ""

    @cached_property
    def end(self) -> str:
        """The special token that the template puts after an assistant's words; empty where there is none."""
        try:
            tail = self._tail([{"role": "user", "content": "?"}], 1, {})
        except InputError:
            return ""
        special = [word for word in self._special_texts if tail.startswith(word)]
        if special and self._closes_after(special):
            return self.tokenizer.eos_token
        later = [(tail.find(word), word) for word in self._special_texts if word in tail]
        return max(special, key=len) if special else min(later)[1] if later else ""

    def _closes_after(self, special: Sequence[str]) -> bool:
        """Whether the tokenizer's end token closes each turn, after other tokens that do not (Cohere closes the answer, and then the turn)."""
        own = self.tokenizer.eos_token
        if not own or own in special:
            return False
        turns = [
            ("user", "?"),
            ("assistant", MARK),
            ("user", 2 * MARK),
        ]  # in the midst: some write the end token once, after the last turn of all
        try:
            whole = self.write([{"role": role, "content": content} for role, content in turns], {})
        except InputError:
            return False
        between, found, _ = whole.partition(MARK)[2].partition(own)
        for word in self._special_texts:
            between = between.replace(word, "")
        return bool(found) and not between

    @cached_property
    def end_texts(self) -> tuple[str, ...]:
        """The texts of the tokens that end an answer."""
        own = self.tokenizer.eos_token
        return tuple(dict.fromkeys([*([own] if own else []), *(end for end in (self.end, self.call_end) if end)]))

    @cached_property
    def call_end(self) -> str:
        """The special token by which a turn that calls tools ends, where that is another one; empty where it is none."""
        try:
            whole = self.write([{"role": "user", "content": "?"}, _CALLED], {})
        except InputError:
            return ""
        tail = whole[whole.rindex(MARK) + len(MARK) :].rstrip() if MARK in whole else ""
        if any(end in tail for end in (self.tokenizer.eos_token, self.end) if end):
            return ""
        return next((word for word in sorted(self.special, key=len, reverse=True) if tail.endswith(word)), "")

    @cached_property
    def special(self) -> dict[str, int]:
        """The texts of the tokens that no text can spell, with their numbers."""
        added = getattr(self.tokenizer, "added_tokens_decoder", {})
        return {token.content: number for number, token in added.items() if token.special}

    @cached_property
    def _special_texts(self) -> list[str]:
        """The texts of the tokens that stand for themselves: special ones, and those that were added to the vocabulary."""
        added = getattr(self.tokenizer, "get_added_vocab", dict)()
        named = [self.tokenizer.decode([i]) for i in self.tokenizer.all_special_ids]
        return sorted({word for word in (*added, *named) if word.strip()}, key=len, reverse=True)

    # Whether all is written

    def require_all(self, messages: Told, variables: Mapping[str, Any], learned: Sequence[int]) -> None:
        """Refuse what the template leaves out of tools, calls and messages; of thoughts only in ``learned`` turns, since most templates drop those of earlier
        turns.

        Raises:
            InputError: what is left out, and of which message.
        """
        if variables.get("tools"):
            shape = ("tools", tuple(m["role"] for m in messages[:2]), messages[-1]["role"])
            self._require(
                shape,
                messages,
                variables,
                messages,
                {k: v for k, v in variables.items() if k != "tools"},
                lambda: (
                    "the chat template leaves out the tools that the row brings, so the model would not see them; use a model whose template writes tools, or "
                    "drop the column"
                ),
            )
        for place, message in enumerate(messages):
            for name in _fields(message):
                shape = (name, message["role"], tuple(sorted(message)), bool(message["content"]), place in learned)
                some = [*messages[:place], {k: v for k, v in message.items() if k != name}]
                if not some[-1]["content"] and len(some[-1]) == 2:
                    some[-1] = {**some[-1], "content": ""}
                self._require(shape, messages[: place + 1], variables, some, variables, lambda: _left_out(name, place, message))  # noqa: B023
            for what, other in _other_calls(message):
                shape = (what, tuple(sorted(message)), bool(message["content"]), place in learned)
                some = [*messages[:place], other]
                self._require(shape, messages[: place + 1], variables, some, variables, lambda: _left_out(what, place, message))  # noqa: B023

    def require_read(self, text: str, messages: Told, variables: Mapping[str, Any], **how: Any) -> None:
        """Refuse ``text``, which the template wrote for a policy to read, if one of the messages is not in it, or not to its end. Beside calls some templates
        take a content for thoughts.

        Raises:
            InputError: the message.
        """
        for place, message in enumerate(messages):
            content = _answer(message).strip()
            if not content or _calls(message):
                continue
            beside = (place == 0, *(m["role"] for m in messages[max(place - 1, 0) : place + 2]))
            shape = beside if message["role"] == "assistant" or content in text else None
            longer = [*messages[:place], {**message, "content": message["content"] + MARK}, *messages[place + 1 :]]
            self._require(shape, messages, variables, longer, variables, lambda: _left_out("content", place, message), how)  # noqa: B023

    def _require(
        self,
        shape: Any,
        messages: Told,
        variables: Mapping[str, Any],
        fewer: Told,
        fewer_variables: Mapping[str, Any],
        said: Any,
        how: Mapping[str, Any] = {},
    ) -> None:
        if shape in self._kept:
            return
        with_it = self.write(messages, variables, **how)
        try:
            without = self.write(fewer, fewer_variables, **how)
        except InputError:
            without = None  # it cannot do without
        if with_it == without:
            raise InputError(said())
        if shape is not None:
            self._kept.add(shape)


def _fields(message: Mapping[str, Any]) -> Iterator[str]:
    """Fields of a message that say something of their own and are looked for in what the template writes. Thoughts are looked for as text."""
    skipped = {
        "role",
        "content",
        *_NAMES,
        *THOUGHTS,
        *(() if message["role"] in ("user", "assistant", "system", "developer") else ("name",)),
    }
    yield from (name for name, value in message.items() if name not in skipped and isinstance(value, str | list | Mapping))


def _other_calls(message: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a message's calls say, each with the message as it would be if that were not so."""
    calls = _calls(message)
    for i, call in enumerate(calls):
        inner = call.get("function", call)
        which = f"tool_calls[{i}]"
        others = {which: None} if len(calls) > 1 else {}
        for name in ("name", "arguments"):
            if (
                isinstance(inner, Mapping) and inner.get(name) and str(inner[name]) not in str(call.get("id"))
            ):  # some say the name within the id
                own = {**inner, name: MARK if name == "name" else {MARK: MARK}}
                others[f"{which}.{name}"] = {**call, "function": own} if "function" in call else own
        for what, other in others.items():
            yield what, {**message, "tool_calls": [*calls[:i], *([other] if other else []), *calls[i + 1 :]]}


def _forms(messages: Told) -> Iterator[Told]:
    """The forms in which templates want calls and empty contents, the usual one first: arguments of calls are an object to most and JSON text to some; an
    empty content is null to some and an empty text to others."""
    calls = any(_object(_arguments(call)) is not None for m in messages for call in _calls(m))
    for own in (_changed(messages, _as_object), _changed(messages, _as_text)) if calls else (messages,):
        yield own
        if any(m["content"] is None for m in messages):
            yield [{**m, "content": "" if m["content"] is None else m["content"]} for m in own]


def _misread(text: str, messages: Told) -> bool:
    """Whether a template wrote Python's words for what it did not expect: an object's, or those for nothing."""
    objects = [o for m in messages for call in _calls(m) if (o := _object(_arguments(call)))]
    nothing = (
        any(m["content"] is None for m in messages)
        and "None" in text
        and "None" not in str([m["content"] for m in messages if m["content"]])
    )
    return nothing or any(repr(o) in text for o in objects)


def _calls(message: Mapping[str, Any]) -> list[Any]:
    calls = message.get("tool_calls")
    return [c for c in calls if isinstance(c, Mapping)] if isinstance(calls, list) else []


def _arguments(call: Mapping[str, Any]) -> Any:
    inner = call.get("function", call)
    return inner.get("arguments") if isinstance(inner, Mapping) else None


def _object(arguments: Any) -> dict[str, Any] | None:
    """The arguments of a call, if they are an object or spell one."""
    if isinstance(arguments, Mapping):
        return dict(arguments)
    try:
        value = json.loads(arguments)
    except (TypeError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _changed(messages: Told, change: Any) -> list[dict[str, Any]]:
    """The messages with other arguments in every call."""

    def of(call: Any) -> Any:
        arguments = _arguments(call) if isinstance(call, Mapping) else None
        if arguments is None:
            return call
        new = change(arguments)
        return {**call, "function": {**call["function"], "arguments": new}} if "function" in call else {**call, "arguments": new}

    return [{**m, "tool_calls": [of(c) for c in m["tool_calls"]]} if isinstance(m.get("tool_calls"), list) else dict(m) for m in messages]


def _as_object(arguments: Any) -> Any:
    return arguments if (read := _object(arguments)) is None else read


def _as_text(arguments: Any) -> Any:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _thoughts(message: Mapping[str, Any]) -> str | None:
    """What the turn's author thought, where it has a field of its own."""
    value = message.get(THOUGHTS[0])
    return value if isinstance(value, str) and value.strip() else None


def _answer(message: Mapping[str, Any]) -> str:
    return message["content"] if isinstance(message["content"], str) else ""


def _goes_on(content: Any, tag: str) -> bool:
    """Whether a content begins within the thinking block that the generation prompt opened: as it was sampled."""
    return isinstance(content, str) and f"</{tag}>" in content and f"<{tag}>" not in content.split(f"</{tag}>")[0]


def _in(piece: str, text: str) -> bool:
    return piece.strip() in text


def _after(piece: str, text: str) -> str:
    """What stands after a piece in a text that holds it."""
    piece = piece.strip()
    return text[text.rindex(piece) + len(piece) :] if piece and piece in text else text


def _left_out(name: str, place: int, message: Mapping[str, Any]) -> str:
    learned = "would be taught an answer without it" if message["role"] == "assistant" else "would not see it"
    elsewhere = "another message" if name == "content" else "the content"
    return (
        f"the chat template leaves out {name!r} of message {place} ({message['role']}), so the model {learned}; use a model whose template writes "
        f"{'all of it' if name == 'content' else name}, or put what it says into {elsewhere} or drop it"
    )


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _rewritten(part: str, whole: str, place: int) -> str:
    at = _common(part, whole)
    return (
        f"the chat template does not keep what it wrote before message {place} (it changes at {part[at : at + 20]!r}), so training would "
        "see other tokens than sampling; use a template that only appends, or one row per assistant turn"
    )


def opens_with_nothing(words: str) -> bool:
    """Whether an answer begins with the end of a thinking block in which nothing is thought."""
    return _NOTHING.match(words) is not None


def require_goes_on(sofar: str, before: str, place: int) -> None:
    """Refuse a template that writes what stands before message ``place`` otherwise once there is more."""
    if not before.startswith(sofar):
        raise Rewrites(_rewritten(sofar, before, place))
