"""Tasks: encoding with the exact mask, datasets with their splits, reasoning-gym generators, and what bad input gets."""

import csv
import gzip
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.models.language.character_tokenizer import build
from guerdon.tasks._generators import names
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.encoding import Encoder, is_conversational
from guerdon.tasks.reasoning_gym import ReasoningGym
from guerdon.tasks.rows import require
from guerdon.worlds.text.position_credit import PositionCredit

CHARACTERS = "abcdefgh 123?\n"
# The same turns as the tokenizer's own template, with the marks by which transformers itself tells the assistant's tokens.
MARKED = (
    "{{ bos_token }}{% for m in messages %}{{ '<' + m['role'] + '>' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
words = st.text("abcdefgh ", min_size=1, max_size=6)


def chat(**limits):
    return Encoder(build(CHARACTERS, chat=True), **limits)


def plain(**limits):
    return Encoder(build(CHARACTERS), **limits)


def talk(*contents):
    return [{"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(contents)]


PLAIN, CHAT = plain(), chat()


# Plain text


@given(words, words)
@settings(deadline=None)
def test_plain_pair_is_prompt_then_completion_then_end(prompt, completion):
    side = PLAIN.encode_pair(prompt, completion)
    assert side.context == PLAIN.encode_prompt(prompt) == tuple(PLAIN.tokenizer.encode(prompt))
    assert side.actions == (*PLAIN.tokenizer.encode(completion, add_special_tokens=False), PLAIN.tokenizer.eos_token_id)
    assert side.mask == (True,) * len(side.actions)
    assert PLAIN.completion(prompt, side.actions) == completion


def test_start_and_end_tokens_are_not_doubled():
    assert PLAIN.encode_prompt("<s>ab") == PLAIN.encode_prompt("ab") and PLAIN.encode_prompt("ab").count(1) == 1
    assert PLAIN.encode_pair("a", "b</s>") == PLAIN.encode_pair("a", "b")
    assert PLAIN.encode_text("<s>ab</s>") == PLAIN.encode_text("ab")
    assert PLAIN.encode_text("ab").context == (1,) and len(PLAIN.encode_text("ab").actions) == 3
    assert PLAIN.encode_prompt("") == (1,)


def test_a_tokenizer_that_writes_a_leading_space_does_not_write_it_into_completions():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -3.0), ("a", -2.0), ("b", -2.0), ("▁a", -1.0), ("\n", -2.0), ("ab", -1.5)]
    core = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    core.decoder = decoders.Metaspace()
    encode = Encoder(PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>", unk_token="<unk>"))
    assert encode.encode_prompt("ab") == (5, 4)
    assert encode.encode_pair("b", "ab").actions == (7, 1)
    assert encode.encode_pair("b", " a").actions == (5, 1)


# Conversations


@given(st.lists(words, min_size=2, max_size=7))
@settings(deadline=None, max_examples=40)
def test_mask_of_a_conversation_is_the_one_that_transformers_computes(contents):
    messages = talk(*contents)
    side = CHAT.encode_messages(messages)
    marked = build(CHARACTERS, chat=True)
    marked.chat_template = MARKED
    last = max(i for i, m in enumerate(messages) if m["role"] == "assistant")
    reference = marked.apply_chat_template(messages[: last + 1], tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    assert [*side.context, *side.actions] == reference["input_ids"]
    assert [False] * len(side.context) + list(side.mask) == [bool(m) for m in reference["assistant_masks"]]


@given(words, words)
@settings(deadline=None, max_examples=40)
def test_conversational_pair_agrees_with_trl(question, answer):
    from trl.data_utils import apply_chat_template

    messages = talk(question, answer)
    texts = apply_chat_template({"prompt": messages[:1], "completion": messages[1:]}, CHAT.tokenizer)
    side = CHAT.encode_pair(messages[:1], messages[1:])
    assert list(side.context) == CHAT.tokenizer.encode(texts["prompt"], add_special_tokens=False)
    assert list(side.actions) == CHAT.tokenizer.encode(texts["completion"], add_special_tokens=False)
    assert side == CHAT.encode_pair(messages[:1], answer)
    assert side.context == CHAT.encode_prompt(messages[:1])
    assert CHAT.completion(messages[:1], side.actions) == messages[1:]


def test_nothing_after_the_end_of_a_turn_is_learned():
    encode = chat()
    encode.tokenizer.chat_template = (
        "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '<system>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
    )
    assert encode.stop_ids == (2, 3)  # the tokenizer's end token, and the special token with which this template ends a turn
    side = encode.encode_messages(talk("a", "b", "a", "b"))
    assert encode.decode([t for t, m in zip(side.actions, side.mask, strict=True) if m], special=True) == "b<system>b<system>"
    assert encode.decode(side.actions, special=True) == "b<system>\n<user>a<system>\n<assistant>b<system>"
    assert encode.encode_messages(talk("a", "b", "a")).mask == (True, True)


def test_a_prompt_that_ends_with_the_assistant_is_continued():
    assert CHAT.encode_prompt(talk("a", "b")) == (*CHAT.encode_prompt(talk("a")), *CHAT.encode_pair("", "b").actions[:-1])
    with pytest.raises(InputError, match="ends with an assistant turn"):
        CHAT.encode_pair(talk("a", "b"), talk("a", "b")[1:])


def test_template_variables_reach_the_template():
    encode = chat()
    encode.tokenizer.chat_template = (
        "{{ messages[0]['content'] }}{{ 'a' if enable_thinking else 'b' }}{% if add_generation_prompt %}{{ 'c' }}{% endif %}"
    )
    assert encode.decode(encode.encode_prompt(talk("h"), enable_thinking=True)) == "hac"


def test_a_template_that_rewrites_earlier_turns_is_refused():
    encode = chat()
    encode.tokenizer.chat_template = (
        "{% for m in messages %}{% if loop.last or m['role'] == 'user' %}{{ '<' + m['role'] + '>' + m['content'] + eos_token }}{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
    )
    assert encode.encode_messages(talk("a", "b")).mask == (True, True)
    with pytest.raises(InputError, match="does not keep what it wrote before message 3"):
        encode.encode_messages(talk("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: PLAIN.encode_prompt(talk("a")), "no chat template"),
        (lambda: PLAIN.encode_pair("a", talk("a")), "make both strings or both messages"),
        (lambda: CHAT.encode_pair(talk("a"), [{"role": "user", "content": "b"}]), "no assistant turn"),
        (lambda: CHAT.encode_prompt(3), "a prompt is a string or a list"),
        (lambda: CHAT.encode_prompt([]), "a prompt is a string or a list"),
        (lambda: CHAT.encode_messages("a"), "messages must be a list"),
        (lambda: CHAT.encode_text(None), "a text is a string"),
        (lambda: plain(truncate="left"), "is not one of"),
    ],
)
def test_bad_input_is_a_sentence(attempt, words):
    with pytest.raises(InputError, match=words):
        attempt()


def test_is_conversational():
    assert is_conversational(talk("a")) and not is_conversational("a") and not is_conversational(["a"]) and not is_conversational(None)


# Room


@given(st.integers(1, 12), st.lists(st.integers(1, 8), min_size=1, max_size=3), st.integers(4, 16))
@settings(deadline=None)
def test_truncation_fits_and_counts(prompt, completions, room):
    encode = plain(max_length=room, truncate="prompt")
    longest = max(completions) + 1
    texts = ["a" * n for n in completions]
    if room - longest < 1:
        with pytest.raises(InputError, match="the model has room for"):
            encode.encode_sides("b" * prompt, *texts)
        return
    sides = encode.encode_sides("b" * prompt, *texts)
    assert {s.context for s in sides} == {sides[0].context}
    assert max(len(s.context) + len(s.actions) for s in sides) <= room
    assert [len(s.actions) for s in sides] == [n + 1 for n in completions]
    assert encode.truncated["prompt"] == (prompt + 1 + longest > room)
    assert sides[0].context[0] == 1 or len(sides[0].context) == 1


def test_what_does_not_fit_is_refused_or_cut_only_if_asked():
    with pytest.raises(InputError, match="the prompt has 6 tokens and there is room for 4"):
        plain(max_prompt_length=4).encode_prompt("abcde")
    encode = plain(max_prompt_length=4, truncate="prompt")
    assert encode.decode(encode.encode_prompt("abcde"), special=True) == "<s>cde" and encode.truncated["prompt"] == 1
    with pytest.raises(InputError, match=r"2 \+ 5 tokens and the model has room for 5"):
        plain(max_length=5).encode_pair("a", "bbbb")
    encode = plain(max_length=5, truncate="completion")
    side = encode.encode_pair("a", "bbbb")
    assert encode.decode(side.actions, special=True) == "bbb" and encode.truncated == {"prompt": 0, "completion": 1}
    with pytest.raises(InputError, match="the prompt has 7 tokens"):
        encode.encode_pair("aaaaaa", "b")
    for limits in ({}, {"max_prompt_length": 5}):
        with pytest.raises(InputError, match="the prompt has 5 tokens and there is room for 4"):
            plain(max_length=5, truncate="completion", **limits).encode_prompt("aaaa")  # which would leave no room for an answer
    encode = plain(max_length=6, truncate="both")
    sides = encode.encode_sides("abcdef", "gg", "bbbbbbbb")
    assert [encode.decode((*s.context, *s.actions), special=True) for s in sides] == ["<s>efgg</s>", "<s>efbbb"]
    assert encode.truncated == {"prompt": 1, "completion": 1}
    assert encode.decode(encode.encode_pair("abcdef", "g").context, special=True) == "<s>def"


# Datasets

ROWS = [{"prompt": f"What is {i // 2}+1?", "answer": str(i // 2 + 1), "weight": i + 0.5} for i in range(20)]


def written(folder, kind):
    path = folder / f"rows.{kind}"
    lines = "\n".join(map(json.dumps, ROWS))
    if kind == "jsonl":
        path.write_text(lines + "\n\n")
    elif kind == "jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    elif kind == "csv":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(ROWS[0]))
            table.writeheader()
            table.writerows(ROWS)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return str(path)


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "json", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, kind):
    task = Dataset(written(tmp_path, kind), shuffle=False)
    assert task.train() == ROWS and task.test() == []


@pytest.mark.parametrize("held_out", [0.3, 6])
def test_held_out_rows_share_no_prompt(tmp_path, held_out):
    task = Dataset(written(tmp_path, "jsonl"), held_out=held_out)
    train, test = task.train(), task.test()
    assert sorted(map(str, train + test)) == sorted(map(str, ROWS))
    assert len(test) == 6 and not {r["prompt"] for r in train} & {r["prompt"] for r in test}
    assert pickle.loads(pickle.dumps(task)).test() == test and task.train() == train
    assert {r["prompt"] for r in Dataset(task.path, held_out=held_out, seed=1).test()} != {r["prompt"] for r in test}
    grouped = Dataset(task.path, held_out=held_out, group="weight")  # every row is a group of its own: prompts may be on both sides
    assert len(grouped.test()) == 6


def test_shuffling_and_maxima(tmp_path):
    path = written(tmp_path, "jsonl")
    assert Dataset(path).train() != ROWS and sorted(map(str, Dataset(path).train())) == sorted(map(str, ROWS))
    assert Dataset(path).train() == Dataset(path).train() != Dataset(path, seed=1).train()
    assert Dataset(path, max_rows=3).train() == Dataset(path).train()[:3]


def test_folder_has_splits(tmp_path):
    (tmp_path / "data").mkdir()
    for name, rows in (("train-0", ROWS[:4]), ("train-1", ROWS[4:6]), ("test-0", ROWS[6:8])):
        (tmp_path / "data" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = Dataset(str(tmp_path), shuffle=False)
    assert task.train() == ROWS[:6] and task.test() == ROWS[6:8]
    assert Dataset(str(tmp_path / "data" / "train-0.jsonl"), test_path=str(tmp_path / "data" / "test-0.jsonl")).test() != []


def test_hub_goes_through_datasets(monkeypatch):
    datasets = pytest.importorskip("datasets")
    asked = []

    def load(path, name, split):
        asked.append((path, name, split))
        return datasets.Dataset.from_list(ROWS)

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda path, name: ["train"])
    task = Dataset("someone/sums", name="main", shuffle=False)
    assert task.train() == ROWS and asked == [("someone/sums", "main", "train")] and task.test() == []


def test_columns_prompt_answer_and_system(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({"question": "1+1", "answer": "one and one\n#### 2 ", "hint": "easy"}))
    task = Dataset(str(path), columns={"prompt": "question"}, answer=r"#### (.+)")
    assert task.train() == [{"prompt": "1+1", "answer": "2", "hint": "easy"}]
    task = Dataset(str(path), prompt="{question} ({hint})\nAnswer:", chat=True)
    assert task.train()[0]["prompt"] == [{"role": "user", "content": "1+1 (easy)\nAnswer:"}]
    task = Dataset(str(path), columns={"prompt": "question", "completion": "answer"}, system="Be short.")
    row = task.train()[0]
    assert [m["role"] for m in row["prompt"]] == ["system", "user"] and row["completion"][0]["role"] == "assistant"


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "has no rows"),
        ('{"prompt": "a"}\n{"prompt": ', {}, "line 2 of .* is not JSON"),
        ("[1]", {}, "line 1 of .* is a list"),
        ('{"question": "a"}', {"columns": {"prompt": "questoin"}}, "row 0 .*did you mean 'question'"),
        ('{"question": "a"}', {"required": ("prompt",)}, "has no column 'prompt'"),
        (
            '{"prompt": "a", "answer": "1"}\n{"prompt": "b", "answer": " "}',
            {"required": ("answer",)},
            "row 1 of .* nothing in column 'answer'",
        ),
        ('{"prompt": "a", "answer": "1"}\n{"prompt": "b", "answr": "1"}', {"reward": PositionCredit()}, "row 1 .*did you mean 'answr'"),
        ('{"prompt": "a", "answer": "#### 1"}\n{"prompt": "b", "answer": "2"}', {"answer": "#### (.+)"}, "row 1 .* no answer"),
        ('{"prompt": "a", "answer": "1"}', {"answer": "("}, "no regular expression"),
        ('{"question": "a"}', {"prompt": "{qestion}"}, "did you mean 'question'"),
        ('{"question": "a"}', {"prompt": "{question"}, "no format string"),
        ('{"question": "a"}', {"chat": True}, "conversation of a prompt"),
        ('{"prompt": "a"}', {"held_out": 5}, "leaves no row"),
        ('{"prompt": "a"}', {"held_out": 0.5, "group": "promt"}, "did you mean 'prompt'"),
    ],
)
def test_bad_data_is_a_sentence(tmp_path, text, settings, words):
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        Dataset(str(path), **settings).train()


def test_bad_places_are_a_sentence(tmp_path):
    written(tmp_path, "jsonl")
    with pytest.raises(InputError, match=r"did you mean .*rows\.jsonl"):
        Dataset(str(tmp_path / "row.jsonl")).train()
    with pytest.raises(InputError, match="begins with 'train'"):
        Dataset(str(tmp_path)).train()
    (tmp_path / "x.parquet").write_bytes(b"no table")
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "x.csv").write_text("a,b\n1,2,3\n")
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "a"}' * 99)[:-9])
    (tmp_path / "x.txt").write_text("a")
    for name, words in (
        ("parquet", "no Parquet"),
        ("json", "is not JSON"),
        ("csv", "row 1 of"),
        ("jsonl.gz", "cannot be read"),
        ("txt", "none of"),
    ):
        with pytest.raises(InputError, match=words):
            Dataset(str(tmp_path / f"x.{name}")).train()
    with pytest.raises(InputError, match="not both"):
        Dataset("a", test_path="b", held_out=1)
    with pytest.raises(InputError, match="must be a share"):
        Dataset("a", held_out=1.5)


