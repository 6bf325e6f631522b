"""What is learned is what the row says: nulls, marks, calls and tools, columns for the template, what was sampled, and rows of which nothing is left."""

import copy
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_templates import FAMILIES, tokenizer
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.data.examples import examples, of_row
from guerdon.errors import InputError
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.messages import template_variables, there, told
from guerdon.tasks.sampled import Sampled, sampled, written

USER = [{"role": "user", "content": "go"}]
TOOLS = [{"type": "function", "function": {"name": "move", "parameters": {"type": "object", "properties": {"x": {"type": "number"}}}}}]


def encoder(name="qwen 2.5", **limits):
    return Encoder(tokenizer(FAMILIES[name]), **limits)


def call(**arguments):
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "move", "arguments": arguments}}]}


def learned(row, encode=None, side=""):
    """The learned text of a row."""
    encode = encode or encoder()
    return "".join(
        encode.decode([t for t, m in zip(e.sides[side].actions, e.sides[side].mask, strict=True) if m], special=True)
        for e in examples([row], encode)
    )


# Nulls

values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=2), v)
)


@given(values)
@settings(deadline=None)
def test_null_is_not_there_at_any_depth(value):
    def nulls(value):
        if isinstance(value, dict):
            return any(v is None or nulls(v) for v in value.values())
        return isinstance(value, list) and any(map(nulls, value))

    assert not nulls(there(value)) and there(there(value)) == there(value)
    if not nulls(value):
        assert there(value) == value


def test_a_table_of_structs_is_learned_as_the_lines_were(tmp_path):
    """Arrow gives every call the arguments of every other one, and every message the fields of every other one."""
    import pyarrow
    import pyarrow.parquet

    from guerdon.tasks.dataset import Dataset

    rows = [
        {"prompt": USER, "completion": [call(x=1, y=2)], "tools": TOOLS, "chat_template_kwargs": {"a": 1}},
        {"prompt": USER, "completion": [call(text="hi")], "tools": [{"type": "function", "function": {"name": "talk"}}]},
        {"prompt": USER, "completion": [{"role": "assistant", "content": "done"}]},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    table = Dataset(str(tmp_path / "rows.parquet"), shuffle=False).train()
    for line, one in zip(rows, table, strict=True):
        assert of_row(one, encoder()) == of_row(line, encoder())
        assert template_variables(one) == template_variables(line)
    assert learned(table[1]) == '<tool_call>\n{"name": "move", "arguments": {"text": "hi"}}\n</tool_call><|im_end|>'


def test_what_a_message_holds_is_put_into_one_form():
    assert told(
        [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "image": None}], "name": None}]
    ) == [{"role": "user", "content": "ab"}]
    (thinks,) = told([{"role": "assistant", "content": "a", "thinking": "b", "tool_calls": [], "weight": 0}])
    assert thinks == {"role": "assistant", "content": "a", "thinking": "b", "reasoning": "b", "reasoning_content": "b"}
    for messages, words in (
        ([{"role": "assistant", "content": None}], "message 0 .assistant. has no content"),
        ([{"role": "user", "content": [{"type": "image", "image": "x"}]}], "part of the kind 'image'"),
    ):
        with pytest.raises(InputError, match=words):
            told(messages)


# Columns for the template


@pytest.mark.parametrize("form", [lambda v: v, json.dumps, lambda v: json.dumps(v, indent=1)])
def test_columns_may_be_json_text(form):
    row = {"tools": form(TOOLS), "chat_template_kwargs": form({"enable_thinking": False})}
    assert template_variables(row) == {"tools": TOOLS, "enable_thinking": False}


@pytest.mark.parametrize("nothing", [None, "", " ", "null", [], "[]", {}, "{}"])
def test_nothing_is_nothing(nothing):
    kwargs = nothing if not isinstance(nothing, list) and nothing != "[]" else None
    tools = nothing if not isinstance(nothing, dict) and nothing != "{}" else None
    assert template_variables({"tools": tools, "chat_template_kwargs": kwargs}) == {} == template_variables({})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"tools": "[{"}, "'tools' is a text that is not JSON"),
        ({"tools": {"name": "move"}}, "'tools' holds .* it must be a list"),
        ({"tools": ["move"]}, "'tools' is a text that is not JSON"),
        ({"tools": [3]}, "holds 3 among its tools"),
        ({"chat_template_kwargs": [1]}, "'chat_template_kwargs' holds"),
        ({"chat_template_kwargs": "3"}, "'chat_template_kwargs' holds 3"),
        ({"chat_template_kwargs": {"tokenize": True}}, "sets 'tokenize'"),
    ],
)
def test_what_is_no_column_for_the_template_is_a_sentence(row, words):
    with pytest.raises(InputError, match=words):
        template_variables(row)


