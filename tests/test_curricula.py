"""Where the data of a step come from: budgets of answers, earlier successes, demonstrations of what failed, levels and tasks, a temperature that is moved; in
loops that are stopped and gone on with."""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.data.allocation.knapsack import Knapsack, value
from guerdon.data.buffers.earlier_successes import EarlierSuccesses
from guerdon.data.buffers.success_buckets import SuccessBuckets
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.data.pairing.consecutive import Consecutive
from guerdon.data.selection.difficulty_pools import DifficultyPools
from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.data.selection.success_target import SuccessTarget
from guerdon.data.selection.success_window import SuccessWindow
from guerdon.data.selection.task_advantage import TaskAdvantage
from guerdon.data.starts.hint_after_failure import HintAfterFailure
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.controllers.entropy_temperature import EntropyTemperature
from guerdon.training.controllers.integral import Integral
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.prompts import Prompts
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.ladder import Ladder
from guerdon.worlds.finite.needle import Needle
from guerdon.worlds.finite.pondering import Pondering
from guerdon.worlds.finite.tagged_pondering import TaggedPondering
from guerdon.worlds.text.sort_letters import SortLetters

PLAIN = Recipe((Term(Clip()),), AdamW(0.1), Group(4), advantage=GroupCentred())

# --- budgets of answers


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0, None]), min_size=1, max_size=4), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_a_knapsack_is_the_best_of_all_allocations(rates, each):
    success = torch.tensor([float("nan") if rate is None else rate for rate in rates], dtype=torch.float64)
    total = each * len(rates)
    found = Knapsack(most=12)(success, torch.arange(len(rates)), total).tolist()
    assert sum(found) == total and all(2 <= n <= 12 for n in found)
    known = [max(0.5 if rate is None else rate, 0.1) for rate in rates]
    every = (counts for counts in itertools.product(range(2, 13), repeat=len(rates)) if sum(counts) == total)
    assert sum(map(value, known, found)) >= max(sum(map(value, known, counts)) for counts in every) - 1e-12


def test_answers_by_difficulty_are_theirs():
    """E3-RL4LLMs (github.com/LiaoMengqi/E3-RL4LLMs, commit 7e90b8e, e3/trainer/ray_trainer.py, get_rollout_n_per_prompt), on ranks of its update_rank of these mean rewards
    (numpy's default_rng(5), two decimals)."""
    success = torch.tensor([0.81, 0.81, 0.52, 0.29, 0.05, 0.38, 0.41, 0.05, 0.05, 1.0], dtype=torch.float64)
    chosen = torch.tensor([7, 2, 9, 4, 0, 5, 3])
    assert ByDifficulty()(success, chosen, 55).tolist() == [12, 6, 4, 12, 4, 8, 9]
    assert ByDifficulty(least=2, most=40)(success, chosen, 55).tolist() == [15, 6, 2, 11, 3, 8, 10]


def test_the_temperature_by_entropy_is_theirs():
    """The same project's e3/worker/temperature_scheduler.py, TemperatureScheduler(1.0, vocab_size=1000, enable_temperature_scheduler=True, init_steps=2), after each entropy."""
    controller = EntropyTemperature(1000, first_steps=2)
    state, found = controller.init(), []
    for entropy in (0.8, 0.6, 0.5, 0.4, 0.9, 0.7):
        _, state = controller(-entropy, state)
        found.append(state["value"])
    assert_close(torch.tensor(found), torch.tensor([1.0, 1.0, 1.0380607479446968, 1.106273187300177, 1.071481917541674, 1.071481917541674]))


@dataclasses.dataclass
class Counting(FiniteScene):
    """Counts the answers to each context."""

    world: Any
    rewards: Any = None

    def __post_init__(self):
        super().__init__(self.world)
        self.asked = []

    def judge(self, rollouts, rows, seed, **more):
        self.asked.append(Counter(int(rollouts.contexts[i][0]) for i in rollouts.context.tolist()))
        return super().judge(rollouts, rows, seed, **more)


def test_a_loop_draws_as_many_answers_as_are_allocated():
    world = Needle(contexts=4, vocabulary=4, depth=1, needles=1)
    policy = world.policy().build()
    with torch.no_grad():  # the first is nearly always solved, the second never, the others now and then
        policy.logits[0, 0, world.rewards()[0].argmax()] = 9.0
        policy.logits[1, 0, world.rewards()[1].argmax()] = -30.0
    scene = Counting(world)
    recipe = dataclasses.replace(PLAIN, optimiser=AdamW(0.0), sampler=Group(8), allocation=Knapsack())
    improve(policy, scene, world.train(), recipe, Budget(3, batch_size=4), Decoding(1))
    assert set(scene.asked[0].values()) == {8}  # nothing is known
    for asked in scene.asked[1:]:
        assert sum(asked.values()) == 32 and asked[0] == 2 < min(asked[1], asked[2], asked[3])


