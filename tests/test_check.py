"""``guerdon check``: every kind of doubt is said, with the tokens of the row that shows it best."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from chat_templates import FAMILIES, tokenizer
from guerdon.interfaces.check import check, cost, doubts, fitting
from guerdon.interfaces.check.looking import look_at
from guerdon.interfaces.cli.check import _print
from guerdon.interfaces.configuration import load, named_recipe
from guerdon.interfaces.preparing import Prepared, prepare
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.training.optimisers.adamw_8bit import AdamW8bit
from guerdon.training.recipe import Budget, Recipe

RUN = """
model: {part: small_language_model, characters: "abcdefgh ?", layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {path: rows.jsonl, shuffle: false}
recipe: sft
budget: {steps: 1, batch_size: 2}
"""


@pytest.fixture
def looked(tmp_path, monkeypatch):
    """What ``check`` finds of rows, under overrides: its findings."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *overrides):
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (found,) = check(load(RUN, overrides))
        return found

    return run


def pairs(*answers):
    return [{"prompt": f"{'abcdefgh'[i]}?", "completion": answer} for i, answer in enumerate(answers)]


def test_nothing_is_doubtful_where_nothing_is(looked):
    assert looked(pairs("a b", "c d", "e f")).warnings == []


def test_a_doubt_is_a_file_and_brings_the_tokens_of_its_row(looked):
    found = looked([*pairs("a", "b"), pairs("a")[0]])
    (doubt,) = found.found["doubts"]
    assert doubt["said"].startswith("1 of 3 rows are the same as one before them (row 2 as row 0)") and found.warnings == [doubt["said"]]
    assert [(t["text"], t["trained"]) for t in doubt["sides"]["row"]] == [
        ("<s>", False),
        ("a", False),
        ("?", False),
        ("a", True),
        ("</s>", True),
    ]


def test_every_file_of_the_folder_is_asked(looked, monkeypatch):
    assert [m.__name__.rsplit(".", 1)[1] for m in doubts.every()] == sorted(p.stem for p in Path(doubts.__file__).parent.glob("[a-z]*.py"))
    asked = []
    for module in doubts.every():
        monkeypatch.setattr(module, "look", lambda prepared, looked, name=module.__name__: asked.append(name) or iter(()))
    looked(pairs("a", "a"))
    assert asked == [module.__name__ for module in doubts.every()]


def test_what_was_not_looked_at_is_known(looked, monkeypatch):
    from guerdon.interfaces.check import looking

    looked(pairs("a", "b", "c"))
    monkeypatch.setattr(looking, "MOST", 2)
    seen = looking.look_at(prepare(load(RUN), "fit"))
    assert list(seen.sides) == [0, 2] and not seen.whole


# Every kind of doubt: rows that raise it and, beside them, rows that do not


def doubted(
    rows: Sequence[dict[str, Any]], family: str = "chatml", loop: str = "fit", room: int = 1000, **encoding: str
) -> list[doubts.Doubt]:
    settings = load(("recipe: grpo\n" if loop == "improve" else "") + "encoding: " + json.dumps(encoding))
    model = SimpleNamespace(tokenizer=tokenizer(FAMILIES[family]), context_length=room)
    prepared = Prepared(settings, loop, model, SimpleNamespace(train=lambda: rows))
    return list(doubts.all_of(prepared, look_at(prepared)))


def talk(*turns: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[i % 2], "content": turn, **(more if i % 2 else {})} for i, turn in enumerate(turns)]


def chats(*answers: str, **more: Any) -> list[dict[str, Any]]:
    return [{"messages": talk(f"question {i}", answer, **more)} for i, answer in enumerate(answers)]


def variables(**more: Any) -> list[dict[str, Any]]:
    return [{**row, "chat_template_kwargs": more} for row in chats("a", "b")]


PLAIN = [{"prompt": f"q{i}", "completion": f"a{i}"} for i in range(3)]
PAIRS = [{"prompt": f"q{i}", "chosen": "a", "rejected": "b"} for i in range(3)]


