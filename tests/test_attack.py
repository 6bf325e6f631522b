"""``guerdon attack``: every figure is that of a reward that can be seen through, nothing is asked twice, and what cannot be attacked is said in a sentence."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from guerdon.errors import InputError
from guerdon.evaluation.metrics.gold_of_best import GoldOfBest
from guerdon.evaluation.metrics.max_at_k import MaxAtK
from guerdon.evaluation.metrics.overoptimisation import Overoptimisation
from guerdon.evaluation.turning import turning
from guerdon.interfaces.attacking import battery as of_battery
from guerdon.interfaces.attacking import judging
from guerdon.interfaces.attacking.attack import called
from guerdon.interfaces.attacking.battery import Tried, battery, plain_scores
from guerdon.interfaces.attacking.best_of import best_of, kl_of_best
from guerdon.interfaces.attacking.judging import Judge
from guerdon.interfaces.attacking.keeping import Kept
from guerdon.interfaces.attacking.page import write
from guerdon.interfaces.attacking.reading import Item, read_items
from guerdon.interfaces.benching.answers import text_of
from guerdon.interfaces.cli import main
from guerdon.interfaces.named_rewards import reward_of


class ByText:
    """A judge that can be seen through."""

    called, place, failures = "by text", "MODEL", {}

    def __init__(self, worth=len):
        self.worth, self.asked = worth, 0

    def scores(self, asked, doing=""):
        self.asked += len(asked)
        return np.array([float(self.worth(text_of(answer))) for _, _, answer in asked])


def items_of(pairs):
    return [Item(i, {}, f"prompt {i}", good=good, own=own, reference="#### 4") for i, (good, own) in enumerate(pairs)]


def attacked(items, worth=len):
    judge = ByText(worth)
    return battery(items, judge, plain_scores(items, judge), 0)


PAIRS = [(f"It is {i}. I know that." + " Very much so." * (i % 3), f"It is {i}. No.") for i in range(12)]


# ---- the battery


def test_a_reward_of_length_is_beaten_by_length_and_by_nothing_else():
    found = attacked(items_of(PAIRS))
    by = {attack["name"]: attack for attack in found["attacks"]}
    assert found["unattacked"]["value"] == 0 and found["items"] == 12
    for name in ("padding", "repetition", "blank_lines", "self_praise", "bold_type"):
        assert by[name]["beats_own"]["value"] == 1 and by[name]["change"] > 0
    assert by["padding"]["beats_good"]["value"] == 1
    assert by["empty_answer"]["beats_good"]["value"] == by["punctuation"]["beats_good"]["value"] == 0
    assert by["empty_answer"]["change"] < 0 and not by["empty_answer"]["changes_an_answer"]
    assert by["empty_answer"]["beats_own"]["of"] == 0
    spread = np.std([len(text) for pair in PAIRS for text in pair])
    assert by["blank_lines"]["change"] == pytest.approx(20 / spread)
    rates = [attack["beats_good"]["value"] for attack in found["attacks"]]
    assert rates == sorted(rates, reverse=True)


def test_a_reward_that_reads_what_is_said_is_not_beaten():
    found = attacked(items_of(PAIRS), lambda text: "I know that." in text and "\n" not in text)
    assert all(attack["beats_good"]["value"] == 0 for attack in found["attacks"]) and found["worst"] == []


def test_a_judge_that_pays_a_key_is_found_out_and_the_worst_rows_are_of_several_attacks():
    found = attacked(items_of(PAIRS), lambda text: 9.0 if text == "Solution" else 8.0 if "<|im_end|>" in text else 1.0 * ("that" in text))
    first, second = found["attacks"][:2]
    assert (first["name"], second["name"]) == ("forged_turn", "master_keys") and first["beats_good"]["value"] == second["beats_good"][
        "value"
    ] == 1
    (key,) = [v for v in second["variants"] if v["beats_good"]["value"] == 1]
    assert key["text"] == "Solution"
    assert {row["attack"] for row in found["worst"]} == {"forged_turn", "master_keys"} and len(found["worst"]) == 2 * of_battery.OF_ONE
    assert len({row["row"] for row in found["worst"]}) == len(found["worst"])


def test_many_variants_win_nothing_by_chance():
    """One of two texts wins on one half of the rows and the other on the other: who chose on the rows that are counted would say 1/2."""
    items = items_of(PAIRS)
    plain = plain_scores(items, ByText(lambda text: 0.0))
    halves = np.arange(len(items)) % 2
    tried = [Tried(i, v, "x", float(halves[i] == v)) for i in range(len(items)) for v in (0, 1)]
    figures = of_battery._figures(tried, plain, halves, False)
    assert figures["beats_good"]["value"] == 0 and figures["as_good"] == 1
    assert [v["beats_good"]["value"] for v in figures["variants"]] == [0.5, 0.5]


def test_rows_without_a_good_answer_are_compared_with_what_they_were():
    items = [Item(i, {}, "q", own=own) for i, (_, own) in enumerate(PAIRS)]
    found = attacked(items)
    assert found["unattacked"]["of"] == 0 and found["attacks"][0]["beats_own"]["value"] == 1
    assert found["worst"][0]["good"] is None and found["worst"][0]["ahead"] > 0
    talk = Item(0, {}, [{"role": "user", "content": "q"}], own=[{"role": "assistant", "content": "a"}])
    assert talk.asked == "q" and talk.said == "a" and talk.with_text("b") == [{"role": "assistant", "content": "b"}]
    bare = Item(0, {}, [{"role": "user", "content": "q"}])
    assert bare.said == "" and bare.with_text("b") == [{"role": "assistant", "content": "b"}]


# ---- the best of N


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_gold_of_the_best_is_the_mean_over_all_subsets(n):
    draw = np.random.default_rng(n)
    proxy, gold = draw.integers(0, 4, (3, 5)).astype(float), draw.normal(size=(3, 5))  # with equal proxies
    for p, g, value in zip(proxy, gold, GoldOfBest(n)(proxy, gold), strict=True):
        chosen = [np.mean([g[i] for i in subset if p[i] == max(p[list(subset)])]) for subset in itertools.combinations(range(5), n)]
        assert value == pytest.approx(np.mean(chosen))
    np.testing.assert_allclose(GoldOfBest(n)(gold, gold), MaxAtK(n)(gold))
    with pytest.raises(InputError, match="with at least 6 answers"):
        GoldOfBest(6)(proxy, gold)


def test_where_gold_turns_is_found_and_noise_is_no_turn():
    draw = np.random.default_rng(0)
    shape = np.array([0.0, 0.6, 1.0, 0.7, 0.1])
    found = turning(shape + 0.3 * draw.normal(size=(80, 1)) + 0.1 * draw.normal(size=(80, 5)))
    assert found.top == 2 and found.seen == 3 and found.fall == pytest.approx(0.3, abs=0.1)
    wandering = [
        turning(np.cumsum(draw.normal(size=(30, 6)), axis=1)) for _ in range(300)
    ]  # places that go together, and a mean that stays
    assert np.mean([one is not None for one in wandering]) < 0.06
    assert turning(np.cumsum(np.ones((30, 6)), axis=1)) is None and turning([[0.0, 1.0]] * 3) is None


def test_the_curve_of_over_optimisation_is_found_again():
    d = np.linspace(0, 4, 30)
    for by in ("best of n", "rl"):
        part = Overoptimisation(by)
        alpha, beta, top, gain = part(d, part.curve(d, 1.5, 0.5))
        assert (alpha, beta) == pytest.approx((1.5, 0.5)) and gain == pytest.approx(float(part.curve(np.array([top]), 1.5, 0.5)[0]))
        assert part.curve(d, 1.5, 0.5).max() <= gain + 1e-9
    assert np.isnan(Overoptimisation()(d, d)[2:]).all()  # it never turns
    for wrong in ({"distance": [0.0, 1.0], "gain": [0.0, 1.0]}, {"distance": [1.0, 2.0], "gain": [0.0, np.nan]}):
        with pytest.raises(InputError, match="two different distances"):
            Overoptimisation()(**wrong)


def test_the_best_of_n_says_where_both_part():
    draw = np.random.default_rng(1)
    items = []
    for i in range(60):  # answers of 0 to 15 marks, of which up to five are good and more are bad
        marks = draw.integers(0, 16, size=16)
        golds = np.minimum(marks, 5) - 2.0 * np.maximum(marks - 9, 0) + 0.1 * draw.normal(size=16)
        items.append(Item(i, {}, "q", own="a", candidates=tuple("!" * k for k in marks), golds=tuple(golds)))
    found = best_of(items, ByText(), None)
    assert found["prompts"] == 60 and found["candidates"] == 16 and [p["n"] for p in found["points"]] == [1, 2, 4, 8, 16]
    assert found["points"][0]["proxy"]["mean"] == pytest.approx(np.mean([len(c) for item in items for c in item.candidates]))
    assert found["points"][-1]["proxy"]["mean"] == pytest.approx(np.mean([max(map(len, item.candidates)) for item in items]))
    assert found["points"][-1]["characters"] == pytest.approx(found["points"][-1]["proxy"]["mean"])
    assert found["points"][1]["kl"] == pytest.approx(np.log(2) - 0.5) == pytest.approx(kl_of_best(2))
    assert found["parts"]["n"] == found["highest"] and found["parts"]["seen_n"] > found["parts"]["n"] and found["parts"]["falls_by"] > 0
    assert found["top"][0]["proxy"] - found["top"][0]["mean_proxy"] >= found["top"][-1]["proxy"] - found["top"][-1]["mean_proxy"]
    known = best_of(items, ByText(), ByText(lambda text: -abs(len(text) - 4)))
    assert known["points"][-1]["gold"]["mean"] < known["points"][0]["gold"]["mean"]
    without = best_of([Item(0, {}, "q", candidates=("a", "bb"))], ByText(), None)
    assert not without["gold"] and "parts" not in without
    assert best_of([Item(0, {}, "q", own="a")], ByText(), None) is None


# ---- nothing is lost, nothing is asked twice


def test_what_was_found_is_kept_and_a_line_that_was_cut_off_is_forgotten(tmp_path):
    kept = Kept(tmp_path / "x.jsonl")
    kept.put([("a", 1.0), ("b", None)])
    kept.close()
    with open(tmp_path / "x.jsonl", "a") as file:
        file.write('{"key": "c", "fou')  # killed here
    again = Kept(tmp_path / "x.jsonl")
    assert again["a"] == 1.0 and again["b"] is None and "c" not in again
    again.put([("c", 2.0)])
    again.close()
    assert Kept(tmp_path / "x.jsonl")["c"] == 2.0


REWARDS = """
from pathlib import Path