def test_budgets_that_cannot_be_dealt_are_refused():
    with pytest.raises(InputError, match="4 answers are to be dealt to 4 prompts, from 2 to 128 each"):
        Knapsack()(torch.rand(4), torch.arange(4), 4)
    with pytest.raises(InputError, match="0 < least <= most, not 5 and 3"):
        ByDifficulty(least=5, most=3)(torch.rand(2), torch.arange(2), 8)
    world = Needle()
    recipe = dataclasses.replace(PLAIN, sampler=BestOfN(2), allocation=Knapsack())
    with pytest.raises(InputError, match="draws the same number of answers to every prompt"):
        improve(world.policy().build(), FiniteScene(world), world.train(), recipe, Budget(1, batch_size=1), Decoding(4))


# --- earlier successes


def test_what_was_right_once_teaches_a_group_that_fails():
    """One prompt of 64 answers of which one is right: with the buffer each success goes on teaching."""
    world = Needle(contexts=1, vocabulary=4, depth=3)
    worth = {}
    for name, replay in {"without": None, "with": EarlierSuccesses(count=1, when="unsolved")}.items():
        recipe = dataclasses.replace(PLAIN, optimiser=AdamW(0.02), sampler=Group(8), replay=replay)
        found = []
        for seed in range(2):
            improved = improve(
                world.policy().build(), FiniteScene(world), world.train(), recipe, Budget(40, batch_size=1, seed=seed), Decoding(3)
            )
            found.append(world.exact(improved.policy)["expected_reward"])
        worth[name] = sum(found) / len(found)
    assert worth["with"] > 1.5 * worth["without"]


def test_replayed_answers_keep_the_probabilities_of_who_drew_them():
    buffer = EarlierSuccesses(count=9, capacity=9)
    world = Needle(contexts=2, vocabulary=2, depth=1)
    policy = world.policy().build()
    state, drawn = buffer.init(), []
    for step in range(4):
        fresh = Group(3)(policy, [torch.tensor([0]), torch.tensor([1])], Decoding(1), step)
        fresh = fresh.with_quantities(reward=world.reward_of(fresh), group=fresh.context)
        drawn.append((fresh, state))
        whole, state = buffer(fresh, torch.tensor([0, 0, 0, 1, 1, 1]), state, 0)
        for b in range(len(fresh), len(whole)):
            earlier = [
                (old.actions[i, 0], old.quantities["old_logp"][i, 0])
                for old, _ in drawn[:-1]
                for i in range(len(old))
                if old.context[i] == whole.context[b]
            ]
            assert whole.quantities["reward"][b] == 1 and whole.quantities["group"][b] == whole.context[b]
            assert (whole.actions[b, 0], whole.quantities["old_logp"][b, 0]) in earlier
        assert whole.contexts == fresh.contexts
        with torch.no_grad():
            policy.logits.add_(torch.randn(policy.logits.shape, generator=torch.Generator().manual_seed(step)))
    kept = {row: len(answers) for row, answers in state["kept"].items()}
    assert kept == {row: min(9, sum(int((old.quantities["reward"][old.context == row] == 1).sum()) for old, _ in drawn)) for row in kept}


# --- demonstrations of what failed


def test_what_no_answer_solves_is_learned_from_demonstrations():
    """Four contexts, of which one is never solved by drawing; a lesson of one row shows it."""
    world = Needle(contexts=2, vocabulary=4, depth=2)
    right = [world.tree.actions[int(i)].tolist() for i in world.rewards().argmax(-1)]
    rows = [{"prompt": i, "solution": right[i]} for i in range(2)]
    solved = {}
    for name, lessons in {"alone": None, "shown": FailedPrompts(rows=1)}.items():
        policy = world.policy().build()
        with torch.no_grad():
            policy.logits[1, 0, right[1][0]] = -8.0
        terms = (*PLAIN.terms, Term(NegativeLogLikelihood(), data="lessons")) if lessons else PLAIN.terms
        recipe = dataclasses.replace(PLAIN, terms=terms, lessons=lessons, optimiser=AdamW(0.5))
        improved = improve(policy, FiniteScene(world), rows, recipe, Budget(25, batch_size=2), Decoding(2))
        solved[name] = float(improved.policy.expect(world.rewards())[1].detach())
    assert solved["alone"] < 0.01 and solved["shown"] > 0.9