@pytest.mark.parametrize(
    ("rows", "how", "words", "row"),
    [
        (chats("a", "b"), {"family": "no end"}, "2 of 2 rows is closed with the tokenizer's end token '</s>'", 0),
        ([*chats("a"), {"messages": talk("a", "b", "c", "d")}], {"family": "no end"}, "1 of 2 rows have such turns", 1),
        (chats("a", "b"), {"family": "deepseek r1"}, "2 of 2 rows have no thoughts", 0),
        ([*chats("a", reasoning_content="hm"), *chats("b", "c")[1:]], {"family": "qwen 3, thinking"}, "1 of 2 rows have no thoughts", 1),
        ([*chats("a", reasoning_content="hm"), {"messages": talk("a", "b", "c", "d", reasoning_content="hm")}], {"family": "qwen 3"}, "1 of 2 rows are learned turn by turn", 1),
        ([*chats("a"), {"messages": [*talk("a", "b", weight=0), *talk("c", "d")]}], {}, "1 of 2 rows have assistant turns that are marked as only read", 1),
        ([*PLAIN, {"prompt": "q", "completion": ""}], {}, "1 of 4 rows have an answer in which nothing is said", 3),
        ([*PLAIN, {"prompt": "q", "completion": " \n"}], {}, "1 of 4 rows have an answer in which nothing is said", 3),
        ([*chats("a"), {"messages": talk("b", "", "c", "d")}], {}, "1 of 2 rows have an answer in which nothing is said", 1),
        ([*chats("a"), {"messages": talk("b", "c", "d", "")}], {"family": "no end"}, "1 of 2 rows have an answer in which nothing is said", 1),
        ([*PAIRS, {"prompt": "q0", "chosen": "b", "rejected": "a"}], {}, "1 of 4 rows say the opposite of one before them (row 3 of row 0)", 3),
        ([{**PLAIN[i], "label": label} for i, label in ((0, True), (1, True), (0, False))], {}, "(row 2 of row 0)", 2),
        ([{"prompt": "q", "completion": a} for a in "ab"], {}, "all 2 rows that were looked at have the same prompt", 0),
        ([{"prompt": "q", "answer": a} for a in "ab"], {"loop": "improve"}, "have the same prompt", 0),
        ([*PLAIN, {"prompt": "q", "completion": "caf\ufffd"}], {}, "1 of 4 rows hold U+FFFD", 3),
        ([*chats("a"), {"messages": [{"role": "asistant", "content": "a"}, *talk("b", "c")]}], {}, "1 of 2 rows have turns of 'asistant'", 1),
        ([*PLAIN, {"prompt": [{"role": "human", "content": "q"}], "completion": talk("a", "b")[1:]}], {}, "1 of 4 rows have turns of 'human'", 3),
        (chats("a", "b"), {"family": "no generation prompt"}, "has to say '<|assistant|>' itself", 0),
        (variables(enable_thinkin=False), {"family": "qwen 3"}, "whatever 'enable_thinkin'", 0),
        ([*PLAIN, {"prompt": "q", "completion": "x" * 40}], {"room": 20, "truncate": "completion"}, "row 3 the most (22)", 3),
        ([*PAIRS, {"prompt": "q", "chosen": "x" * 40, "rejected": "x" * 41}], {"room": 20, "truncate": "completion"}, "of 1 of 4 rows nothing is left", 3),
        ([*PLAIN, PLAIN[0]], {}, "1 of 4 rows are the same as one before them", 3),
    ],
)  # fmt: skip
def test_a_doubt_is_said_with_the_row_that_shows_it(rows, how, words, row):
    found = doubted(rows, **how)
    (doubt,) = [doubt for doubt in found if words in doubt.said]
    assert doubt.row == row and len(doubt.said) < 320


@pytest.mark.parametrize(
    ("values", "doubtful"), [({"repetition_penalty": 1.1, "suppress_tokens": [3]}, True), ({"temperature": 0.6, "top_k": 20}, False)]
)
def test_what_others_would_generate_otherwise_is_doubtful(values, doubtful):
    from transformers import GenerationConfig

    module = SimpleNamespace(generation_config=GenerationConfig(**values))
    model = SimpleNamespace(tokenizer=tokenizer(FAMILIES["chatml"]), context_length=1000, module=module)
    prepared = Prepared(load("{}"), "fit", model, SimpleNamespace(train=lambda: PLAIN))
    said = [doubt.said for doubt in doubts.all_of(prepared, look_at(prepared))]
    assert [("repetition_penalty=1.1, suppress_tokens=[3]" in one) for one in said] == [True] * doubtful