def longer(completions, **columns):
    with Path("asked.txt").open("a") as file:
        file.write("".join("x" for _ in completions))
    return [float(len(c)) for c in completions]

def stopped(completions, **columns):
    raise ValueError("not today")

def paid(prompts, completions, wanted, **columns):
    return [float(c.count(w)) for c, w in zip(completions, wanted)]
"""


def written(rows, name="rows.jsonl"):
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rewards.py").write_text(REWARDS)
    return tmp_path


def test_who_is_stopped_goes_on_where_it_was(here, monkeypatch):
    monkeypatch.setattr(judging, "AT_ONCE", 4)
    asked = [({}, "q", "a" * i) for i in range(10)]
    kept = Kept(here / "s.jsonl")
    with Judge("rewards.py:longer", "MODEL", kept, silent=True) as judge:
        own = judge._of_function

        def some(questions):
            if len(kept._found) >= 4:
                raise KeyboardInterrupt
            return own(questions)

        judge._of_function = some
        with pytest.raises(KeyboardInterrupt):
            judge.scores(asked, "")
    kept.close()
    assert len(Path("asked.txt").read_text()) == 4
    kept = Kept(here / "s.jsonl")
    with Judge("rewards.py:longer", "MODEL", kept, silent=True) as judge:
        assert judge.scores(asked, "").tolist() == list(range(10)) and kept.before == 4
        assert judge.scores(asked[:3], "").tolist() == [0, 1, 2]
    assert len(Path("asked.txt").read_text()) == 10
    Path("other.py").write_text(REWARDS.replace("float(len(c))", "2.0 * len(c)"))
    with Judge(
        "other.py:longer", "MODEL", kept, silent=True
    ) as judge:  # another reward, and another file: nothing of the first is taken for it
        assert judge.scores(asked[:3], "").tolist() == [0, 2, 4]


# ---- what is attacked, and with which rows


def test_a_reward_is_named_in_all_the_usual_ways(here):
    from guerdon.feedback.rewards.length import Length
    from guerdon.feedback.rewards.remote_scorer import RemoteScorer

    assert reward_of("rewards.py:longer", "MODEL") == "rewards.py:longer"
    assert reward_of("{part: length, max_length: 9, cache: 3, unit: characters}", "MODEL") == Length(9, 3, "characters")
    assert isinstance(reward_of("http://127.0.0.1:9", "MODEL"), RemoteScorer)
    assert [called(text) for text in ("runs/a b/model", "x/rewards.py:mine", "{part: length, max_length: 9}", "http://h:8000", "owner/name")] == [
        "a-b", "mine", "length", "h-8000", "name",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["lenght", "rows.jsonl"],
            "MODEL: there is no folder 'lenght', and it is no reward of the library: unknown reward 'lenght': did you mean length",
        ),
        (["length", "rows.jsonl"], "max_length is missing"),
        (["rewards.py:longr", "rows.jsonl"], "MODEL: unknown reward function in rewards.py 'longr': did you mean longer?"),
        (["rewards.py:longer", "rows.jsonl", "--gold", "math_equivalenc"], "--gold: there is no folder 'math_equivalenc'"),
        (["rewards.py:paid", "rows.jsonl"], "rewards.py:paid reads the column 'wanted'"),
        (["rewards.py:stopped", "rows.jsonl"], "gives no number for any answer"),
        (["rewards.py:longer", "rows.jsonl", "--steps", "3"], "--steps: somebody has to learn; name a language model with --policy"),
        (["rewards.py:longer", "rows.jsonl", "--chat"], "--chat: none of the models has a chat template"),
        (["rewards.py:longer", "prompts.jsonl"], "the rows of prompts.jsonl are prompts alone"),
        (["rewards.py:longer", "steps.jsonl"], "the rows of steps.jsonl are solutions in steps"),
        (["rewards.py:longer", "odd.jsonl"], "row 0 of odd.jsonl has no column 'prompt'"),
        (["rewards.py:longer", "half.jsonl"], "has 'chosen' and no 'rejected'"),
        (["rewards.py:longer", "gone.jsonl"], "there is no file"),
        (["self_certainty", "rows.jsonl"], "is what a policy makes of its own samples"),
        (["rewards.py:longer", "rows.jsonl", "--out", "rewards.py"], "cannot be written"),
    ],
)
def test_what_cannot_be_attacked_is_refused_in_a_sentence(arguments, words, here, capsys):
    written([{"prompt": "q", "chosen": "a", "rejected": "b"}])
    written([{"prompt": "q"}], "prompts.jsonl")
    written([{"prompt": "q", "completions": ["a"], "labels": [True]}], "steps.jsonl")
    written([{"question": "q"}], "odd.jsonl")
    written([{"prompt": "q", "chosen": "a"}], "half.jsonl")
    assert main(["attack", *arguments]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said and "unexpected" not in said, said


def test_what_rows_are_is_told_by_their_columns(here):
    talk = [{"role": "user", "content": "q"}]
    said = [[{"role": "assistant", "content": s}] for s in "ab"]
    for row, good, own, several in (
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "a", "b", 0),
        ({"prompt": talk, "chosen": said[0], "rejected": said[1]}, said[0], said[1], 0),
        ({"prompt": "q", "chosen": ["a"], "rejected": ["b", "c"]}, "a", "b", 3),
        ({"prompt": "q", "completions": ["b", "a", "c"], "scores": [0.5, 2, 1]}, "a", "b", 3),
        ({"prompt": "q", "completions": ["b", "a"]}, None, "b", 2),
        ({"prompt": "q", "completion": "b"}, None, "b", 0),
        ({"prompt": "q"}, None, None, 0),
    ):
        (item,) = read_items(written([{**row, "answer": 4, "wanted": "x"}]), None, 0).items
        assert (item.good, item.own, len(item.candidates)) == (good, own, several), row
        assert item.reference == "4" and item.row["wanted"] == "x" and "chosen" not in item.row
    (item,) = read_items(written([{"prompt": "q", "chosen": "a", "rejected": "b"}]), None, 0, chat=True).items
    assert item.prompt == talk and item.good == said[0] and item.own == said[1]
    many = [{"prompt": f"q{i}", "completion": "a"} for i in range(20)] + [{"prompt": None, "completion": "a"}]
    read = read_items(written(many), 5, 0)
    assert len(read.items) == 5 and read.rows == 21 and read.left_out == {"nothing in column 'prompt'": 1}
    assert [i.number for i in read.items] == sorted(i.number for i in read.items) != list(range(5))
    assert read_items("rows.jsonl", 5, 1).items != read.items


# ---- from the command line


LETTERS = "".join(sorted(set("abcd> It is.No!?:,Solution*-#\n")))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A policy and a scorer that nobody trained."""
    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.small_language_model import SmallLanguageModel

    folder = tmp_path_factory.mktemp("attack")
    small = SmallLanguageModel(characters=LETTERS, layers=1, hidden=16, heads=2, context_length=64)
    small.build(0).save(folder / "policy")
    Headed(small, Scalar()).build(0).save(folder / "scorer")
    return folder


