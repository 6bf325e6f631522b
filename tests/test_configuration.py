"""The configuration: what is printed is what is run, every recipe can be written and read, an override changes what it names and nothing else."""

import dataclasses
import importlib
import json
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guerdon.catalogue import catalogue, names_in
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.credit.scales.batch_deviation import BatchDeviation
from guerdon.credit.scales.nonzero_share import NonzeroShare
from guerdon.data.selection.overlong import Overlong
from guerdon.errors import InputError
from guerdon.interfaces.configuration import _foreign, _rooms, dump, from_tree, load, named_recipe, read, recipe_names, tree_of
from guerdon.interfaces.configuration._yaml import parse
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.recipe import Recipe
from guerdon.training.schedules.constant import Constant
from guerdon.training.schedules.cosine import Cosine
from guerdon.training.schedules.linear import Linear

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
BASE = "model: {part: small_language_model}\ntask: {part: sort_letters, length: 3}\nrecipe: grpo\n"


def configured(*overrides: str, text: str = BASE):
    return load(text, overrides)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_a_recipe_and_survives_being_written(name):
    recipe = importlib.import_module(f"guerdon.recipes.{name}").recipe
    assert isinstance(recipe, Recipe)
    whole = configured(f"recipe={name}")
    assert whole.recipe == recipe == named_recipe(name)
    assert load(dump(whole)) == whole
    assert pickle.loads(pickle.dumps(whole)) == whole


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_survives_being_written(path):
    whole = read(path)
    assert load(dump(whole)) == whole


@pytest.mark.parametrize(("name", "part"), [("kl_exact", KLExact), ("kl_forward", KLForward)])
def test_a_penalty_is_named_like_its_siblings(name, part):
    whole = configured(f"recipe.terms.1={{loss: {name}, weight: 0.1}}", f"recipe.reward_penalties=[{{loss: {name}}}]")
    assert [type(term.loss) for term in (whole.recipe.terms[1], *whole.recipe.reward_penalties)] == [part, part]
    assert load(dump(whole)) == whole


@example(rate=0.5, steps=1, betas=(0.0, 0.0), trackers=[], text="0E0", recipe="dpo")
@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(0, 1),
    steps=st.integers(1, 10**6),
    betas=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    trackers=st.lists(st.sampled_from(["tensorboard", "wandb"])),
    text=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20),
    recipe=st.sampled_from(recipe_names()),
)
def test_any_values_survive_being_written(rate, steps, betas, trackers, text, recipe):
    tree = {
        "model": {"source": f"x/{text}", "lora": {"target_modules": [text]}},
        "task": {"path": f"./{text}", "columns": {text: text}, "answer": text},
        "recipe": {"base": recipe, "optimiser": {"learning_rate": {"part": "linear", "start": rate}, "betas": list(betas)}},
        "reward": {text: "a.py:f"},
        "budget": {"steps": steps, "report_to": trackers},
    }
    whole = from_tree(tree)
    assert load(dump(whole)) == whole
    assert tree_of(from_tree(tree_of(whole))) == tree_of(whole)


def test_a_number_may_be_written_as_people_write_it():
    assert parse("[1e-5, 1E3, 1.5e-3, -2e+4, .5e1, 3, 0.1]", "") == [1e-5, 1e3, 1.5e-3, -2e4, 5.0, 3, 0.1]
    assert parse("[e5, 1e, v1e5x]", "") == ["e5", "1e", "v1e5x"]


def test_parts_are_written_by_name_or_with_their_fields():
    assert configured("recipe.advantage=leave_one_out").recipe.advantage == LeaveOneOut()
    assert configured("recipe.advantage={part: group_centred, scale: null}").recipe.advantage == GroupCentred(None)
    loss = configured("recipe=dpo", "recipe.terms.0.loss.score={part: log_ratio, beta: 0.5}").recipe.terms[0].loss
    assert loss == Pairwise(LogRatio(0.5), loss.link)