@pytest.mark.parametrize(
    ("method", "doubtful"),
    [("rloo, ahead=1", True), ("rloo, ahead=0", False), ("grpo, ahead=1", False), ("online_dpo, ahead=1", False)],
)
def test_old_rollouts_under_a_loss_that_does_not_correct_for_it_are_doubtful(method, doubtful):
    name, _, ahead = method.partition(", ")
    model = SimpleNamespace(tokenizer=tokenizer(FAMILIES["chatml"]), context_length=1000)
    rows = [{"prompt": f"q{i}", "answer": "a"} for i in range(3)]
    prepared = Prepared(load(f"recipe: {name}", [f"recipe.{ahead}"]), "improve", model, SimpleNamespace(train=lambda: rows))
    said = [doubt.said for doubt in doubts.all_of(prepared, look_at(prepared))]
    assert ["recipe.ahead" in one for one in said] == [True] * doubtful


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        (PLAIN, {}),
        (PAIRS, {}),
        (PAIRS, {"room": 20, "truncate": "completion"}),
        (chats("a", "b"), {}),
        (chats("a", "b"), {"family": "mistral"}),
        (chats("a", "b", reasoning_content="hm"), {"family": "deepseek r1"}),
        (chats("a", "b", reasoning_content="hm"), {"family": "qwen 3"}),
        (variables(enable_thinking=True), {"family": "nemotron"}),
        ([{"messages": talk("a", "b", "c", "d")}, *chats("a")], {}),
        ([{"prompt": f"q{i}", "answer": "a"} for i in range(3)], {"loop": "improve"}),
        ([{"prompt": f"q{i}", "completions": ["a", "b"], "labels": [1, 0]} for i in range(3)], {}),
    ],
)
def test_nothing_is_doubted_without_reason(rows, how):
    assert [doubt.said for doubt in doubted(rows, **how) if "no thoughts" not in doubt.said] == []


# memory


def test_what_activation_checkpointing_takes_less_is_counted(looked):
    """Of five layers of width 16 with 4 bytes and 10 tokens at once: 17 D numbers of each layer, or D of each and 17 D of one."""
    rows, deep = pairs("a b", "c d", "e f"), ("model.layers=5", "tokens_per_micro_batch=10")
    plain, again = (looked(rows, *deep, f"activation_checkpointing={on}").found["cost"] for on in ("false", "true"))
    assert plain["memory"]["activations"] == 10 * 5 * 17 * 16 * 4 and again["memory"]["activations"] == 10 * (5 + 17) * 16 * 4
    saved = plain["memory"]["activations"] - again["memory"]["activations"]
    assert plain["checkpointing"] == {"on": False, "saves": saved} and again["checkpointing"] == {"on": True, "saves": saved}
    assert plain["memory"]["total"] - again["memory"]["total"] == saved


def test_activation_checkpointing_is_offered_where_activations_are_most_of_it(looked, capsys):
    rows = pairs("a b", "c d", "e f")

    def said(*overrides: str) -> str:
        _print(SimpleNamespace(name="", loop="fit", found={"cost": looked(rows, *overrides).found["cost"]}, warnings=[]))
        return " ".join(capsys.readouterr().out.split())

    assert "activation_checkpointing=true would take about" in said("model.layers=5")
    assert "(activation_checkpointing): about" in said("model.layers=5", "activation_checkpointing=true")
    assert "activation_checkpointing" not in said("model.layers=5", "tokens_per_micro_batch=1")


def test_how_the_model_computes_here_is_told(looked, capsys):
    found = looked(pairs("a", "b"), "model.dtype=float32", "model.device=cpu")
    assert found.found["ways"]["attention"] == {"of shared contexts": "blocks", "of others": "blocks"}
    _print(found)
    assert "computed in float32 on cpu, attention of shared contexts by blocks, attention of others by blocks" in capsys.readouterr().out


def test_how_completions_are_drawn_is_said_where_steps_can_be_recorded(monkeypatch):
    from guerdon.interfaces.check import ways
    from guerdon.models.language import policy
    from guerdon.models.language.policy import LanguagePolicy
    from test_fast_paths import CPU, module

    assert "drawn" not in ways.look(SimpleNamespace(model=LanguagePolicy(module("llama"), None, CPU)), [])
    monkeypatch.setattr(policy, "GRAPHS", "cpu")
    found = [ways.look(SimpleNamespace(model=LanguagePolicy(module(family), None, CPU)), [])["drawn"] for family in ("llama", "gpt2")]
    assert found == ["by recorded steps", "with a cache, step by step"]