def test_lessons_and_terms_belong_together():
    world = Needle()
    term = Term(NegativeLogLikelihood(), data="lessons")

    def run(**changed):
        rows = [{"prompt": 0}]
        return improve(
            world.policy().build(), FiniteScene(world), rows, dataclasses.replace(PLAIN, **changed), Budget(1, batch_size=1), Decoding(4)
        )

    with pytest.raises(InputError, match="lessons is not set"):
        run(terms=(*PLAIN.terms, term))
    with pytest.raises(InputError, match="no term learns from them"):
        run(lessons=FailedPrompts())
    with pytest.raises(InputError, match="'solution'"):
        run(terms=(*PLAIN.terms, term), lessons=FailedPrompts())


# --- where answers begin


def test_hints_are_for_what_failed():
    """The share of each context's demonstration that its answers begin with is seen in their masks."""
    world = Ladder(contexts=2, kinds=2, vocabulary=4, depth=4, seed=3)
    rows = [{**row, "level": 4} for row in world.train()]
    policy = world.policy().build()
    with torch.no_grad():  # the first is always solved; the second never without a hint
        for prefix, action in zip(world.tree.nodes(world.code[:1])[0].tolist(), world.code[0].tolist(), strict=True):
            policy.logits[0, prefix, action] = 30.0
        policy.logits[1, 0, world.code[1, 0]] = -30.0
    begun = []

    class Looking(FiniteScene):
        def judge(self, rollouts, rows, seed, **more):
            begun.append({int(rollouts.contexts[i][0]): int((~rollouts.mask[b]).sum()) for b, i in enumerate(rollouts.context.tolist())})
            return super().judge(rollouts, rows, seed, **more)

    recipe = dataclasses.replace(
        PLAIN, optimiser=AdamW(0.0), sampler=FromPrefix(2, column="solution"), starts=HintAfterFailure((0.5, 0.75))
    )
    improve(policy, Looking(world), rows, recipe, Budget(3, batch_size=2), Decoding(4))
    assert begun[0] == {0: 0, 1: 0} and begun[1] == {0: 0, 1: 2} and begun[2][0] == 0
    with pytest.raises(InputError, match="begins answers with nothing"):
        improve(policy, FiniteScene(world), rows, dataclasses.replace(recipe, sampler=Group(2)), Budget(1, batch_size=2), Decoding(4))


# --- which prompts


def prompts_of(weighing: Any, rows: list[dict[str, Any]]) -> tuple[Prompts, Recipe]:
    recipe = dataclasses.replace(PLAIN, weighing=weighing)
    return Prompts(rows, 0, recipe), recipe