def test_a_mapping_without_a_part_changes_what_is_there():
    changed = configured("recipe.terms.0.loss.epsilon_high=0.28").recipe
    original = named_recipe("grpo")
    assert changed.terms[0].loss == Clip(0.2, epsilon_high=0.28)
    assert dataclasses.replace(changed, terms=original.terms) == original
    assert changed.terms[1:] == original.terms[1:]
    critic = configured("recipe=ppo", "recipe.learners.critic.optimiser.eps=0.5").recipe.learners["critic"]
    assert critic == dataclasses.replace(
        named_recipe("ppo").learners["critic"], optimiser=dataclasses.replace(named_recipe("ppo").learners["critic"].optimiser, eps=0.5)
    )


def test_a_list_replaces_the_list():
    assert len(configured("recipe.terms=[{loss: clip}]").recipe.terms) == 1


def test_any_number_of_a_recipe_may_be_a_schedule_or_a_controller():
    recipe = configured(
        "recipe.optimiser.learning_rate={part: linear, start: 1e-3}",
        "recipe.terms.1.weight={part: adaptive_coefficient, target: 3}",
        "recipe.terms.0.loss.epsilon={part: linear, start: 0.3, end: 0.1}",
    ).recipe
    assert recipe.optimiser.learning_rate == Linear(1e-3)
    assert recipe.terms[1].weight == AdaptiveCoefficient(target=3.0)
    assert recipe.terms[0].loss.epsilon == Linear(0.3, end=0.1)
    with pytest.raises(InputError, match=r"decoding\.temperature"):
        configured("decoding.temperature={part: linear, start: 1}")


def test_a_common_name_reaches_every_field_that_is_called_so():
    whole = configured(
        "learning_rate=1e-3",
        "seed=7",
        "num_generations=4",
        "report_to=[tensorboard]",
        "max_completion_length=9",
        text=BASE.replace("grpo", "ppo"),
    )
    assert whole.recipe.optimiser.learning_rate == whole.recipe.learners["critic"].optimiser.learning_rate == 1e-3
    assert whole.budget.seed == whole.task.seed == 7
    assert whole.recipe.sampler.num_generations == 4
    assert whole.budget.report_to == ("tensorboard",)
    assert whole.decoding.max_completion_length == 9


def test_epsilon_and_beta_have_their_common_meaning():
    whole = configured("epsilon=0.3", "beta=0.5")
    assert whole.recipe.terms[0].loss.epsilon == 0.3
    assert whole.recipe.advantage == named_recipe("grpo").advantage  # whose scale has an epsilon too
    assert whole.recipe.terms[1].weight == 0.5
    assert configured("recipe=dpo", "beta=0.5").recipe.terms[0].loss.score.beta == 0.5
    assert configured("recipe=rloo", "beta=0.5").recipe.reward_penalties[0].weight == 0.5


FOREIGN = "model: {source: a/b, lora: {r: 8}}\ntask: x/y.jsonl\nrecipe: grpo\n"
VALUES = {
    "views.teacher": "c/d",
    "budget.keep_best": "eval/reward",
    "budget.load_best": False,
    "run": "runs/other",
    "budget.deterministic": False,
    "activation_checkpointing": True,
    "model.chat_template": "{{ messages }}",
}
VALUES |= {
    "decoding.top_p": 0.5,
    "model.lora.target_modules": "all-linear",
    "recipe.optimiser.betas": [0.5, 0.6],
    "recipe.optimiser.betas.0": 0.5,
    "recipe.optimiser.betas.1": 0.5,
    "model.source": "c/d",
    "model.dtype": "bfloat16",
    "model.lora.modules_to_save": ["lm_head"],
    "model.lora.use_dora": True,
    "model.lora.use_rslora": True,
    "model.lora.layers_to_transform": [1],
    **dict.fromkeys(("task.path", "task.test_path", "task.name", "task.split", "task.test_split"), "other"),
}


