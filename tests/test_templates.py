"""What is learned is what the row says: random conversations under the chat templates of a dozen families."""

import copy
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


THINKS = ("minimax", "deepseek r1", "qwen 3", "qwen 3, thinking", "nemotron")


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


# what a template leaves out without a word


def encoder(template: str) -> Encoder:
    made = copy.deepcopy(tokenizer(FAMILIES["chatml"]))
    made.chat_template = template
    return Encoder(made)


def turn(role: str, content: str | None, **more) -> dict:
    return {"role": role, "content": content, **more}


def calls(*named, **more) -> dict:
    held = [{"id": "1", "type": "function", "function": {"name": name, "arguments": {"x": x}}} for name, x in named]
    return turn("assistant", "", tool_calls=held, **more)


WRITTEN = "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
PROMPT = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
SAID = [turn("system", "be kind"), turn("user", "a long question"), turn("assistant", "yes"), turn("user", "why"), turn("assistant", "so")]
LEAVING_OUT = {
    "the system's turn": (
        "{% for m in messages if m.role != 'system' %}" + WRITTEN + "{% endfor %}",
        SAID,
        r"'content' of message 0 \(system\)",
    ),
    "all but the last turns": ("{% for m in messages[-2:] %}" + WRITTEN + "{% endfor %}", SAID[:4], r"'content' of message 0 \(system\)"),
    "what comes late in a turn": (
        "{% for m in messages %}" + WRITTEN.replace("m.content", "m.content[:10]") + "{% endfor %}",
        SAID,
        r"'content' of message 1 \(user\)",
    ),
    "earlier answers": (
        "{% for m in messages if m.role != 'assistant' %}" + WRITTEN + "{% endfor %}",
        SAID[:4],
        r"'content' of message 2 \(assistant\)",
    ),
    "what a tool said": (
        "{% for m in messages if m.role != 'tool' %}" + WRITTEN + "{% endfor %}",
        [SAID[1], turn("assistant", "wait"), turn("tool", "it rains"), turn("assistant", "so")],
        r"'content' of message 2 \(tool\)",
    ),
    "a second call": (
        "{% for m in messages %}"
        + WRITTEN.replace("m.content", "(m.tool_calls[0].function|tojson if m.tool_calls else m.content)")
        + "{% endfor %}",
        [SAID[1], calls(("move", 1), ("talk", 2))],
        r"'tool_calls\[1\]' of message 1",
    ),
    "arguments": (
        "{% for m in messages %}"
        + WRITTEN.replace("m.content", "(m.tool_calls[0].function.name if m.tool_calls else m.content)")
        + "{% endfor %}",
        [SAID[1], calls(("move", 1))],
        r"'tool_calls\[0\].arguments' of message 1",
    ),
    "the name of a call": (
        "{% for m in messages %}"
        + WRITTEN.replace("m.content", "(m.tool_calls[0].function.arguments|tojson if m.tool_calls else m.content)")
        + "{% endfor %}",
        [SAID[1], calls(("move", 1))],
        r"'tool_calls\[0\].name' of message 1",
    ),
}


@pytest.mark.parametrize("case", LEAVING_OUT)
def test_what_a_template_leaves_out_is_refused(case):
    template, messages, words = LEAVING_OUT[case]
    with pytest.raises(InputError, match=words):
        if messages[-1]["role"] == "assistant":
            of_row({"messages": messages}, encoder(template + PROMPT))
        else:
            encoder(template + PROMPT).encode_prompt(messages)
    whole = encoder(
        "{% for m in messages %}"
        + WRITTEN.replace("m.content", "m.content + (m.tool_calls|tojson if m.tool_calls else '')")
        + "{% endfor %}"
        + PROMPT
    )
    assert whole.encode_prompt(messages[:-1]) and (messages[-1]["role"] != "assistant" or of_row({"messages": messages}, whole))


def test_an_identity_may_say_the_name_of_a_call():
    named = {"id": "functions.move:0", "type": "function", "function": {"name": "move", "arguments": {"x": 1}}}
    said = "(m.tool_calls[0].id + m.tool_calls[0].function.arguments|tojson if m.tool_calls else m.content)"
    encode = encoder("{% for m in messages %}" + WRITTEN.replace("m.content", said) + "{% endfor %}" + PROMPT)
    side = encode.encode_messages([SAID[1], turn("assistant", "", tool_calls=[named])])
    assert encode.decode(side.actions) == 'functions.move:0{"x": 1}'


def test_a_conversation_that_begins_with_an_answer_is_refused_unless_it_is_only_read():
    family = FAMILIES["chatml"]
    begins = [turn("assistant", "welcome"), *SAID[1:3]]
    with pytest.raises(InputError, match=r"begins with the assistant's turn.*weight: 0"):
        Encoder(tokenizer(family)).encode_messages(begins)
    side = Encoder(tokenizer(family)).encode_messages([{**begins[0], "weight": 0}, *begins[1:]])
    assert [words for _, words in runs(side, Encoder(tokenizer(family)))] == ["yes<|im_end|>"]