def test_levels_move_up_with_progress():
    rows = [{"prompt": i, "level": i // 20} for i in range(100)]
    prompts, recipe = prompts_of(EasyToHard(power=1.0), rows)
    means = [sum(rows[i]["level"] for i in prompts.draw(10, recipe, progress)) / 10 for progress in (0.0, 0.5, 1.0)]
    assert means[0] < 1 < means[1] < 3 < means[2]


def test_the_task_that_teaches_is_practised():
    rows = [{"prompt": i, "task": "even" if i % 2 else "odd"} for i in range(40)]
    prompts, recipe = prompts_of(TaskAdvantage(), rows)
    for _ in range(30):
        chosen = prompts.draw(10, recipe, 0.0)
        place = torch.tensor(chosen).repeat_interleave(2)
        differ = torch.tensor([0.0, 1.0]).repeat(10)
        prompts.learn(torch.where(place % 2 == 1, differ, 1.0), place, recipe)  # only the even ones are ever in doubt
    assert sum(rows[i]["task"] == "even" for i in prompts.draw(10, recipe, 0.0)) >= 8


def test_pools_are_left_alone_until_nothing_else_is_there():
    rows = [{"prompt": i} for i in range(6)]
    prompts, recipe = prompts_of(DifficultyPools(), rows)
    prompts.learn(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([0, 0, 1, 1]), recipe)
    assert {i for _ in range(20) for i in prompts.draw(2, recipe, 0.0)} == {2, 3, 4, 5}
    prompts.learn(torch.ones(6), torch.arange(6), recipe)
    assert len(prompts.draw(4, recipe, 0.0)) == 4


def test_a_target_of_success_may_move():
    rows = [{"prompt": i} for i in range(20)]
    recipe = dataclasses.replace(PLAIN, weighing=SuccessTarget(target=0.9, width=0.1))
    prompts = Prompts(rows, 0, recipe)
    prompts.learn(torch.tensor([0.1] * 10 + [0.9] * 10), torch.arange(20), recipe)
    assert min(prompts.draw(5, recipe, 0.0)) >= 10
    later = dataclasses.replace(recipe, weighing=SuccessTarget(target=0.1, width=0.1))
    assert max(prompts.draw(5, later, 1.0)) < 10


def test_columns_that_cannot_be_read_are_refused():
    for weighing, rows, said in (
        (EasyToHard(), [{"prompt": 0, "level": 1}, {"prompt": 1}], "row 1 of the task has nothing in the column 'level'"),
        (EasyToHard(), [{"prompt": 0, "level": "hard"}], "holds 'hard'; levels of difficulty are numbers"),
        (
            TaskAdvantage(column="kind"),
            [{"prompt": 0, "task": "a"}],
            "the column 'kind' .columns: prompt, task., which recipe.weighing reads",
        ),
    ):
        prompts, recipe = prompts_of(weighing, rows)
        with pytest.raises(InputError, match=said):
            prompts.draw(1, recipe, 0.0)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_a_window_keeps_what_prime_rl_keeps(groups):
    """Its ``online_difficulty_filtering`` drops groups with a mean reward of 0 or 1."""
    reward, group = torch.tensor(groups).flatten(), torch.arange(len(groups)).repeat_interleave(4)
    wanted = torch.tensor([0 < sum(g) < 4 for g in groups]).repeat_interleave(4)
    assert torch.equal(SuccessWindow()(reward, group), wanted)
    with pytest.raises(InputError, match="keeps nothing"):
        SuccessWindow(0.5, 0.5)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("online_difficulty_filtering=true", "success_window"),
        ("easy_threshold=1.0", "difficulty_pools"),
        ("dataset_mixer=x", "task_advantage"),
        ("curriculum_sampler=x", "easy_to_hard"),
    ],
)
def test_names_of_other_trainers_are_answered(name: str, said: str, tmp_path: Path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text(
        'model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: "abcd>"}\n'
        "task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}\nrecipe: {base: grpo}\n"
    )
    assert main(["check", str(config), name]) != 0
    assert said in capsys.readouterr().err


# --- a temperature that is moved


def test_answers_are_drawn_at_the_temperature_of_the_step():
    """Uniform logits but for one action: the share of that action follows the temperature."""
    world = Needle(contexts=1, vocabulary=2, depth=1)
    policy = world.policy().build()
    with torch.no_grad():
        policy.logits[0, 0, 0] = 3.0
    recipe = dataclasses.replace(PLAIN, optimiser=AdamW(0.0), sampler=Group(400), temperature=Linear(4.0, 0.5))
    entropy = [
        -row["sampling/logp"]
        for row in improve(policy, FiniteScene(world), world.train(), recipe, Budget(4, batch_size=1), Decoding(1)).history[1:]
    ]
    assert entropy == sorted(entropy, reverse=True) and entropy[0] > 0.55 and entropy[-1] < 0.2


def test_a_controller_keeps_the_entropy_of_what_is_drawn():
    """The policy grows surer by a reward; the temperature makes up for it, a bound away."""
    world = Needle(contexts=1, vocabulary=8, depth=1)
    recipe = dataclasses.replace(PLAIN, optimiser=AdamW(0.1), sampler=Group(64))
    kept = {}
    for name, temperature in {
        "fixed": None,
        "by entropy": EntropyTemperature(8, most=9.0),
        "integral": Integral(1.0, target=-1.5, statistic="sampling/logp", rate=0.5, least=0.2, most=9.0),
    }.items():
        out = improve(
            world.policy().build(),
            FiniteScene(world),
            world.train(),
            dataclasses.replace(recipe, temperature=temperature),
            Budget(30, batch_size=1),
            Decoding(1),
        )
        kept[name] = -out.history[-1]["sampling/logp"]
    assert kept["fixed"] < 0.8 < min(kept["by entropy"], kept["integral"])


# --- runs that are stopped

TASK = SortLetters(length=2, alphabet="abcd", train_size=12, test_size=4)
SMALL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
EVERYTHING = Recipe(
    (Term(Clip()), Term(NegativeLogLikelihood(), weight=0.5, data="lessons")),
    AdamW(1e-2),
    Group(4),
    advantage=GroupCentred(),
    weighing=SuccessTarget(),
    allocation=Knapsack(),
    replay=EarlierSuccesses(threshold=0.3),
    lessons=FailedPrompts(rows=3, column="answer", threshold=0.3),
    temperature=EntropyTemperature(len(TASK.characters)),
)


class Stops(Silent):
    def __init__(self, at: int):
        self.at = at

    def step(self, step: int, metrics: Any) -> None:
        if step == self.at:
            raise KeyboardInterrupt


BUCKETS = dataclasses.replace(EVERYTHING, replay=SuccessBuckets(start=0.0, share=1.0, threshold=0.3))
HINTED = dataclasses.replace(PLAIN, optimiser=AdamW(1e-2), sampler=FromPrefix(4, column="answer"), starts=HintAfterFailure(threshold=0.3))


@pytest.mark.parametrize(
    ("recipe", "ahead"), [(EVERYTHING, 0), (EVERYTHING, 2), (BUCKETS, 0), (HINTED, 1)], ids=["all", "all ahead", "buckets", "hints ahead"]
)
def test_a_run_that_is_stopped_is_the_one_that_was_not(recipe: Recipe, ahead: int, tmp_path: Path):
    recipe = dataclasses.replace(recipe, ahead=ahead)

    def job(steps: int = 9) -> ImproveJob:
        budget = Budget(steps=steps, batch_size=4, save_every=2)
        return ImproveJob(recipe, TASK, {}, {"timeout": None, "failure_bound": 1.0}, Decoding(4), budget, builds=SMALL)

    whole = job()(SMALL.build(0), {}, 0, tmp_path / "whole", Silent())
    with pytest.raises(KeyboardInterrupt):
        job()(SMALL.build(0), {}, 0, tmp_path / "stopped", Stops(5))
    again = job()(SMALL.build(0), {}, 0, tmp_path / "stopped", Silent())
    for one, other in zip(whole.history, again.history, strict=True):
        assert {k: v for k, v in one.items() if "time" not in k} == {k: v for k, v in other.items() if "time" not in k}
    assert all(torch.equal(v, again.model.module.state_dict()[k]) for k, v in whole.model.module.state_dict().items())
    last = whole.history[1:]
    if recipe.starts is not None:
        return
    assert any(row["replayed"] > 0 for row in last) and any(row["lessons"] > 0 for row in last)
    assert len({row["knobs.temperature"] for row in last}) > 1


def test_replay_is_not_for_pairs():
    world = Needle()
    recipe = dataclasses.replace(PLAIN, pairing=Consecutive(), replay=EarlierSuccesses())
    with pytest.raises(InputError, match="leave one of them out"):
        improve(world.policy().build(), FiniteScene(world), world.train(), recipe, Budget(1, batch_size=1), Decoding(4))


# --- the world of length


def test_thoughts_make_an_answer_right_and_idle_steps_do_not():
    world = Pondering(contexts=6, kinds=2, depth=4, guess=0.25, hopeless=1)
    assert world.need[:5].tolist() == [1, 2, 2, 3, 1]
    said = {(0, 2): 0, (1, 2): 1, (1, 0, 2): 2, (0, 1, 0, 1): 3}
    place = world.tree.index(torch.tensor([[*s, 0, 0, 0][:4] for s in said]), torch.tensor([len(s) for s in said]))
    assert world.rewards()[0, place].tolist() == [1.0, 0.25, 1.0, 0.0]  # the last one gives no answer
    assert world.rewards()[1, place].tolist() == [0.25, 0.25, 0.25, 0.0]
    assert world.rewards()[5, place].tolist() == [0.0] * 4
    drawn = Group(2000)(world.policy().build(), [torch.tensor([1])], Decoding(4), 0)
    assert abs(float(world.reward_of(drawn, 1).mean()) - float(world.expected_reward_of(drawn).mean())) < 0.03
    cut = Group(50)(world.policy().build(), [torch.tensor([0])], Decoding(2), 0)
    assert float(world.expected_reward_of(cut)[~cut.quantities["terminated"]].sum()) == 0.0


def test_tagged_pondering_thinks_behind_its_tag_and_is_never_sure_of_the_last_kind():
    world = TaggedPondering(contexts=4, kinds=2, depth=5, guess=0.25, ceiling=0.5)
    said = [[0, 0, 2], [1, 0, 2], [0, 1, 2], [2], [1, 0, 0, 2], [0, 0, 0, 0, 0]]
    expected = {0: [1, 1, 0.25, 0.25, 1, 0], 1: [0.25, 0.25, 0.25, 0.25, 0.5, 0]}  # one thought; two, of which half are right at most
    table, reward = world.rewards(), world.reward
    for problem, wanted in expected.items():
        assert reward([problem] * 6, said) == wanted
        places = world.tree.index(torch.tensor([[*x, *[0] * (5 - len(x))] for x in said]), torch.tensor([len(x) for x in said]))
        assert table[problem, places].tolist() == wanted
    assert world.tag([0] * 6, said) == [0, 1, 0, -1, 1, 0]