# What the words in other trainers' names mean, whatever the name is: the first that is found in one says where it leads.
WORDS = {
    r"teacher": "views.teacher",
    r"distillation_alpha": "beta",
    r"micro_batch|batch_size": "batch_size",
    r"grad_clip|max_norm": "max_grad_norm",
    r"delta$|dual_clip|clip.*_c$": "dual",
    r"clip.*(high|max)": "epsilon_high",
    r"clip": "epsilon",
    r"(^|_)kl_": "beta",
    r"temperature": "temperature",
    r"(top_[pk])$": r"decoding.\1",
    r"betas$": "recipe.optimiser.betas",
    r"beta([12])$": r"recipe.optimiser.betas.PLACE",
    r"epsilon$": "recipe.optimiser.eps",
    r"weight_decay|l2": "weight_decay",
    r"(^|_|\.)lr$|learning_rate": "learning_rate",
    r"ckpt_to_keep|total_limit": "keep_checkpoints",
    r"^save_|save_freq": "save_every",
    r"^eval_|test_freq": "evaluate_every",
    r"(max|training)_steps": "steps",
    r"new_tokens|response|generate_max": "max_completion_length",
    r"generations|samples_per_prompt|group_size|rollout\.n$": "num_generations",
    r"prompt": "encoding.max_prompt_length",
    r"epochs$|num_iterations": "epochs",
    r"mini_batches": "minibatches",
    r"checkpointing$": "activation_checkpointing",
    r"lora_(r|rank)$": "model.lora.r",
    r"(use_dora|use_rslora|layers_to_transform|modules_to_save|target_modules)$": r"model.lora.\1",
    r"chat_template": "model.chat_template",
    r"dtype": "model.dtype",
    r"base_model|model.name|model\.path": "model.source",
    r"dataset_config": "task.name",
    r"train_split": "task.split",
    r"test_split": "task.test_split",
    r"val_set_size": "task.held_out",
    r"val_files": "task.test_path",
    r"train_files|dataset_name": "task.path",
    r"output_dir|local_dir": "run",
    r"load_best": "budget.load_best",
    r"best_model": "budget.keep_best",
    r"patience": "budget.patience",
    r"determinism": "budget.deterministic",
}


def test_names_of_other_trainers_mean_what_their_words_say():
    for theirs, ours in _foreign.SAME.items():
        found = next(((re.search(words, theirs), place) for words, place in WORDS.items() if re.search(words, theirs)), None)
        assert found is not None or theirs == "lora_alpha", f"{theirs}: what do its words say?"
        if found is not None:
            match, place = found
            place = place.replace("PLACE", str(int(match[1]) - 1)) if "PLACE" in place else match.expand(place)
            assert ours == place, theirs


@pytest.mark.parametrize("theirs", _foreign.SAME)
@pytest.mark.parametrize("path", ["", "trainer.some."])
def test_names_of_other_trainers_lead_to_ours(theirs, path):
    """On the command line, with the path that they have there, and at the top of the file."""
    ours = _foreign.SAME[theirs]
    value = json.dumps(VALUES.get(ours, 3))
    more = ["budget.evaluate_every=5"] if "best" in ours or "patience" in ours else []
    more += ["budget.keep_best=eval/reward"] if "patience" in ours else []
    wanted = configured(*more, f"{ours}={value}", text=FOREIGN)
    assert configured(*more, f"{path}{theirs}={value}", text=FOREIGN) == wanted
    assert configured(*more, text=f"{FOREIGN}{theirs}: {value}\n") == wanted


@pytest.mark.parametrize("theirs", _foreign.ANSWERS)
def test_names_that_are_not_needed_are_answered_wherever_they_stand(theirs):
    for text, overrides in ((FOREIGN, [f"{theirs}=1"]), (f"{FOREIGN}{theirs}: 1\n", []), (f"{FOREIGN}budget: {{{theirs}: 1}}\n", [])):
        with pytest.raises(InputError) as error:
            configured(*overrides, text=text)
        assert _foreign.ANSWERS[theirs] in str(error.value)