# What a template leaves out


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        ("chatml", {"prompt": USER, "completion": [call(x=1)]}, "leaves out 'tool_calls' of message 1"),
        ("chatml", {"prompt": USER, "chosen": [call(x=1)], "rejected": [call(x=2)]}, "leaves out 'tool_calls'"),
        ("chatml", {"messages": [*USER, call(x=1), *USER, {"role": "assistant", "content": "a"}]}, "leaves out 'tool_calls' of message 1"),
        ("chatml", {"prompt": USER, "completion": [{"role": "assistant", "content": "a"}], "tools": TOOLS}, "leaves out the tools"),
        ("chatml", {"prompt": USER, "tools": TOOLS}, "leaves out the tools"),
        ("chatml", {"prompt": "go", "completion": "a", "tools": TOOLS}, "prompt is plain text"),
        ("chatml", {"prompt": [{**USER[0], "name": "Ann"}], "completion": "a"}, "leaves out 'name' of message 0 .user."),
        ("chatml", {"prompt": USER, "completion": [{"role": "assistant", "content": "a", "reasoning": "b"}]}, "leaves out 'reasoning"),
        ("chatml", {"prompt": USER, "completion": [{"role": "assistant", "content": "a", "mood": "good"}]}, "leaves out 'mood'"),
        ("llama 3", {"prompt": USER, "completion": [{**call(x=1), "content": "I go."}]}, "leaves out 'content'"),
        ("chatml", {"prompt": USER, "completion": "a<|im_end|>b"}, "which ends an answer, within its text"),
    ],
)
def test_what_a_template_leaves_out_is_refused(name, row, words):
    with pytest.raises(InputError, match=words):
        of_row(row, encoder(name))


def test_what_a_template_writes_is_learned():
    row = {"prompt": [{**USER[0], "name": "Ann"}], "completion": "a"}
    encode = encoder("named chatml")
    assert "name=Ann" in encode.decode(of_row(row, encode)[0].sides[""].context)
    assert learned({"prompt": USER, "completion": [call(x=1)], "tools": json.dumps(TOOLS)}).startswith('<tool_call>\n{"name": "move"')
    # thoughts of earlier turns are dropped by most templates, and what only says which result belongs to which call is not missed
    talk = [*USER, {**call(x=1), "reasoning_content": "hm"}, {"role": "tool", "tool_call_id": "7", "name": "move", "content": "ok"}]
    assert learned({"prompt": talk, "completion": "a"}) == "a<|im_end|>"


# Marks


@pytest.mark.parametrize("mark", [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"training": False}, {"train_on_turn": False}])
@pytest.mark.parametrize("name", ["chatml", "qwen 3"])  # one that appends and one that is learned turn by turn
def test_turns_that_are_only_read(mark, name):
    bad, good = {"role": "assistant", "content": "bad", **mark}, {"role": "assistant", "content": "good", "weight": 1}
    said = "good<|im_end|>" if name == "chatml" else "<think>\n\n</think>\n\ngood<|im_end|>"
    for messages in ([*USER, bad, *USER, good], [*USER, good, *USER, bad]):
        assert learned({"messages": messages}, encoder(name)) == said
    assert learned({"messages": [*USER, good, *USER, good, *USER, bad]}, encoder(name)) == 2 * said
    share = [
        {"from": {"user": "human", "assistant": "gpt"}[m["role"]], "value": m["content"], **{k: v for k, v in m.items() if k in mark}}
        for m in (*USER, bad, *USER, good)
    ]
    assert learned({"conversations": share}, encoder(name)) == said
    with pytest.raises(InputError, match="nothing is left to learn"):
        of_row({"messages": [*USER, bad]}, encoder(name))