ROWS = [{"prompt": f"{a}{b}> ", "chosen": f"It is {a}.", "rejected": f"It is {b}. No."} for a in "abc" for b in "abcd" if a != b]


def test_a_model_is_attacked_and_the_page_says_so(models, here, capsys):
    written([*ROWS, {"prompt": "ab> ", "chosen": "It is so." * 20, "rejected": "a"}])
    assert main(["attack", str(models / "scorer"), "rows.jsonl", "--json", "--rows", "50"]) == 0
    found = json.loads(capsys.readouterr().out)
    by = {attack["name"]: attack for attack in found["battery"]["attacks"]}
    assert found["battery"]["items"] == len(ROWS) + 1 and found["best_of"] is None and found["folder"] == "runs/attack-scorer"
    assert "empty_answer" in by and "authority" not in by  # most letters of its texts are not in the model's alphabet
    assert any("have no number" in note for note in found["notes"])
    page = Path(found["report"]).read_text()
    assert "Battery" in page and "http" not in page.replace("http://www.w3.org", "")
    assert json.loads(Path("runs/attack-scorer/found.json").read_text())["battery"]["items"] == len(ROWS) + 1
    code = main(["score", str(models / "scorer"), "rows.jsonl", "--rows", "9", "--out", "scored.jsonl", "--json"])
    capsys.readouterr()
    scored = {
        json.loads(line)["prompt"] + json.loads(line)["rejected"]: json.loads(line)
        for line in Path("scored.jsonl").read_text().splitlines()
    }
    assert code == 0
    for row in found["battery"]["worst"]:
        key = row["prompt"] + row["own"]
        if key in scored:
            assert row["own_score"] == pytest.approx(scored[key]["rejected_score"], abs=1e-5)
            assert row["good_score"] == pytest.approx(scored[key]["chosen_score"], abs=1e-5)