def test_checkpoints_of_activations_by_every_name_that_they_have_elsewhere():
    stages = f"{FOREIGN}stages: {{one: {{loop: fit, recipe: sft, budget: {{steps: 3}}}}, two: {{loop: improve}}}}\n"
    for name in (
        "gradient_checkpointing=true",
        "trainer.activation_checkpointing=true",
        "actor_rollout_ref.actor.enable_gradient_checkpointing=true",
    ):
        assert configured(name, text=FOREIGN).budget.activation_checkpointing
        made = configured(name, text=stages)
        assert all(stage.budget.activation_checkpointing for stage in made.stages.values()) and made.stages["one"].budget.steps == 3
    plain = configured("gradient_checkpointing=true", text=FOREIGN)
    for way in (
        "gradient_checkpointing_kwargs={use_reentrant: false}",
        "gradient_checkpointing_kwargs=",
        "gradient_checkpointing_use_reentrant=false",
    ):
        assert configured("gradient_checkpointing=true", way, text=FOREIGN) == plain
    for way in (
        "gradient_checkpointing_kwargs={use_reentrant: true}",
        "gradient_checkpointing_kwargs={debug: true}",
        "gradient_checkpointing_use_reentrant=true",
    ):
        with pytest.raises(InputError, match=r"without reentrance here .*; leave it out"):
            configured("gradient_checkpointing=true", way, text=FOREIGN)
    for wrong, said in (
        ("gradient_checkpointing=offload", "true or false"),
        ("recompute_granularity=selective", "all are or none"),
        ("activation_offloading=true", "not moved elsewhere"),
    ):
        with pytest.raises(InputError, match=said):
            configured(wrong, text=FOREIGN)
    with pytest.raises(InputError, match=r"it is called activation_checkpointing here"):
        configured(text=FOREIGN.replace("source: a/b,", "source: a/b, enable_gradient_checkpointing: true,"))