@pytest.mark.parametrize("mark", [{"weight": 0.5}, {"weight": "0"}, {"train": "no"}])
def test_marks_that_say_neither(mark):
    with pytest.raises(InputError, match=r"is learned \(1\) or only read \(0\)"):
        of_row({"messages": [*USER, {"role": "assistant", "content": "a", **mark}]}, encoder())
    with pytest.raises(InputError, match="only the assistant's turns can be learned"):
        of_row({"messages": [{**USER[0], "train": True}, {"role": "assistant", "content": "a"}]}, encoder())


# Rows of which nothing is left


def test_sides_that_are_equal_in_tokens():
    with pytest.raises(InputError, match="the same tokens"):
        of_row({"prompt": USER, "chosen": " a", "rejected": "a"}, encoder("gemma"))  # whose template trims
    with pytest.raises(InputError, match="all 2 completions are the same tokens"):
        of_row({"prompt": USER, "completions": [" a", "a"], "scores": [1, 0]}, encoder("gemma"))


def test_what_cutting_leaves_nothing_of_is_left_out_and_counted():
    pair = {"prompt": "go", "chosen": "fine, yes", "rejected": "fine, no"}
    steps = {"prompt": "go", "completions": ["one two", "three"], "labels": [1, 0]}
    ranked = {"prompt": "go", "completions": ["fine, yes", "fine, no"], "scores": [1, 0]}
    for row, other in (
        (pair, {**pair, "chosen": "yes"}),
        (steps, {**steps, "completions": ["a", "b"]}),
        (ranked, {**ranked, "completions": ["a", "b"]}),
    ):
        encode = encoder(max_length=8, truncate="completion")
        assert len(examples([row, other], encode)) == 1 and encode.noticed["left_out"] == 1
        with pytest.raises(InputError, match="of no row is anything left to learn"):
            examples([row], encoder(max_length=8, truncate="completion"))


# The end


def test_an_answer_ends_where_the_template_ends_none():
    talk = [*USER, {"role": "assistant", "content": "fine thank you"}]
    for row in (
        {"messages": talk},
        {"prompt": USER, "completion": talk[1:]},
        {"messages": [*USER, {"role": "assistant", "content": "a"}, *talk]},
    ):
        encode = encoder("no end")
        side = of_row(row, encode)[0].sides[""]
        assert encode.decode(side.actions, special=True).endswith("fine thank you</s>") and side.mask[-1]
        assert side.actions[-1] in encode.stop_ids
    mute = copy.deepcopy(tokenizer(FAMILIES["no end"]))
    mute.eos_token = None
    with pytest.raises(InputError, match="no end token"):
        of_row({"messages": talk}, Encoder(mute))


# What was sampled


@given(
    st.lists(st.integers(0, 255), max_size=6), st.booleans(), st.sampled_from(["chatml", "no end", "deepseek r1", "qwen 3"]), st.booleans()
)
@settings(deadline=None, max_examples=60)
def test_what_was_sampled_is_learned_token_for_token(tokens, ended, name, chat):
    """Bytes that are no characters, a completion that was cut off, more than one spelling: through memory, through pickle and through a file."""
    encode = encoder(name)
    tokens = tokens + [encode.stop_ids[-1]] * ended
    if not tokens:
        return
    prompt = USER if chat else "go"
    said = sampled(encode.completion(prompt, tokens), tokens, ended)
    scored = {"prompt": prompt, "completions": [said, sampled(encode.completion(prompt, [65]), [65], False)], "scores": [1.0, 0.0]}
    for rows in ([scored], pickle.loads(pickle.dumps([scored])), json.loads(json.dumps([written(scored)]))):
        (best,), (pair,) = RejectionSampling()(rows), BestWorstPairs()(rows)
        for side, row in (
            ("", best),
            ("chosen", pair),
            ("", json.loads(json.dumps(written(best)))),
            ("chosen", json.loads(json.dumps(written(pair)))),
        ):
            if side and encode.completion(prompt, tokens) == encode.completion(prompt, [65]):
                continue
            side = of_row(row, encode)[0].sides[side]
            assert side.actions == tuple(tokens) and all(side.mask) and side.context == encode.encode_prompt(prompt)


