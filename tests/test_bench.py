"""``guerdon evaluate MODEL ROWS``: a reward model on rows of which it is known what is better: every figure is that of a model that can be seen through, and what cannot be
tested is said in a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from guerdon.interfaces.benching import candidates as of_candidates
from guerdon.interfaces.benching import pairs as of_pairs
from guerdon.interfaces.benching import steps as of_steps
from guerdon.interfaces.benching.answers import Pair, last_text, text_of, with_last_text
from guerdon.interfaces.benching.following import following
from guerdon.interfaces.benching.page import write
from guerdon.interfaces.benching.reading import Rows, read
from guerdon.interfaces.benching.sensitivity import sensitivity
from guerdon.interfaces.cli import main

WORDS = [
    "It is so.",
    "It is 12 of 40. I know. Believe me.",
    "**Yes** it is, and more.",
    "No.",
    'She said "so" and went.',
    "# Head\n- one\n- two",
]


def pair(better, worse, better_score=None, worse_score=None, row=0, category=""):
    scores = (len(better) if better_score is None else better_score, len(worse) if worse_score is None else worse_score)
    return Pair(row, "p", better, worse, *map(float, scores), category)


class ByLength:
    """A scoring that can be seen through: the score of an answer is its length."""

    def sides_of_edited(self, row, prompt, answer):
        return answer

    def scores(self, sides, doing=""):
        return np.array([len(side) for side in sides], dtype=float)


def rows_of(pairs):
    return Rows("pairs", [{} for _ in pairs], list(range(len(pairs))), len(pairs), {}, "x", None)


def test_accuracies_by_category_and_their_mean():
    pairs = [
        pair("a", "b", 1, 0, category="x"),
        pair("a", "b", 0, 1, category="x"),
        pair("a", "b", 2, 1, category="y"),
        pair("a", "b", 1, 1, category="y"),
    ]
    found = of_pairs.accuracies(pairs)
    assert found["accuracy"]["value"] == 0.625 and found["accuracy"]["of"] == 4
    assert [(c["name"], c["value"], c["of"]) for c in found["categories"]] == [("x", 0.5, 2), ("y", 0.75, 2)]
    assert found["mean_of_categories"] == 0.625
    assert "categories" not in of_pairs.accuracies(pairs[:2])  # one is none
    lopsided = of_pairs.accuracies([*[pair("a", "b", 1, 0, category="x")] * 9, pair("a", "b", 0, 1, category="y")])
    assert (lopsided["accuracy"]["value"], lopsided["mean_of_categories"]) == (0.9, 0.5)


def test_calibration_is_of_what_the_model_prefers():
    three = float(np.log(3))  # it says 3/4
    pairs = [pair("a", "b", three, 0)] * 3 + [pair("a", "b", 0, three)]
    found = of_pairs.calibration(pairs)
    assert found["expected_error"] == pytest.approx(0, abs=1e-9) and found["mean_confidence"] == pytest.approx(0.75)
    assert found["brier"] == pytest.approx(0.75 * 0.25**2 + 0.25 * 0.75**2)
    assert found["bins"] == [{"said": pytest.approx(0.75), "happened": 0.75, "pairs": 4}]
    sure = of_pairs.calibration([pair("a", "b", 1e6, 0), pair("a", "b", 0, 1e6)])  # as sure as can be, and half right
    assert sure["expected_error"] == pytest.approx(0.5)


def test_a_scorer_of_length_is_found_out():
    pairs = [pair("aaaa", "a"), pair("aa", "aaaaaa"), pair("aaaaaaaa", "aaa"), pair("a", "aa")]
    found = following(pairs)
    (style,) = found["styles"]
    assert style["name"] == "characters" and style["correlation"]["value"] == pytest.approx(1.0)
    assert found["explained"] == pytest.approx(1.0)
    assert (found["shorter_is_better"]["value"], found["longer_is_better"]["value"], found["prefers_longer"]["value"]) == (0.0, 1.0, 1.0)
    assert found["shorter_is_better"]["of"] == 2
    assert style["of_what_is_better"] == pytest.approx(0.0, abs=0.3)


def test_edits_turn_what_they_turn():
    """A scorer of length: what adds a letter turns a preference only where the answers are about as long; what cuts makes every score fall."""
    pairs = [pair(a, b) for a in WORDS for b in WORDS if len(a) > len(b) + 25]
    found = sensitivity(pairs, rows_of(pairs), ByLength(), 100)
    harmless = {edit["name"]: edit for edit in found["harmless"]}
    harmful = {edit["name"]: edit for edit in found["harmful"]}
    assert harmless["trailing_newline"]["turns"]["value"] == 0 and harmless["trailing_newline"]["change"] > 0
    assert harmless["first_letter"]["change"] == 0
    assert harmful["truncation"]["falls"]["value"] == 1
    assert harmful["changed_number"]["falls"]["value"] == 0.5  # as long as before
    assert harmful["negation"]["falls"]["value"] == 0  # longer than before
    close = [pair("abc", "ab", row=i) for i in range(5)]
    turned = {edit["name"]: edit for edit in sensitivity(close, rows_of(close), ByLength(), 3)["harmless"]}["trailing_newline"]["turns"]
    assert turned["of"] == 3 and turned["value"] == 0.5  # the worse one, made longer, is as good; the better one stays better


def test_the_text_that_is_edited_is_what_is_said_last():
    talk = [
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}]},
    ]
    assert text_of(talk) == "a\n\nc" and last_text(talk) == "c" and with_last_text(talk, "d")[-1]["content"] == "d"
    assert talk[-1]["content"] != "d" and with_last_text("a", "b") == "b"


def candidate(scores, right, subset="Math", number="0", row=0):
    return of_candidates.Candidates(row, "p", [str(i) for i in range(len(scores))], right, scores, subset)


def test_the_best_of_four_and_ties_are_counted_as_rewardbench_2_does():
    one, three = [True, False, False, False], [True, True, False]
    rows = Rows(
        "candidates",
        [
            {"subset": "Math", "id": "1"},
            {"subset": "Math", "id": "2"},
            {"subset": "Ties", "id": "ref:0"},
            {"subset": "Ties", "id": "tied:0"},
        ],
        [0, 1, 2, 3],
        4,
        {},
        "x",
        "subset",
    )
    found = [
        candidate([1.0, 0, 0, 0], one, row=0),
        candidate([2.0, 2, 1, 0], one, row=1),
        candidate([2.0, 1], [True, False], "Ties", row=2),
        candidate([2.0, 1.75, 1], three, "Ties", row=3),
    ]
    out = of_candidates.best_of(found, rows)
    assert out["accuracy"]["value"] == 0.75 and out["chance"] == 0.25 and out["candidates"] == 4
    # gaps 1 and 3/4, spread 1/4: all right, preferred and hard; the term is tanh(2) / 100
    assert out["ties"]["score"] == pytest.approx(1 + 0.01 * np.tanh(2))
    assert out["mean_of_categories"] == pytest.approx((0.75 + out["ties"]["score"]) / 2)
    assert of_candidates.gain(found[:2])["value"] == pytest.approx(0.5)
    assert len(found[1].pairs()) == 3 and len(found[3].pairs()) == 2


def test_first_errors_are_counted_as_processbench_does():
    solutions = [
        of_steps.Solution(0, [0.9, 0.2], [True, False], "a"),
        of_steps.Solution(1, [0.9, 0.9], [False, True], "a"),
        of_steps.Solution(2, [0.4, 0.9], [True, True], "b"),
        of_steps.Solution(3, [0.6, 0.7], [True, True], "b"),
    ]
    out = of_steps.first_errors(solutions, 0.5)
    assert (out["f1"], out["with_an_error"]["value"], out["without"]["value"]) == (0.5, 0.5, 0.5)
    assert out["best"]["f1"] == pytest.approx(2 / 3) and 0.2 < out["best"]["threshold"] < 0.4
    assert np.isnan(out["categories"][0]["f1"])  # without a right solution there is none
    calibration = of_steps.calibration(solutions)  # seven steps are known: what follows an error is not
    assert sum(b["pairs"] for b in calibration["bins"]) == 7 and calibration["right_steps"] == pytest.approx(5 / 7)


# ---- what rows are


def written(folder, rows, name="rows.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


PAIR = {"prompt": "p", "chosen": "a", "rejected": "b"}


def test_what_rows_are_is_told_by_their_columns(tmp_path):
    arena = {
        "winner": "model_a",
        **{f"conversation_{s}": [{"role": "user", "content": "p"}, {"role": "assistant", "content": s}] for s in "ab"},
    }
    for rows, kind in (
        ([PAIR], "pairs"),
        ([arena, {**arena, "winner": "tie"}], "pairs"),
        ([{"prompt": "p", "completion": c, "label": c == "a"} for c in "ab"], "pairs"),
        ([{"prompt": "p", "completions": ["a", "b"], "scores": [2, 0.5]}], "pairs"),
        ([{"prompt": "p", "chosen": ["a"], "rejected": ["b", "c"], "subset": "Math"}], "candidates"),
        ([{"prompt": "p", "completions": ["a", "b"], "scores": [1, 0]}], "candidates"),
        ([{"problem": "p", "steps": ["a", "b"], "label": 1}], "steps"),
        ([{"prompt": "p", "completions": ["a"], "labels": [True]}], "steps"),
    ):
        assert read(written(tmp_path, rows)).kind == kind
    found = read(written(tmp_path, [{**arena, "winner": "tie"}, arena]))
    assert found.numbers == [1] and found.left_out == {"a tie": 1} and found.read == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"prompt": "p", "chosen": "a"}], "row 0 of rows.jsonl has 'chosen' and no 'rejected'"),
        ([{"prompt": "p", "completion": "a"}], "have one answer each, so nothing says which is better"),
        ([{"question": "p", "reply": "a"}], "say nothing of what is better"),
        ([{**PAIR, "rejected": "a"}], "nothing of rows.jsonl is left as pairs: chosen and rejected are the same"),
        ([{**PAIR, "subset": "x"}], "--category: unknown column 'subst': did you mean subset?"),
    ],
)
def test_rows_that_cannot_be_tested_on_are_refused_in_a_sentence(rows, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, rows)
    more = ["--category", "subst"] if "subst'" in words else []
    assert main(["evaluate", "nowhere", "rows.jsonl", *more]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said and "unexpected" not in said, said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rows.jsonl", "-n", "4"], "-n has no effect here, because rows.jsonl holds rows"),
        (["rows.jsonl", "steps=3"], "the override 'steps=3' has no effect here"),
        (["run.yaml", "--report", "x.html"], "--report has no effect here, because run.yaml is the file of a run"),
        (["run.yaml", "--bench"], "--bench: run.yaml is the file of a run, and a reward model is tested on rows"),
        (["rows.jsonl", "--report", "."], "--report: . is a folder"),
        (["gone.jsonl"], "there is no file"),
    ],
)
def test_what_has_no_effect_is_refused(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, [PAIR])
    Path("run.yaml").write_text("task: {part: sort_letters}\n")
    assert main(["evaluate", "model", *arguments]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said, said


# ---- a model that was trained in a second


SCORER = """
model: {part: headed, body: {part: small_language_model, characters: "abcdefgh >.!I'mnotwsrkpulviyH\\n-*#", layers: 1, hidden: 16, heads: 2, context_length: 64}, head: scalar}
task: {path: pairs.jsonl}
recipe: {base: reward_model, optimiser: {learning_rate: 1e-2}}
budget: {steps: 30, batch_size: 8}
run: scorer
"""
TEXTS = [a + b for a in "abcd" for b in "abcd" if a != b]
SORTED = [{"prompt": f"{t}>", "chosen": "".join(sorted(t)), "rejected": "".join(sorted(t, reverse=True)), "subset": t[0]} for t in TEXTS]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        written(folder, SORTED, "pairs.jsonl")
        (folder / "scorer.yaml").write_text(SCORER)
        assert main(["fit", "scorer.yaml", "--json"]) == 0
    return folder


@pytest.fixture
def guerdon(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)

    def run(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        assert "unexpected" not in said.err and "Traceback" not in said.err
        return code, said.out, " ".join(said.err.split())

    return run


def test_the_bench_says_what_score_says_and_writes_a_page(guerdon):
    evil = {
        **SORTED[0],
        "prompt": "<script>alert(1)</script>".replace("<", "a").replace("script", "a")[:3] + ">",
        "rejected": SORTED[0]["rejected"] + " ",
    }
    written(Path(), [*SORTED, evil], "held.jsonl")
    code, out, said = guerdon("evaluate", "scorer/model", "held.jsonl", "--json", "--report", "out/bench.html", "--edited", "5")
    assert code == 0, said
    found = json.loads(out)
    code, scored, _ = guerdon("score", "scorer/model", "held.jsonl", "--json")
    assert found["accuracy"]["value"] == pytest.approx(json.loads(scored)["accuracy"])
    assert found["margin"] == pytest.approx(json.loads(scored)["margin"], abs=1e-5)
    assert found["scored"] == len(SORTED) + 1 and {c["name"] for c in found["categories"]} == set("abcd")
    assert {edit["name"] for edit in found["sensitivity"]["harmful"]} >= {"truncation", "other_answer"}
    page = Path("out/bench.html").read_text()
    assert "Reliability" in page and "Margin and length" in page and "http" not in page.replace("http://www.w3.org", "")
    code, out, said = guerdon("evaluate", "scorer/model", "held.jsonl", "--edited", "0", "--category", "prompt", "--rows", "4")
    assert code == 0 and "4 pairs: accuracy" in out and "mean of categories" in out and "should not matter" not in out
    assert guerdon("evaluate", "scorer/model", "held.jsonl", "--bench", "--edited", "0")[0] == 0


def test_candidates_and_long_rows(guerdon):
    rows = [
        {"prompt": r["prompt"], "chosen": [r["chosen"]], "rejected": [r["rejected"], "a", "b"], "subset": "Math", "id": "1"} for r in SORTED
    ]
    rows.append({**rows[0], "rejected": ["a" * 100]})
    written(Path(), rows, "best_of.jsonl")
    code, _, said = guerdon("evaluate", "scorer/model", "best_of.jsonl")
    assert code == 2 and "row 12 of best_of.jsonl" in said and "--skip-long leaves out such rows" in said
    code, out, said = guerdon("evaluate", "scorer/model", "best_of.jsonl", "--skip-long", "--edited", "0")
    assert (
        code == 0 and "12 prompts with 4 candidates: the best is right" in out and "1 left out: longer than the model has room for" in said
    )
    written(Path(), [{**rows[0], "subset": "Ties", "id": "5"}], "ties.jsonl")
    code, _, said = guerdon("evaluate", "scorer/model", "ties.jsonl")
    assert code == 2 and "should be ref:NUMBER or tied:NUMBER" in said


def test_a_model_that_is_no_scorer_is_refused(guerdon):
    code, _, said = guerdon("evaluate", "nowhere/model", "pairs.jsonl")
    assert code == 2 and "nowhere/model" in said
    written(Path(), [{"prompt": "a>", "completions": ["a"], "labels": [True]}], "steps.jsonl")
    code, _, said = guerdon("evaluate", "scorer/model", "steps.jsonl")
    assert code == 2 and "scorer of steps" in said, said


def made(head, folder, characters="ab>\n", chat=False):
    """A model that was not trained, saved as a run saves it."""
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.small_language_model import SmallLanguageModel

    Headed(SmallLanguageModel(characters=characters, layers=1, hidden=16, heads=2, context_length=64), head).build(0).save(Path(folder))


def test_solutions_in_steps(guerdon):
    from guerdon.models.heads.step import Step

    made(Step(), "steps/model")
    rows = [
        {"problem": "a>", "steps": ["ab", "b", "aa"], "label": label, "id": f"x-{i}", "subset": "x"} for i, label in enumerate((-1, 0, 2))
    ]
    written(Path(), [*rows, {**rows[0], "label": 7}, {**rows[0], "problem": "a" * 80}], "bench.jsonl")
    code, out, said = guerdon("evaluate", "steps/model", "bench.jsonl", "--skip-long", "--report", "steps.html", "--json")
    assert code == 0, said
    found = json.loads(out)
    assert found["scored"] == 3 and found["left_out"] == {
        "the label is neither -1 nor the index of a step": 1,
        "longer than the model has room for": 1,
    }
    assert found["with_an_error"]["of"] == 2 and found["without"]["of"] == 1
    assert "F1 of the first error" in Path("steps.html").read_text()
    from guerdon.models.language.step_scorer import StepScorer

    model = StepScorer("steps/model").build()
    (said_of_one,) = model.step_scores(["a>"], [["ab", "b", "aa"]])
    low, high = (str(t) for t in (0.0, 1.0))
    code, out, _ = guerdon("evaluate", "steps/model", "bench.jsonl", "--skip-long", "--step-threshold", high, "--json")
    assert json.loads(out)["with_an_error"]["value"] == 0.5  # the first step is always the one: right where the label is 0
    code, out, _ = guerdon("evaluate", "steps/model", "bench.jsonl", "--skip-long", "--step-threshold", low)
    assert code == 0 and "F1 0.000 at the threshold 0" in out and "best threshold for these rows" in out
    between = str(sum(said_of_one[:1]) + 1e-6)  # just above the first step's
    code, out, _ = guerdon("evaluate", "steps/model", "bench.jsonl", "--skip-long", "--step-threshold", between, "--json")
    assert json.loads(out)["with_an_error"]["value"] == 0.5


def test_a_head_beside_its_body_is_read_as_the_run_says(guerdon):
    from guerdon.models.heads.attributes import Attributes
    from guerdon.models.heads.step import Step

    characters = "".join(sorted(set("abcd>")))
    made(Attributes(2, (1.0, -1.0)), "several/model", characters)
    written(Path(), SORTED, "held.jsonl")
    code, _, said = guerdon("evaluate", "several/model", "held.jsonl", "--edited", "0")
    assert code == 2 and "no configuration.yaml there or above it says which" in said
    model = f"model: {{part: headed, body: {{part: small_language_model, characters: '{characters}'}}, head: {{part: attributes, count: 2, weights: [1.0, -1.0]}}}}\n"
    Path("several/configuration.yaml").write_text(model + "task: {path: held.jsonl}\nrecipe: reward_model\n")
    code, out, said = guerdon("evaluate", "several/model", "held.jsonl", "--edited", "0", "--json")
    assert code == 0, said
    both = json.loads(out)
    Path("several/configuration.yaml").write_text(Path("several/configuration.yaml").read_text().replace("[1.0, -1.0]", "[-1.0, 1.0]"))
    code, out, _ = guerdon("evaluate", "several/model", "held.jsonl", "--edited", "0", "--json")
    assert json.loads(out)["margin"] == pytest.approx(-both["margin"]) and both["margin"] != 0
    made(Step(), "steps2/model")
    code, _, said = guerdon("evaluate", "steps2/model", "held.jsonl")
    assert code == 2 and "steps2/model" in said


def test_a_head_on_an_encoder_is_asked_by_its_folder_wherever_that_lies(guerdon):
    """What ``fit`` says next of it works, and the encoder that was saved beside the head is read, not the one that the run named."""
    from guerdon.models.language.small_language_model import SmallLanguageModel

    SmallLanguageModel("abcd>", layers=2, hidden=16, heads=2, context_length=32).build(0).save(Path("base"))
    written(Path(), SORTED, "held.jsonl")
    Path("fit.yaml").write_text(
        "model: {part: embedded, encoder: {part: hidden_state, source: base, layers: 1}, head: scalar}\n"
        "task: {path: held.jsonl, held_out: 2}\nrecipe: reward_model\nbudget: {steps: 2, batch_size: 4}\nrun: run\n"
    )
    code, out, said = guerdon("fit", "fit.yaml")
    assert code == 0 and "guerdon score run/model" in out, said
    code, before, said = guerdon("evaluate", "run/model", "held.jsonl", "--edited", "0", "--json")
    assert code == 0, said
    Path("base").rename("elsewhere")
    Path("run").rename("moved")
    code, after, said = guerdon("evaluate", "moved/model", "held.jsonl", "--edited", "0", "--json")
    assert code == 0, said
    assert json.loads(after)["margin"] == pytest.approx(json.loads(before)["margin"]) and json.loads(after)["margin"] != 0
    code, out, said = guerdon("score", "moved/model", "held.jsonl", "--json")
    assert code == 0, said


QUALITIES = ("rating", "helpfulness", "correctness", "coherence", "complexity", "verbosity")
RATED = [{"prompt": row["prompt"], "completion": row["chosen"]} | dict.fromkeys(QUALITIES, float(len(row["chosen"]))) for row in SORTED]
IN_STEPS = [{"prompt": row["prompt"], "completions": list(row["chosen"]), "labels": [c > "a" for c in row["chosen"]]} for row in SORTED]


@pytest.mark.parametrize(
    ("head", "recipe", "rows"),
    [
        ("scalar", "reward_model", SORTED),
        ("two_layers", "reward_model", SORTED),
        ("{part: ensemble, members: 2}", "ensemble_reward_model", SORTED),
        ("{part: laplace, pessimism: 1.0}", "reward_model", SORTED),
        ("disentangled", "disentangled_reward_model", SORTED),
        ("quantiles", "quantile_reward_model", RATED),
        ("{part: attributes, count: 5}", "attribute_reward_model", RATED),
        ("step", "process_reward_model", IN_STEPS),
    ],
)
def test_what_fit_says_next_works_whatever_the_head(guerdon, monkeypatch, tmp_path, head, recipe, rows):
    monkeypatch.chdir(tmp_path)
    written(Path(), rows, "rows.jsonl")
    Path("fit.yaml").write_text(
        'model: {part: headed, body: {part: small_language_model, characters: "abcd>\\n", layers: 1, hidden: 16, heads: 2, context_length: 32}, '
        f"head: {head}}}\ntask: {{path: rows.jsonl, held_out: 2}}\nrecipe: {recipe}\nbudget: {{steps: 1, batch_size: 4}}\nrun: run\n"
    )
    code, out, said = guerdon("fit", "fit.yaml")
    assert code == 0, said
    (next_,) = [line.strip() for line in out.splitlines() if line.strip().startswith("guerdon score ")]
    code, out, said = guerdon(*next_.split()[1:], "--json")
    assert code == 0, said


def test_plain_rows_may_be_written_by_the_chat_template(guerdon, monkeypatch):
    code, _, said = guerdon("evaluate", "scorer/model", "pairs.jsonl", "--chat", "--edited", "0")
    assert code == 2 and "has no chat template" in said
    for rows, kind in (
        ([PAIR], "pairs"),
        ([{"prompt": "p", "chosen": ["a"], "rejected": ["b"]}], "candidates"),
        ([{"prompt": "p", "completions": ["a"], "labels": [True]}], "steps"),
    ):
        found = read(written(Path(), rows, "chat.jsonl"), chat=True)
        (row,) = found.rows
        assert found.kind == kind and not found.plain and row["prompt"] == [{"role": "user", "content": "p"}]
        answers = [row[name] for name in ("chosen", "rejected") if name in row] or row["completions"]
        assert answers == (["a"] if kind == "steps" else [[{"role": "assistant", "content": c}] for c in "ab"])
    assert read(written(Path(), [PAIR], "chat.jsonl")).plain


def test_texts_on_the_page_are_escaped(tmp_path):
    bad = "<script>alert('x')</script>"
    talk = [[{"role": "assistant", "content": text}] for text in (bad, "b")]
    pairs = [Pair(0, bad, f"{bad} better", bad, 0.0, 1.0, bad), Pair(1, [{"role": bad, "content": bad}], *talk, 1.0, 0.0, "y")]
    found = {
        "model": bad,
        "rows": bad,
        "kind": "pairs",
        "read": 2,
        "left_out": {bad: 1},
        "notes": [],
        "category": bad,
        "scored": 2,
        **of_pairs.accuracies(pairs),
        "calibration": of_pairs.calibration(pairs),
        "following": following(pairs),
        "worst": of_pairs.worst(pairs, [0, 1], 5),
        "sensitivity": sensitivity(pairs[:1], rows_of(pairs), ByLength(), 5),
        "margins": [p.margin for p in pairs],
    }
    page = write(found, tmp_path / "page.html").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and page.count("<script>") == 1