ESTIMATORS = {
    "adv_estimator=opo": LengthWeighted(),
    "algorithm.adv_estimator=gpg": GroupCentred(NonzeroShare()),
    "advantage_estimator=rloo": LeaveOneOut(),
    "algo.advantage.estimator=reinforce_baseline": BatchNormalised(PenaltiesApart()),
    "adv_estimator=tir_optimal_token_baseline": OptimalTokenBaseline(zero_tail=True),
    "multi_objective_aggregation=normalize_then_sum": EachReward(),
    "multi_objective_aggregation=sum_then_normalize": GroupCentred(),
    "scale_rewards=batch": GroupCentred(BatchDeviation()),
    "scale_rewards=none": GroupCentred(None),
    "scale_rewards=true": GroupCentred(),
    "algorithm.norm_adv_by_std_in_grpo=false": GroupCentred(None),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_advantages_by_the_names_of_others(name):
    assert configured(name, text=FOREIGN).recipe.advantage == ESTIMATORS[name]


def test_every_estimator_of_others_is_an_advantage_or_a_recipe_here():
    for value in _foreign._ESTIMATORS:
        configured(f"adv_estimator={value}", text=FOREIGN)
    for value, recipe in _foreign._BY_RECIPE.items():
        assert recipe in recipe_names()
        with pytest.raises(InputError, match=f"more than an advantage: recipe={recipe}"):
            configured(f"adv_estimator={value}", text=FOREIGN)
    for wrong, said in (
        ("adv_estimator=gro", "'gro' is none of grpo"),
        ("adv_estimator=3", "3 is none of"),
        ("scale_rewards=prompt", "'prompt' is none of group"),
        ("scale_rewards=[group]", "none of group"),
        ("multi_objective_aggregation=sum", "neither sum_then"),
    ):
        with pytest.raises(InputError, match=said):
            configured(wrong, text=FOREIGN)
    with pytest.raises(InputError, match="LengthWeighted has no scale"):
        configured("recipe=opo", "scale_rewards=group", text=FOREIGN)
    assert configured("recipe.learned=[overlong]", text=FOREIGN).recipe.learned == (Overlong(),)


def test_a_name_that_nobody_has_is_answered_in_a_sentence():
    """Not with all the names that there are."""
    for override in ("qqqq=1", "zzzz.qqqq=1"):
        with pytest.raises(InputError, match=r"the sections are model, task, recipe") as error:
            configured(override, text=FOREIGN)
        assert len(str(error.value)) < 250
    assert configured("actor_rollout_ref.model.path=c/d", text=FOREIGN).model.source == "c/d"
    assert configured("recipe=ppo", "algorithm.gamma=0.9", text=FOREIGN).recipe.advantage.advantage.gamma == 0.9
    with pytest.raises(InputError, match=r"reward_model.model.path: rewards are a section"):
        configured("reward_model.model.path=c/d", text=FOREIGN)


def test_a_foreign_name_inside_of_its_section_is_ours():
    assert (
        configured(text=f"{FOREIGN}budget: {{max_steps: 7, eval_steps: 2}}\n").budget
        == configured("steps=7", "evaluate_every=2", text=FOREIGN).budget
    )
    with pytest.raises(InputError, match=r"budget\.lora_r: it is called model\.lora\.r here"):
        configured(text=f"{FOREIGN}budget: {{lora_r: 7}}\n")


def test_schedules_optimisers_and_formats_of_others():
    assert configured(
        "warmup_steps=10", "lr_scheduler_type=cosine", "learning_rate=1e-4", text=FOREIGN
    ).recipe.optimiser.learning_rate == Cosine(1e-4, warmup=0.1)
    assert configured("warmup_ratio=0.2", "lr=1e-4", text=FOREIGN).recipe.optimiser.learning_rate == Constant(1e-4, warmup=0.2)
    assert configured("optim=adafactor", "learning_rate=1e-3", "weight_decay=0.5", text=FOREIGN).recipe.optimiser == Adafactor(
        1e-3, weight_decay=0.5
    )
    assert configured("optim=adamw_torch", text=FOREIGN) == configured(text=FOREIGN)
    assert configured("bf16=true", "report_to=wandb", text=FOREIGN).model.dtype == "bfloat16"
    assert (
        configured("report_to=wandb", text=FOREIGN).budget.report_to == ("wandb",)
        and configured("report_to=none", text=FOREIGN).budget.report_to == ()
    )
    for wrong, said in (
        ("lr_scheduler_type=polynomial", "none of constant"),
        ("warmup_steps=200", "below 1"),
        ("optim=lion", "none of"),
        ("bf16=1", "true or false"),
    ):
        with pytest.raises(InputError, match=said):
            configured(wrong, text=FOREIGN)


def test_the_order_of_overrides_does_not_matter_between_places_and_names():
    assert configured("learning_rate=1e-3", "recipe=dpo") == configured("recipe=dpo", "learning_rate=1e-3")


def test_what_needs_each_other_may_be_set_by_its_place_and_by_its_name():
    for overrides in (
        ["evaluate_every=1", "budget.keep_best=eval/reward"],
        ["budget.patience=3", "keep_best=eval/reward", "evaluate_every=1"],
    ):
        budget = load("budget: {steps: 4}", overrides).budget
        assert (budget.keep_best, budget.evaluate_every) == ("eval/reward", 1)


def test_what_is_written_for_short_can_be_changed_inside():
    text = "model: a/b\ntask: x/y.jsonl\nrecipe: dpo\nreward: number_match\n"
    whole = configured("model.lora.r=4", "task.held_out=0.5", "reward.timeout=3", text=text)
    assert (whole.model.source, whole.model.lora.r, whole.task.path, whole.task.held_out) == ("a/b", 4, "x/y.jsonl", 0.5)
    assert (whole.reward.timeout, list(whole.reward.functions)) == (3.0, ["number_match"])


@pytest.mark.parametrize(
    ("reward", "names"),
    [
        ("number_match", ["number_match"]),
        ("rules.py:polite", ["polite"]),
        ("[number_match, rules.py:polite]", ["number_match", "polite"]),
        ("{right: number_match, polite: rules.py:polite}", ["right", "polite"]),
        ("{part: number_match}", ["number_match"]),
        ("{functions: {right: number_match}, timeout: 2}", ["right"]),
    ],
)
def test_rewards_in_every_way_they_may_be_written(reward, names):
    whole = configured(text=BASE + f"reward: {reward}\n")
    assert list(whole.reward.functions) == names
    assert load(dump(whole)) == whole


def test_stages_start_from_the_sections_and_from_the_stage_before():
    whole = load(
        BASE + "budget: {batch_size: 3}\nstages:\n  sft: {loop: fit, recipe: sft, budget: {steps: 5}}\n  rl: {loop: improve}\n",
        ["stages.rl.budget.steps=7", "seed=2"],
    )
    sft, rl = whole.stages.values()
    assert (sft.start, rl.start) == ("", "sft")
    assert (sft.budget.steps, rl.budget.steps, sft.budget.batch_size, sft.budget.seed) == (5, 7, 3, 2)
    assert (sft.recipe, rl.recipe) == (named_recipe("sft"), named_recipe("grpo"))
    assert load(dump(whole)) == whole


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("{a: {recipe: sft}}", "stages.a: loop is missing"),
        ("{a: {loop: walk}}", "stages.a.loop"),
        ("{a: {loop: fit, start: b}}", "stages.a.start"),
        ("{a: {loop: fit, budgett: 1}}", "stages.a.budgett"),
        ("[1]", "stages: names with settings"),
    ],
)
def test_stages_are_refused_with_their_place(stages, expected):
    with pytest.raises(InputError, match=expected.replace(".", r"\.")):
        load(BASE + f"stages: {stages}\n")