def test_what_another_tokenizer_sampled_keeps_only_that_it_did_not_end():
    cut = Sampled("abc", [9999, 3], terminated=False)
    assert cut == "abc" and copy.deepcopy(cut).tokens == (9999, 3)
    for prompt in ("go", USER):
        encode = encoder("chatml")
        assert encode.decode(encode.encode_pair(prompt, cut).actions, special=True) == "abc"
        assert encode.decode(encode.encode_pair(prompt, Sampled("abc", [9999, 3])).actions, special=True) == "abc<|im_end|>"


@pytest.mark.parametrize(("ended", "closed"), [(False, False), (0, False), (True, True), (1, True), (None, True)])
def test_of_a_row_without_tokens_it_counts_whether_the_answer_ended(ended, closed):
    """In every column in which a file says so: an answer that was cut off is learned without the end that nobody said."""
    encode = encoder("chatml")
    both = {"chosen_terminated": ended, "rejected_terminated": ended}
    rows = {
        "": {"prompt": "go", "completion": "ab", "terminated": ended},
        "chosen": {"prompt": "go", "chosen": "ab", "rejected": "ba", **both},
        "rejected": {"prompt": "go", "chosen": "ba", "rejected": "ab", **both},
    }
    for side, row in rows.items():
        said = encode.decode(of_row(row, encode)[0].sides[side].actions, special=True)
        assert said == ("ab<|im_end|>" if closed else "ab"), side


@pytest.mark.parametrize("tokens", [[[64]], [[64], [65], [66]], 7, [64, 65], [[True], [False]]])
def test_tokens_that_belong_to_other_answers_are_passed_over(tokens):
    encode = encoder("chatml")
    row = {"prompt": "go", "completions": ["ab", "ba"], "scores": [1.0, 0.0]}
    plain, odd = (of_row(some, encode)[0].sides for some in (row, {**row, "tokens": tokens}))
    assert plain == odd


def test_lines_of_a_run_are_learned_as_they_were_sampled():
    line = {
        "prompt": USER,
        "completion": [{"role": "assistant", "content": "ab"}],
        "tokens": [64, 65],
        "terminated": False,
        "logp": [0.0, 0.0],
    }
    encode = encoder("chatml")
    line["completion"][0]["content"] = encode.decode([64, 65])
    side = of_row(line, encode)[0]
    assert side.sides[""].actions == (64, 65) and "terminated" not in side.columns


def test_conversions_take_the_tokens_along():
    from guerdon.data.converting import Converting

    encode = encoder("chatml")
    tokens = {"chosen": [64, 130], "rejected": [65, encode.stop_ids[0]]}
    texts = {side: encode.completion("go", own) for side, own in tokens.items()}
    pair = {
        "prompt": "go",
        **texts,
        "chosen_tokens": tokens["chosen"],
        "chosen_terminated": False,
        "rejected_tokens": tokens["rejected"],
        "n": 1,
    }
    rows = json.loads(json.dumps(Converting("unpaired")([pair]).rows))
    assert [of_row(row, encode)[0].sides[""].actions for row in rows] == [tuple(tokens["chosen"]), tuple(tokens["rejected"])]
    assert [set(row) for row in rows] == 2 * [{"prompt", "completion", "label", "n", "tokens", "terminated"}]
    plain = {"prompt": "go", **texts, "chosen_tokens": 7}
    assert Converting("unpaired")([plain]).rows[0] == {"prompt": "go", "completion": texts["chosen"], "label": True, "chosen_tokens": 7}


# Whatever people bring

dirt = st.none() | st.booleans() | st.integers(-1, 2) | st.floats(allow_nan=True) | st.text("a<>{}/think|_\n", max_size=9)
anything = st.recursive(
    dirt,
    lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "function", "name", "arguments"]), v, max_size=3),
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool"]) | anything, "content": st.text("ab</think>", max_size=9) | anything},
    optional={
        "tool_calls": st.lists(st.fixed_dictionaries({"function": anything | st.fixed_dictionaries({"name": st.just("move"), "arguments": anything})}), max_size=2) | anything,
        "reasoning_content": anything, "weight": anything, "name": anything, "thinking": anything,
    },
)  # fmt: skip
row = st.fixed_dictionaries(
    {}, optional={"tools": anything, "chat_template_kwargs": anything, "tokens": anything, "terminated": anything, "label": anything}
)