def test_how_a_model_with_a_head_computes_is_how_its_body_does():
    from guerdon.interfaces.check import ways
    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.small_language_model import SmallLanguageModel

    body = SmallLanguageModel("abcd", layers=1, hidden=16, heads=2, dtype="float32", device="cpu")
    found = [ways.look(SimpleNamespace(model=spec.build(0)), []) for spec in (body, Headed(body, Scalar()))]
    assert found[0] == found[1] and found[0]["attention"]["of others"] == "blocks"
    assert ways.look(SimpleNamespace(model=SimpleNamespace()), []) == {}


def priced(model, spec, budget: Budget, recipe: Recipe) -> tuple[dict, list]:
    prepared = SimpleNamespace(model=model, settings=SimpleNamespace(model=spec, budget=budget, recipe=recipe))
    found = cost.memory(prepared)
    return found, fitting.savings(prepared, found, cost.checkpointing(prepared))


def test_what_each_setting_is_said_to_save_it_saves(tmp_path):
    """Each beside those before it: of a model on a card that is none, whole and with adapters."""
    SmallLanguageModel("abcd>", layers=3, hidden=32, heads=2, context_length=32).build(0).save(tmp_path)
    spec, budget, recipe = LanguageModel(str(tmp_path), dtype="float32", device="cpu"), Budget(), named_recipe("dpo")

    def built(spec):
        model = spec.build(0)
        model.device = torch.device("cuda")  # which decides what can be moved away from it
        return model

    found, said = priced(built(spec), spec, budget, recipe)
    assert [one.setting for one in said] == [
        "activation_checkpointing=true",
        "offload=[optimiser, reference]",
        "tokens_per_micro_batch=1024",
        "model.lora={}",
    ]
    for one, more in zip(
        said,
        (
            {"activation_checkpointing": True},
            {"offload": ("optimiser", "reference")},
            {"tokens_per_micro_batch": 1024},
        ),
        strict=False,
    ):
        budget = replace(budget, **more)
        before, (found, left) = found, priced(built(spec), spec, budget, recipe)
        assert before["total"] - found["total"] == one.saves, one
        assert one.setting not in [other.setting for other in left]
    adapted = replace(spec, lora=Lora(r=1))
    with_adapters, said = priced(built(adapted), adapted, budget, recipe)
    assert found["total"] - with_adapters["total"] == pytest.approx(found["gradients"], rel=0.2)
    assert [one.setting for one in said][-2:] == ["model.dtype=bfloat16", "model.load_in_4bit=true"]
    short = replace(adapted, dtype="bfloat16")
    halved, _ = priced(built(short), short, budget, recipe)
    assert with_adapters["weights"] - halved["weights"] == said[-2].saves


def test_on_a_cpu_nothing_is_to_be_moved_and_eight_bits_are_offered():
    model = SmallLanguageModel("abcd>", layers=3, hidden=32, heads=2, context_length=32)
    found, said = priced(model.build(0), model, Budget(), named_recipe("sft"))
    eight = replace(named_recipe("sft"), optimiser=AdamW8bit())
    after, left = priced(model.build(0), model, Budget(), eight)
    assert [one.setting for one in said] == ["activation_checkpointing=true", "tokens_per_micro_batch=1024", "recipe.optimiser=adamw_8bit"]
    assert found["total"] - after["total"] == pytest.approx(said[-1].saves, abs=2) and "recipe.optimiser" not in str(left)


def test_where_memory_is_short_as_many_settings_are_proposed_as_are_needed(looked, monkeypatch):
    rows = pairs("a b", "c d", "e f")
    needed = looked(rows, "model.layers=5").found["cost"]
    first, second, *_ = needed["savings"]
    for room, expected, never in (
        (needed["memory"]["total"], "", "needed"),
        (needed["memory"]["total"] - first.saves, f"{first.setting} (about", second.setting),
        (needed["memory"]["total"] - first.saves - 1, f"less), {second.setting} (about", "not be enough"),
        (1, "would not be enough; take a smaller model", "nothing"),
    ):
        monkeypatch.setattr(cost, "there", lambda device, room=room: (room, "the GPU"))
        warnings = " ".join(looked(rows, "model.layers=5").warnings)
        assert expected in warnings and never not in warnings
