"""What is told between two turns by others than the user (whose turns are held to the templates in test_attempts)."""

import copy

import pytest

from chat_templates import FAMILIES, tokenizer
from guerdon.errors import InputError
from guerdon.tasks.encoding import Encoder

ASKED = [{"role": "user", "content": "what is 2+3?"}]
ROUND = [{"role": "user", "content": "are you sure?"}]
TOOL = [{"role": "tool", "name": "add", "tool_call_id": "call00000", "content": "it is 5"}]


def _told(family, replies, said="five"):
    encoder = Encoder(tokenizer(family))
    variables = family.variables[0]
    context = encoder.encode_prompt(ASKED, **variables)
    answer = (*encoder.encode_continuation(said), *encoder.stop_ids[-1:])
    try:
        told = encoder.encode_told(ASKED, answer, replies, **variables)
    except InputError as refused:
        return None, str(refused), encoder
    return encoder.decode([*context, *answer, *told], special=True), encoder.decode(told, special=True), encoder


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_tool_says_is_told_by_every_template(name):
    family = FAMILIES[name]
    whole, told, encoder = _told(family, TOOL)
    if whole is None:
        pytest.skip(told)
    assert told.count("it is 5") == 1 and "five" not in told and "\ue000" not in told
    if family.tools:  # a family that knows tools has a turn for them
        assert not encoder.noticed["told_as_user"]


@pytest.mark.parametrize("name", FAMILIES)
def test_two_results_are_told_in_their_order(name):
    family = FAMILIES[name]
    whole, told, _ = _told(family, [*TOOL, {**TOOL[0], "content": "and 7"}])
    if whole is None:
        pytest.skip(told)
    assert told.index("it is 5") < told.index("and 7")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_turn_that_was_cut_off_is_ended_before_others_speak(name):
    family = FAMILIES[name]
    encoder = Encoder(tokenizer(family))
    said = encoder.encode_continuation("fi")
    try:
        told = encoder.encode_told(ASKED, said, ROUND, **family.variables[0])
        ended = encoder.encode_told(ASKED, (*said, *encoder.stop_ids[-1:]), ROUND, **family.variables[0])
    except InputError as refused:
        pytest.skip(str(refused))
    assert len(told) >= len(ended)


def test_what_stands_before_is_not_written_anew():
    """Qwen 3 leaves the thoughts of earlier turns out once the user has spoken; the tokens that were sampled stay."""
    family = FAMILIES["qwen 3"]
    whole, _, _ = _told(family, ROUND, said="<think>\nhm\n</think>\n\nfive")
    assert "hm" in whole and whole.index("hm") < whole.index("are you sure?")


def test_plain_text_is_told_as_it_is():
    family = next(iter(FAMILIES.values()))
    encoder = Encoder(tokenizer(family))
    assert (
        encoder.decode(encoder.encode_told("2+3=", encoder.encode_continuation("5"), [{"role": "user", "content": ". 1+1="}])) == ". 1+1="
    )


STRICT = """{% for m in messages %}{% if m.role == 'tool' and not messages[loop.index0 - 1].tool_calls %}{{ raise_exception('a result needs a call') }}{% endif -%}
<|im_start|>{{ m.role }}
{{ m.content or '' }}{% if m.tool_calls %}{% for c in m.tool_calls %}[{{ c.function.name }} {{ c.function.arguments | tojson }}]{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def test_a_template_that_writes_results_only_behind_calls_is_shown_one():
    made = copy.deepcopy(tokenizer(FAMILIES["chatml"]))
    made.chat_template = STRICT
    encoder = Encoder(made)
    said = (*encoder.encode_continuation("[add 2+3]"), *encoder.stop_ids[-1:])
    told = encoder.decode(encoder.encode_told(ASKED, said, TOOL), special=True)
    assert told == "\n<|im_start|>tool\nit is 5<|im_end|>\n<|im_start|>assistant\n" and not encoder.noticed["told_as_user"]