@pytest.mark.parametrize("name", ["chatml", "llama 3", "deepseek r1", "qwen 3", "qwen 2.5", "nemotron"])
@given(row=row, messages=st.lists(message, max_size=4), shape=st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_whatever_is_brought_is_learned_or_refused_in_a_sentence(name, row, messages, shape):
    more = [
        {"messages": messages},
        {"prompt": messages[:1], "completion": messages[1:]},
        {"prompt": messages[:1], "chosen": messages[1:], "rejected": messages[2:]},
        {"prompt": messages},
    ]
    try:
        made = of_row({**row, **more[shape]}, encoder(name))
    except InputError as error:
        assert len(str(error)) > 20
    else:
        assert all(isinstance(example.sides, dict) for example in made)


# Everywhere alike


@pytest.fixture(scope="module")
def scorer():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import HeadedModel
    from guerdon.models.language.policy import LanguagePolicy

    own = tokenizer(FAMILIES["qwen 2.5"])
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 512}
    return HeadedModel(LanguagePolicy(LlamaForCausalLM(LlamaConfig(vocab_size=len(own), **size)), own, torch.device("cpu")), Scalar(), 0)


def test_a_scorer_is_told_the_tools_as_rows_or_as_columns_of_a_reward(scorer):
    from guerdon.sequences import collate
    from guerdon.training.jobs import _scorer

    row = {"prompt": USER, "completion": [{"role": "assistant", "content": "a"}], "tools": TOOLS}
    by_row = scorer.measure(collate(examples([row], Encoder(scorer.tokenizer))).sides[""], {"score"})["score"].tolist()
    told_as = [[TOOLS], [json.dumps(TOOLS)]]
    scores = [scorer.score([USER], [row["completion"]], tools=tools, chat_template_kwargs=[None]) for tools in told_as]
    scores += [_scorer(scorer)([USER], [row["completion"]], tools=tools, answer=["a"]) for tools in told_as]
    assert all(one == pytest.approx(by_row, abs=1e-5) for one in scores)
    assert scorer.score([USER], [row["completion"]]) != pytest.approx(by_row, abs=1e-5)
    assert scorer.score([USER], [row["completion"]], tools=[None]) == scorer.score([USER], [row["completion"]])
    with pytest.raises(InputError, match="tools has 2 values for 1 completions"):
        scorer.score([USER], [row["completion"]], tools=[None, None])


def test_tools_count_in_the_length_of_a_prompt():
    from types import SimpleNamespace

    from guerdon.interfaces.configuration import load
    from guerdon.interfaces.preparing import Prepared
    from guerdon.interfaces.sifting import held_out_sound

    model = SimpleNamespace(tokenizer=tokenizer(FAMILIES["qwen 2.5"]), context_length=150)
    prepared = Prepared(load("decoding: {max_completion_length: 8}"), "improve", model, None)
    for row in ({"prompt": USER, "chat_template_kwargs": nothing} for nothing in (None, "", "{}", {})):
        rows = [row, {**row, "tools": TOOLS}, {**row, "tools": json.dumps(TOOLS)}]
        assert held_out_sound(rows, prepared.encoder, frozenset({"long"}))[0] == rows[:1]


def test_a_search_hands_on_what_was_sampled():
    """From the policy through curation to what is learned, token for token."""
    from guerdon.acting.samplers.group import Group
    from guerdon.feedback.rewards.format import Format
    from guerdon.models.language.small_language_model import SmallLanguageModel
    from guerdon.sequences import Decoding
    from guerdon.training.display import Silent
    from guerdon.training.jobs import SearchJob, encoder_for
    from guerdon.worlds.text.sort_letters import SortLetters

    policy = SmallLanguageModel("abc>", layers=1, hidden=8, heads=1, context_length=32).build(0)
    job = SearchJob(
        SortLetters(length=2, alphabet="abc", train_size=4, test_size=0),
        RejectionSampling(keep=None),
        {"r": Format(".*")},
        4,
        Group(4),
        decoding=Decoding(3),
    )
    rows = job(policy, {}, 0, None, Silent()).rows
    ended = {bool(row["completion"].terminated) for row in rows}
    assert len(rows) == 16 and ended == {True, False}
    for row, example in zip(rows, examples(rows, encoder_for(policy)), strict=True):
        assert example.sides[""].actions == row["completion"].tokens
        assert (example.sides[""].actions[-1] == policy.tokenizer.eos_token_id) == row["completion"].terminated