def test_every_part_is_found_from_the_place_that_it_fits():
    """What a recipe, a task or a reward may be made of is found by its bare name from the rooms of its place."""
    rooms = {
        *_rooms.losses(),
        *_rooms.TASKS,
        *_rooms.REWARDS,
        *_rooms.MODELS,
        *_rooms.KNOBS,
        "credit.targets",
        "data.selection",
        "training.updates",
    }
    for entry in catalogue():
        if entry.room in rooms:
            own = next(
                group
                for group in (_rooms.losses(), _rooms.TASKS, _rooms.REWARDS, _rooms.MODELS, _rooms.KNOBS, (entry.room,))
                if entry.room in group
            )
            found = _rooms.find(entry.name, own, "here")
            assert _rooms.find(_rooms.name_of(entry.part, own), own, "here") is entry.part
            assert found.__module__.rsplit(".", 1)[1] == entry.name


def test_losses_of_a_term_are_every_room_of_losses_that_holds_losses():
    assert "pairwise" in names_in("losses")
    assert {"losses.surrogates", "losses.imitation", "losses.values", "losses.penalties"} < set(_rooms.losses())
    assert "losses.scores" not in _rooms.losses()


def test_a_part_of_ones_own_file_can_be_named(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Twice:\n    factor: float = 2.0\n\n"
        "    def __call__(self, logp, advantage):\n        return -self.factor * advantage * logp\n"
    )
    whole = configured(f"recipe.terms=[{{loss: {{part: '{file}:Twice', factor: 3.0}}}}]")
    assert whole.recipe.terms[0].loss.factor == 3.0
    assert load(dump(whole)) == whole
    with pytest.raises(InputError, match=r"recipe\.terms\.0\.loss\.facto"):
        configured(f"recipe.terms=[{{loss: {{part: '{file}:Twice', facto: 3.0}}}}]")


def test_only_parts_are_offered_where_a_name_is_unknown():
    from guerdon.catalogue import parts_in

    assert "dataset" in parts_in("tasks") and not {"rows", "encoding", "messages", "sampled"} & set(parts_in("tasks"))
    with pytest.raises(InputError, match="unknown task") as refused:
        load("model: {source: x}\ntask: zzz\nrecipe: sft\n")
    assert "encoding" not in str(refused.value) and "dataset" in str(refused.value)


def test_a_configuration_that_was_kept_before_parts_had_a_name_is_no_other(tmp_path):
    from guerdon.interfaces.preparing import keep

    configuration = load(
        "model: {source: x}\ntask: rows.jsonl\nrecipe: {base: sft, optimiser: {learning_rate: 1e-3}}\nbudget: {steps: 3}\n"
    )
    keep(configuration, tmp_path)
    path = tmp_path / "configuration.yaml"
    now = path.read_text()
    assert "part: adamw" in now
    (tmp_path / "checkpoints" / "step-00000001").mkdir(parents=True)
    path.write_text("".join(line for line in now.splitlines(keepends=True) if "part: adamw" not in line))
    keep(configuration, tmp_path)
    path.write_text(now.replace("learning_rate: 0.001", "learning_rate: 0.002"))
    with pytest.raises(InputError, match="another configuration"):
        keep(configuration, tmp_path)
