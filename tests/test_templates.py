"""What is learned is what the row says: random conversations under the chat templates of a dozen families."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_templates import FAMILIES, Family, tokenizer
from guerdon.data.examples import of_row
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder

words = st.text("ab\n é👍.{}", max_size=5)
inner = st.text("abc é", min_size=1, max_size=5).map(str.strip).filter(bool)
TOOLS = [{"type": "function", "function": {"name": "move", "description": "go", "parameters": {"type": "object", "properties": {"x": {}}}}}]
arguments = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 9) | inner, max_size=2)


@st.composite
def conversations(draw, tools=False, most=3):
    """Messages: a system turn or none, then turns of user and assistant, thoughts in some, calls and their results in some."""
    messages = [{"role": "system", "content": draw(inner)}] if draw(st.booleans()) else []
    thinks = draw(st.booleans())
    for _ in range(draw(st.integers(1, most))):
        messages.append({"role": "user", "content": draw(words)})
        if tools and draw(st.booleans()):
            given_as = draw(st.sampled_from([dict, json.dumps]))
            call = {"type": "function", "function": {"name": "move", "arguments": given_as(draw(arguments))}}
            messages.append({"role": "assistant", "content": draw(st.sampled_from(["", None])), "tool_calls": [call]})
            messages.append({"role": "tool", "name": "move", "tool_call_id": "1", "content": draw(words)})
        answer = {"role": "assistant", "content": draw(words)}
        messages.append(answer | ({"reasoning_content": draw(inner)} if thinks and draw(st.booleans()) else {}))
    return messages


def runs(side: Side, encode: Encoder) -> list[tuple[str, str]]:
    """What stands before each stretch that is learned, and the stretch, as text with every special token."""
    found, begun = [], None
    mask = [*side.mask, False]
    for at, now in enumerate(mask):
        if now and begun is None:
            begun = at
        if not now and begun is not None:
            before = [*side.context, *side.actions[:begun]]
            found.append((encode.decode(before, special=True), encode.decode(side.actions[begun:at], special=True)))
            begun = None
    return found


def writable(family: Family, messages, variables) -> bool:
    """Whether the template itself writes the conversation, and every beginning of it that would be sampled from."""
    try:
        for place, message in enumerate(messages):
            if message["role"] == "assistant":
                tokenizer(family).apply_chat_template(messages[:place], tokenize=False, add_generation_prompt=True, **variables)
                tokenizer(family).apply_chat_template(
                    [*messages[:place], {"role": "assistant", "content": "a"}], tokenize=False, **variables
                )
    except Exception:
        return False
    return True


def expected(family: Family, messages, variables) -> list[str] | None:
    """What is to be learned of each assistant's turn; None where one of them cannot be said under the template."""
    said = [family.said(m, variables) for m in messages if m["role"] == "assistant"]
    return None if None in said else said


def check(family: Family, messages, variables, made: list[Example]) -> None:
    """The examples of one row are the turns of the conversation, each in the context in which it would be sampled; the learned tokens spell what the
    assistant said and its end, and nothing else; context and learned tokens together are the template's own text up to there."""
    encode = Encoder(tokenizer(family))
    turns = [i for i, m in enumerate(messages) if m["role"] == "assistant"]
    found = [runs(example.sides[""], encode) for example in made]
    said = expected(family, messages, variables)
    assert said is not None, "a row is learned that the template cannot say"
    learned = [words for one in found for _, words in one]
    if not family.closes:  # only the last turn of an example is closed
        said = [s for s in (s.removesuffix(family.eos) for s in said[:-1]) if s] + said[-1:]
    assert learned == said
    if len(learned) == len(turns):
        for (before, _), place in zip([run for one in found for run in one], turns, strict=True):
            assert before == encode.decode(encode.encode_prompt(messages[:place], **variables), special=True) if place else True
    for example, place in zip(made, turns if len(made) > 1 else turns[:1], strict=True):
        assert example.sides[""].context == encode.encode_prompt(messages[:place], **variables)


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_what_is_learned_of_messages_is_what_the_assistant_said(name, data):
    family = FAMILIES[name]
    variables = data.draw(st.sampled_from(family.variables))
    messages = data.draw(conversations(tools=True))
    row = {"messages": messages, "chat_template_kwargs": variables}
    try:
        made = of_row(row, Encoder(tokenizer(family)))
    except InputError as error:
        assert len(str(error)) > 20
        assert expected(family, messages, variables) is None or not writable(family, messages, variables), str(error)
        return
    check(family, messages, variables, made)


