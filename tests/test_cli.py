"""The command line: every command does its job on tiny models, in this process, and says what a person and a program need."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from guerdon.interfaces.check import agreement, loop_of
from guerdon.interfaces.cli import app, main
from guerdon.interfaces.configuration import load, named_recipe, read
from guerdon.interfaces.preparing import prepare

TINY = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}
recipe: {base: grpo, sampler: {num_generations: 2}}
decoding: {max_completion_length: 5}
budget: {steps: 2, batch_size: 2, save_every: 1, evaluation_rows: 8}
run: run
"""
PAIRS = [
    {"prompt": f"{a}{b}>", "chosen": "".join(sorted(a + b)), "rejected": "".join(sorted(a + b, reverse=True))}
    for a in "abcd"
    for b in "abcd"
    if a != b
]
SCORER = """
model: {part: headed, body: {part: small_language_model, characters: "abcd>", layers: 1, hidden: 16, heads: 2, context_length: 32}, head: scalar}
task: {path: pairs.jsonl, held_out: 4}
recipe: {base: reward_model, optimiser: {learning_rate: 1e-2}}
budget: {steps: 30, batch_size: 8, evaluation_rows: 4}
run: scorer
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two finished runs: a policy in ``run``, a scorer in ``scorer``."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "run.yaml").write_text(TINY)
    (folder / "scorer.yaml").write_text(SCORER)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "run.yaml", "--json"]) == 0
        assert main(["fit", "scorer.yaml", "--json"]) == 0
    return folder


@pytest.fixture
def guerdon(trained, monkeypatch, capsys):
    """Run a command in the folder of ``trained``: exit code and standard output."""
    monkeypatch.chdir(trained)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(arguments))
        return code, capsys.readouterr().out

    return run


def commands() -> list[tuple[str, ...]]:
    found = []
    for name, command in app().commands.items():
        inner = getattr(command, "commands", {})
        found += [(name, sub) for sub in inner] if inner else [(name,)]
    return found


def test_the_commands_that_people_rely_on_are_there():
    assert {c[0] for c in commands()} >= {"check", "train", "fit", "sample", "score", "evaluate", "atlas", "show", "report", "rate", "demo"}
    assert {c[1] for c in commands() if c[0] == "atlas"} >= {"list", "show", "run", "tune", "confirm", "status"}


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_help_shows_an_example_of_that_command(guerdon, command):
    code, out = guerdon(*command, "--help")
    assert code == 0
    assert f"Example: guerdon {' '.join(command)}" in " ".join(out.split())


@pytest.mark.parametrize("command", commands(), ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_name_of_an_option_is_cut_off_on_a_narrow_terminal(guerdon, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    _, out = guerdon(*command, "--help")
    found = app().commands[command[0]]
    found = found.commands[command[1]] if command[1:] else found
    words = out.replace(",", " ").split()
    for parameter in found.params:
        assert parameter.param_type_name == "argument" or all(name in words for name in (*parameter.opts, *parameter.secondary_opts))
    assert max(map(len, out.splitlines())) <= columns and "…" not in out


@pytest.mark.parametrize("command", [(), ("train",), ("atlas",), ("atlas", "run")], ids=" ".join)
def test_help_may_be_asked_for_in_one_letter(guerdon, command):
    assert guerdon(*command, "-h") == guerdon(*command, "--help")


def test_help_needs_nothing_heavy():
    """The measure is what is imported, not seconds, which depend on the machine."""
    script = "import sys; from guerdon.interfaces.cli import main; main(['--help']); print([m for m in ('torch', 'transformers', 'pydantic') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_train_prints_the_configuration_the_figures_and_where_everything_is(trained, guerdon):
    code, out = guerdon("train", "run.yaml", "run=again", "recipe.epochs=2")
    assert code == 0
    assert "epochs: 2" in out and "epsilon: 0.2" in out
    for path in ("again/model", "again/report.html"):
        assert path in out and Path(path).exists()
    assert "eval/reward" in out and "guerdon sample again/model" in out
    kept = read("again/configuration.yaml")
    assert kept.recipe.epochs == 2


def test_train_for_a_program(guerdon):
    code, out = guerdon("train", "run.yaml", "--json")  # the run is finished: nothing is left to do
    found = json.loads(out)
    assert code == 0
    assert Path(found["model"], "config.json").exists() and Path(found["report"]).exists()
    assert set(found["stages"]["improve"]) == {"before", "after"}


def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(guerdon):
    assert guerdon("train", "run.yaml", "run=whole", "steps=4", "--json")[0] == 0
    assert guerdon("train", "run.yaml", "run=parts", "steps=4", "--json")[0] == 0
    for late in sorted(Path("parts/checkpoints").iterdir())[1:]:
        import shutil

        shutil.rmtree(late)
    assert guerdon("train", "run.yaml", "run=parts", "steps=4", "--json")[0] == 0
    one, other = (torch.load(f"{run}/checkpoints/step-00000004/state.pt", weights_only=False) for run in ("whole", "parts"))
    own, its = (state["learners"]["policy"]["parameters"] for state in (one, other))
    assert all(torch.equal(own[name], its[name]) for name in own)


def test_stages_hand_their_model_on(guerdon):
    Path("stages.yaml").write_text(
        TINY.replace("run: run", "run: staged") + "stages:\n"
        "  sft: {loop: fit, recipe: {base: sft, optimiser: {learning_rate: 1e-2}}, task: {part: demonstrations, of: {part: sort_letters, length: 3, alphabet: abcd}, rows: 20}}\n"
        "  rl: {loop: improve, recipe: {base: grpo, optimiser: {learning_rate: 0.0}, sampler: {num_generations: 2}}}\n"
    )
    code, out = guerdon("train", "stages.yaml", "--json")
    assert code == 0
    assert list(json.loads(out)["stages"]) == ["sft", "rl"]
    sft, rl = (torch.load(f"staged/{s}/checkpoints/step-00000002/state.pt", weights_only=False) for s in ("sft", "rl"))
    one, other = sft["learner"]["parameters"], rl["learners"]["policy"]["parameters"]
    assert all(torch.equal(one[name], other[name]) for name in one)  # the second did not move what the first had learned


def test_ppo_builds_its_critic_and_schedules_reach_it(guerdon):
    overrides = ("recipe=ppo", "run=ppo", "recipe.learners.critic.optimiser.learning_rate={part: linear, start: 1e-2}", "--json")
    assert guerdon("train", "run.yaml", *overrides)[0] == 0
    rates = [json.loads(line).get("critic/learning_rate") for line in Path("ppo/metrics.jsonl").read_text().splitlines()][1:]
    assert rates == pytest.approx([7.5e-3, 2.5e-3])  # read in the middle of each step


@pytest.mark.parametrize("name", ["dr_grpo", "rloo", "cispo", "gspo", "dapo", "reinforce_plus_plus", "raft", "prime"])
def test_methods_that_act_run(guerdon, name):
    assert guerdon("train", "run.yaml", f"recipe={name}", f"run=runs/{name}", "steps=1", "--json")[0] == 0


@pytest.mark.parametrize("name", ["dpo", "ipo", "slic"])
def test_methods_that_learn_from_pairs_run(guerdon, name):
    code, out = guerdon(
        "fit", "run.yaml", f"recipe={name}", "task=pairs.jsonl", "model.characters='abcd>'", "task.held_out=4", f"run=runs/{name}", "--json"
    )
    assert code == 0
    assert "eval/rewards/accuracies" in json.loads(out)["stages"]["fit"]["after"]


def test_sample_gives_completions_with_their_log_probabilities(guerdon):
    code, out = guerdon("sample", "run/model", "--prompt", "cab>", "--prompt", "dab>", "-n", "3", "--max-completion-length", "6", "--json")
    found = json.loads(out)
    assert code == 0
    assert [row["prompt"] for row in found] == ["cab>"] * 3 + ["dab>"] * 3
    for row in found:
        assert row["logp"] == pytest.approx(sum(t["logp"] for t in row["tokens"]))
        assert len(row["tokens"]) == 6 or row["ended"]
    assert (
        json.loads(guerdon("sample", "run/model", "-p", "cab>", "-p", "dab>", "-n", "3", "--max-completion-length", "6", "--json")[1])
        == found
    )
    code, out = guerdon("sample", "run/model", "--prompt", "cab>", "--temperature", "0")
    assert code == 0 and "nats" in out


def test_score_pairs(guerdon):
    code, out = guerdon("score", "scorer/model", "pairs.jsonl", "--out", "scored.jsonl", "--json")
    found = json.loads(out)
    rows = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert code == 0
    assert found["pairs"] == len(PAIRS) == len(rows)
    assert found["accuracy"] == pytest.approx(sum(r["chosen_score"] > r["rejected_score"] for r in rows) / len(rows))
    assert found["low"] < found["accuracy"] <= found["high"]
    assert found["accuracy"] > 0.8  # it was trained on most of them, to the end


def test_scores_are_written_as_the_name_says_and_as_json_lines_where_it_says_nothing(guerdon):
    assert guerdon("score", "scorer/model", "pairs.jsonl", "--out", "scored.csv", "--json")[0] == 0
    with open("scored.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(PAIRS) and all(float(row["chosen_score"]) == float(row["chosen_score"]) for row in rows)
    assert guerdon("score", "scorer/model", "pairs.jsonl", "--out", "pairs.out")[0] == 0
    lines = [json.loads(line) for line in Path("pairs.out").read_text().splitlines()]
    assert [f"{line['chosen_score']}" for line in lines] == [row["chosen_score"] for row in rows]


def test_a_scorer_that_was_saved_scores_as_the_one_that_was_trained(guerdon):
    from guerdon.models.language.scorer import Scorer

    loaded = Scorer("scorer/model").build()
    trained = read("scorer.yaml").model.build(0)
    state = torch.load(sorted(Path("scorer/checkpoints").iterdir())[-1] / "state.pt", weights_only=False)["learner"]["parameters"]
    trained.module.load_state_dict(state, strict=False)
    prompts, completions = [r["prompt"] for r in PAIRS], [r["chosen"] for r in PAIRS]
    assert loaded.score(prompts, completions) == pytest.approx(trained.score(prompts, completions), abs=1e-5)


def test_score_completions_as_json_lines(guerdon):
    Path("rows.jsonl").write_text(
        "".join(json.dumps({"prompt": r["prompt"], "completion": r["chosen"], "id": i}) + "\n" for i, r in enumerate(PAIRS))
    )
    code, out = guerdon("score", "scorer/model", "rows.jsonl", "--rows", "3")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["id"] for row in rows] == [0, 1, 2] and all(isinstance(row["score"], float) for row in rows)


def test_a_policy_is_no_scorer(guerdon):
    assert guerdon("score", "run/model", "pairs.jsonl")[0] == 2


def test_evaluate_counts_right_answers(guerdon):
    code, out = guerdon("evaluate", "run/model", "run.yaml", "-n", "4", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["rows"], found["answers"]) == (8, 32)
    assert found["pass"]["pass@1"]["value"] == pytest.approx(found["accuracy"]["value"])
    assert found["pass"]["pass@4"]["value"] >= found["pass"]["pass@1"]["value"]
    code, out = guerdon("evaluate", "run/model", "run.yaml", "--threshold", "-1", "--json")
    assert json.loads(out)["accuracy"]["value"] == 1.0  # every reward reaches -1


def test_evaluate_takes_a_sum_of_weights_for_the_full_reward(guerdon):
    Path("always.py").write_text("def one(completions, **columns):\n    return [1.0 for _ in completions]\n")
    three = "reward={a: 'always.py:one', b: 'always.py:one', c: 'always.py:one'}"
    weights = "recipe.combine={part: weigh, weights: {a: 0.6, b: 0.3, c: 0.1}}"  # whose sum is 0.9999999999999999
    code, out = guerdon("evaluate", "run/model", "run.yaml", three, weights, "-n", "2", "--json")
    found = json.loads(out)
    assert code == 0 and found["accuracy"]["value"] == found["pass"]["pass@2"]["value"] == 1.0


def test_report_is_written_again(guerdon):
    page = Path("run/report.html")
    page.unlink()
    assert guerdon("report", "run") == (0, f"{page}\n")
    assert page.exists()
    assert guerdon("report", "nowhere")[0] == 2


def test_show_prints_the_code_that_runs(guerdon):
    code, out = guerdon("show", "grpo")
    assert code == 0
    assert "class Clip" in out and "class GroupCentred" in out and "arXiv 2402.03300" in out
    assert "class BoundedWeight" not in out
    assert "class BoundedWeight" in guerdon("show", "bounded_weight")[1]
    assert guerdon("show", "bounded_wait")[0] == 2


def test_atlas_lists_every_system(guerdon):
    from guerdon.atlas import systems

    code, out = guerdon("atlas", "list", "--json")
    assert code == 0
    assert [row["slug"] for row in json.loads(out)] == [entry.slug for entry in systems()]
    assert guerdon("atlas", "run", "no-such-system")[0] == 2


# check


def test_check_for_a_person(guerdon):
    code, out = guerdon("check", "run.yaml")
    assert code == 0
    for words in ("<s>", "position_credit 1", "sampler and learner", "memory", "time", "nothing doubtful"):
        assert words in out


def test_check_shows_the_mask_of_what_is_trained(guerdon):
    code, out = guerdon("check", "scorer.yaml", "--json")
    (found,) = json.loads(out)
    sides = found["found"]["tokens"][0]["sides"]
    assert code == 0 and set(sides) == {"chosen", "rejected"}
    for tokens in sides.values():
        text = "".join(t["text"] for t in tokens).removeprefix("<s>")
        assert "".join(t["text"] for t in tokens if t["trained"]) == text[text.index(">") + 1 :]  # the completion, its end included
    assert found["found"]["cost"]["memory"]["trained_parameters"] == found["found"]["cost"]["memory"]["parameters"]


def test_check_says_which_gold_answer_does_not_get_the_full_reward(guerdon):
    Path("golds.jsonl").write_text("".join(json.dumps({"prompt": "ab>", "answer": a}) + "\n" for a in ("1", "two", "3")))
    overrides = ("task.path=golds.jsonl", "task.shuffle=false", "model.characters='ab>123two'", "reward=number_match")
    text = TINY.replace("task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}", "task: {}")
    Path("golds.yaml").write_text(text)
    code, out = guerdon("check", "golds.yaml", *overrides, "--json")
    (found,) = json.loads(out)
    assert code == 0
    (warning,) = [w for w in found["warnings"] if "the gold answer" in w]
    assert warning.startswith("row 1: the gold answer 'two'")


def test_check_counts_rows_that_are_too_long(guerdon):
    Path("long.jsonl").write_text("".join(json.dumps({"prompt": "a" * n + ">", "completion": "a"}) + "\n" for n in (3, 40, 4, 50)))
    code, out = guerdon("check", "run.yaml", "recipe=sft", "task=long.jsonl", "model.characters='a>'", "encoding.truncate=prompt", "--json")
    (found,) = json.loads(out)
    assert code == 0
    assert (found["found"]["lengths"]["too_long"], found["found"]["lengths"]["looked_at"]) == (2, 4)
    assert "2 of 4 rows" in " ".join(found["warnings"])


def test_check_finds_a_learner_that_computes_something_else(monkeypatch):
    prepared = prepare(load(TINY), "improve")
    warnings: list[str] = []
    assert agreement.look(prepared, warnings)["sampler_learner"] < 1e-4
    assert warnings == []
    right = prepared.model.measure
    monkeypatch.setattr(prepared.model, "measure", lambda s, n: {k: 1.02 * v for k, v in right(s, n).items()})
    found = agreement.look(prepared, warnings)
    assert found["sampler_learner"] > 1e-3 and found["gradient_plain"] == pytest.approx(0.02, rel=0.05)
    assert len(warnings) == 3


def test_check_refuses_what_train_refuses(guerdon):
    assert guerdon("check", "run.yaml", "num_generations=1")[0] == 2
    assert guerdon("check", "run.yaml", "recipe=grop")[0] == 2


@pytest.mark.parametrize(
    ("name", "loop"),
    [("sft", "fit"), ("dpo", "fit"), ("reward_model", "fit"), ("grpo", "improve"), ("rloo", "improve"), ("raft", "improve")],
)
def test_a_recipe_says_which_loop_it_is_for(name, loop):
    assert loop_of(load(f"recipe: {name}")) == loop
    assert named_recipe(name) is not None


def test_commands_answer_at_once():
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "from guerdon.interfaces.cli import main; main(['--help'])"], capture_output=True, check=True)
    assert time.perf_counter() - begun < 5  # half a second on an idle machine


def test_the_version_is_printed_without_a_command(capsys):
    import guerdon
    from guerdon.interfaces.cli import main

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == guerdon.__version__


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("help", "guerdon --help"),
        ("help train", "guerdon train --help"),
        ("help trian", "guerdon --help"),
        ("version", "guerdon --version"),
        ("atlas help list", "guerdon atlas list --help"),
    ],
)
def test_an_option_that_is_typed_as_a_command_is_answered_with_what_to_type(capsys, typed, instead):
    assert main(typed.split()) == 2 and f"type '{instead}'" in capsys.readouterr().err


def test_the_list_of_commands_breaks_lines_only_where_the_terminal_ends():
    """A source's own line breaks left one or two words on a line of their own."""
    for name in ("compare", "sweep", "check"):
        command = app().commands[name]
        assert command.short_help and "\n" not in command.short_help
        assert command.short_help == " ".join(command.help.split("\n\n")[0].split())