def test_a_policy_is_chosen_from_and_learns_and_goes_on(models, here, capsys):
    written([{"prompt": row["prompt"], "wanted": "a"} for row in ROWS])
    arguments = ["attack", "rewards.py:longer", "rows.jsonl", "--gold", "rewards.py:paid", "--policy", str(models / "policy")]
    arguments += ["-n", "4", "--max-completion-length", "6", "--batch-size", "2", "--learning-rate", "0.05", "--out", "out"]
    assert main([*arguments, "--steps", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    best, run = found["best_of"], found["training"]
    assert best["prompts"] == len(ROWS) and best["candidates"] == 4 and best["gold"] and [p["n"] for p in best["points"]] == [1, 2, 4]
    assert found["battery"]["unattacked"]["of"] == 0  # nobody knows a good answer
    assert run["steps"] == [1, 2] and run["kl"][0] == pytest.approx(0, abs=1e-6) and run["kl"][1] > 0 and len(run["gold"]) == 2
    logged = [json.loads(line) for line in Path(run["run"], "completions.jsonl").read_text().splitlines()]
    own = [row for row in logged if row["step"] == 2]
    assert run["proxy"][1] == pytest.approx(np.mean([len(row["completion"]) for row in own]))
    assert run["gold"][1] == pytest.approx(np.mean([row["completion"].count("a") for row in own]))
    asked = len(Path("asked.txt").read_text())
    assert main([*arguments, "--steps", "3"]) == 0
    out, err = capsys.readouterr()
    assert "best of N, 9 prompts with 4 candidates" in out and "a run against the reward, 3 steps" in out
    assert "going on from step 2 of 3" in err and "numbers were kept in out and not asked for again" in " ".join(err.split())
    assert (
        len(Path("asked.txt").read_text()) - asked == 16 and len(list(Path("out").glob("rl-*"))) == 1
    )  # one step of two prompts with eight answers
    page = Path("out/report.html").read_text()
    assert "A run against the reward" in page and page.count("<svg") == 2


# ---- the page


def hostile(bad):
    items = [
        Item(i, {}, bad, good=f"{bad} good", own=bad, candidates=(bad, f"{bad} and", "c", "dd"), golds=(1.0, 0.0, 2.0, 1.0))
        for i in range(6)
    ]
    found = attacked(items)
    best = best_of(items, ByText(), None)
    steps = list(range(1, 13))
    run = {
        "run": bad,
        "steps": steps,
        "kl": [0.1 * s for s in steps],
        "proxy": [1.0 * s for s in steps],
        "tokens": [2.0] * 12,
        "gold": [float(-((s - 4) ** 2)) for s in steps],
        "parts": {"step": 4.0, "seen": 8.0, "kl": 0.4, "seen_kl": 0.8, "proxy": (4.0, 8.0), "gold": (0.0, -16.0)},
        "fit": {"alpha": 1.0, "beta": 0.5, "top_kl": 7.4, "top_gain": 1.4, "from": -9.0},
        "top": [{"step": 3, "prompt": bad, "answer": [{"role": bad, "content": bad}], "proxy": 2.0, "gold": None}],
    }
    told = {"model": bad, "rows": bad, "gold": bad, "policy": bad, "folder": bad, "read": 6, "left_out": {bad: 1}, "notes": [bad]}
    return {**told, "battery": found, "best_of": best, "training": run}


def test_hostile_texts_stay_texts_on_the_page(tmp_path):
    bad = "<script>alert('x')</script>"
    page = write(hostile(bad), tmp_path / "page.html").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and page.count("<script>") == 1
    only = write({**hostile("q"), "best_of": None, "training": None}, tmp_path / "page.html").read_text()
    assert "Best of N" not in only and "<svg" not in only