# The other formats: the same turns in other columns


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_every_format_learns_the_same_of_the_same_turn(name, data):
    family = FAMILIES[name]
    variables = data.draw(st.sampled_from(family.variables))
    *prompt, answer = data.draw(conversations(most=2))
    other = {"role": "assistant", "content": data.draw(inner) + "z"}
    more = {"chat_template_kwargs": json.dumps(variables), "tools": None}
    encode = Encoder(tokenizer(family))
    rows = {
        "completion": {"prompt": prompt, "completion": [answer]},
        "label": {"prompt": prompt, "completion": [answer], "label": True},
        "chosen": {"prompt": prompt, "chosen": [answer], "rejected": [other]},
        "whole": {"chosen": [*prompt, answer], "rejected": [*prompt, other]},
        "ranked": {"prompt": prompt, "completions": [[answer], [other]], "scores": [1, 0]},
    }
    found = {}
    for kind, row in rows.items():
        try:
            (made,) = of_row({**row, **more}, encode)
        except InputError as error:
            found[kind] = type(error), str(error)
            continue
        side = made.sides["chosen" if "chosen" in made.sides else ""]
        found[kind] = side[0] if isinstance(side, tuple) else side
    if isinstance(found["completion"], tuple):
        said = expected(family, [*prompt, answer], variables)
        assert said is None or family.said(answer, variables) is None or not writable(family, [*prompt, answer, {}], variables)
        assert all(isinstance(one, tuple) for one in found.values())
        return
    side = found["completion"]
    assert all(one == side for one in found.values())
    assert side.context == encode.encode_prompt(prompt, **variables)
    assert encode.decode(side.actions, special=True) == family.said(answer, variables) and all(side.mask)
    stepwise = of_row({"prompt": prompt, "completions": ["a", "b"], "labels": [1, 0], **more}, encode)[0].sides[""]
    assert stepwise.context == side.context and encode.decode(stepwise.actions) == "a\nb\n"


THINKS = ("deepseek r1", "qwen 3", "qwen 3, thinking", "nemotron")


@pytest.mark.parametrize("name", FAMILIES)
@given(thought=inner, answer=inner)
@settings(deadline=None, max_examples=10)
def test_thoughts_in_the_content_are_thoughts(name, thought, answer):
    """Where the template knows of thoughts, or opens their block; elsewhere they are words like all others."""
    family, encode = FAMILIES[name], Encoder(tokenizer(FAMILIES[name]))
    user = [{"role": "user", "content": "?"}]
    tagged = {"role": "assistant", "content": f"<think>\n{thought}\n</think>\n\n{answer}"}
    if name == "deepseek v3.1":  # by itself it closes the block before the model speaks
        with pytest.raises(InputError, match="closes the thinking block"):
            encode.encode_pair(user, [tagged])
        side, said = encode.encode_pair(user, [tagged], thinking=True), f"\n{thought}\n</think>\n\n{answer}<|end|>"
    else:
        side = encode.encode_pair(user, [tagged])
        apart = {"role": "assistant", "content": answer, "reasoning_content": thought}
        said = family.said(apart if name in THINKS else tagged, {})
    assert encode.decode(side.actions, special=True) == (
        said if name != "glm 4.5" else "\n<think></think>\n" + tagged["content"] + family.eos
    )


@pytest.mark.parametrize("name", ["deepseek r1", "qwen 3, thinking", "nemotron"])
@given(text=words, thought=words)
@settings(deadline=None, max_examples=30)
def test_what_was_sampled_in_an_open_block_is_learned_as_it_was_sampled(name, text, thought):
    encode = Encoder(tokenizer(FAMILIES[name]))
    user = [{"role": "user", "content": "?"}]
    end = "\n<SPECIAL_12>" if name == "nemotron" else FAMILIES[name].eos  # the line before its end token is the template's
    said = encode.tokenizer.encode(f"{thought}</think>{text}{end}", add_special_tokens=False)
    again = encode.encode_pair(user, [{"role": "assistant", "content": f"{thought}</think>{text}"}])
    assert again.context == encode.encode_prompt(user) and list(again.actions) == said and all(again.mask)