def test_require_names_row_and_column():
    with pytest.raises(InputError, match=r"row 1 of the data .* nothing in column 'answer'"):
        require([{"answer": "1"}, {"answer": None}], ["answer"])
    require([{"answer": 0}], ["answer"])


# Reasoning gym


@pytest.mark.parametrize("name", ["leg_counting", "chain_sum", "coin_flip", "basic_arithmetic"])
def test_reasoning_gym(name):
    pytest.importorskip("reasoning_gym")
    task = ReasoningGym(name, train_size=300, test_size=20, chat=True)
    train, test = list(task.train()), list(task.test())
    assert not {r["prompt"][0]["content"] for r in train} & {r["prompt"][0]["content"] for r in test}
    rows = test[:10]
    columns = {"answer": [r["answer"] for r in rows], "metadata": [r["metadata"] for r in rows]}
    golden = [[{"role": "assistant", "content": r["answer"]}] for r in rows]
    assert task.reward([r["prompt"] for r in rows], golden, **columns) == [1.0] * 10
    assert max(task.reward([r["prompt"] for r in rows], ["zebra"] * 10, **columns)) < 0.1
    again = ReasoningGym(name, train_size=300, test_size=20, chat=True)
    assert again.train()[17] == train[17] and list(again.test()) == test
    assert ReasoningGym(name, seed=1).test()[0] != ReasoningGym(name).test()[0]


def test_reasoning_gym_bad_input():
    pytest.importorskip("reasoning_gym")
    assert len(names()) > 90
    with pytest.raises(InputError, match="did you mean leg_counting"):
        ReasoningGym("leg_countin").train()[0]
    with pytest.raises(InputError, match="refuses its settings"):
        ReasoningGym("leg_counting", config={"min_animal": 3}).train()[0]
    with pytest.raises(InputError, match="too few problems"):
        list(ReasoningGym("coin_flip", {"min_trials": 3, "max_trials": 3}, train_size=500, test_size=400).train())
