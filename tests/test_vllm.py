"""The engine vllm, on a stand-in of vLLM's interface: what it is asked, what is recorded, whose weights draw, and what is noticed. The real one was not run here."""

import copy
import gc
import itertools
import os
import pickle
import sys
import warnings
import weakref

import numpy as np
import pytest
import torch
from scipy import stats

import vllm_stand_in
from guerdon.acting.engines import _in_process, seed_of
from guerdon.acting.engines.vllm import VLLM
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.configuration._sections import sections
from guerdon.interfaces.configuration._write import write
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language import handing_over
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.processes import Processes
from guerdon.sequences import Decoding
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.recipe import Budget, Recipe
from test_engines import SMALL, TASK, gap, recipe, sharpened
from test_sampling import _of_vocabulary, _probability
from tiny_models import module as family

CPU = torch.device("cpu")
PROMPTS = [torch.tensor([1, 4, 5, 6]), torch.tensor([1, 3]), torch.tensor([1, 6, 5, 4, 3])]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", vllm_stand_in)
    monkeypatch.setattr(vllm_stand_in, "BUILT", [])
    for name in ("VLLM_NO_USAGE_STATS", "VLLM_LOGGING_LEVEL", "VLLM_ENABLE_V1_MULTIPROCESSING"):
        monkeypatch.setenv(name, "")  # put back afterwards, whoever sets it
        monkeypatch.delenv(name)
    return vllm_stand_in


@pytest.fixture
def policy():
    return sharpened(SMALL.build(0))


def move(policy, by: float = 0.3) -> None:
    with torch.no_grad():
        for parameter in policy.module.parameters():
            if parameter.requires_grad:
                parameter.add_(by * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * parameter.std())


# what is drawn


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.0])
def test_what_is_recorded_is_what_the_learner_measures(policy, temperature):
    drawn = Group(6, VLLM())(policy, PROMPTS, Decoding(8, temperature), 0)
    assert gap(policy, drawn) < 1e-5
    assert not drawn.actions[~drawn.mask].any() and not drawn.quantities["old_logp"][~drawn.mask].any()
    ends = torch.isin(drawn.actions.gather(1, drawn.length.unsqueeze(1) - 1).squeeze(1), policy.ends)
    assert torch.equal(drawn.quantities["terminated"], ends) and (temperature == 0 or 0 < ends.float().mean() < 1)
    assert (
        not torch.isin(drawn.actions, policy.ends)[:, :-1]
        .logical_and(torch.arange(drawn.mask.shape[1] - 1) < drawn.length.unsqueeze(1) - 1)
        .any()
    )


def test_the_likeliest_tokens_are_those_of_our_sampler(policy):
    ours, theirs = (Group(1, engine)(policy, PROMPTS, Decoding(8, 0.0), 0) for engine in (None, VLLM()))
    assert torch.equal(ours.actions, theirs.actions) and torch.equal(ours.length, theirs.length)
    assert torch.equal(ours.quantities["terminated"], theirs.quantities["terminated"])
    torch.testing.assert_close(ours.quantities["old_logp"], theirs.quantities["old_logp"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("decoding", [Decoding(3), Decoding(3, 0.7), Decoding(3, top_k=4), Decoding(3, top_p=0.8), Decoding(3, min_p=0.3)])
def test_it_follows_the_exact_distribution(decoding):
    """Chi-square over all sequences of three tokens of a vocabulary of six, each row with a seed of its own."""
    small, rows = 6, 2_000
    made = _of_vocabulary(small)
    model = LanguagePolicy(made, None, CPU)
    model.ends = torch.tensor([0])
    context = torch.tensor([3, 4])
    numbers = torch.rand(rows, 3, generator=torch.Generator().manual_seed(1))
    drawn = VLLM()(model, [context], torch.zeros(rows, dtype=torch.long), decoding, numbers)
    found = [tuple(a[:n]) for a, n in zip(drawn.actions.tolist(), drawn.length.tolist(), strict=True)]
    every = {s[: s.index(0) + 1] if 0 in s else s for s in itertools.product(range(small), repeat=3)}
    exact = {steps: _probability(made, context, steps, decoding) for steps in every}
    assert all(exact[steps] > 0 for steps in found), "something was drawn that may not be"
    expected, seen = np.array([exact[s] * rows for s in exact]), np.array([found.count(s) for s in exact])
    large = expected >= 5
    expected, seen = np.append(expected[large], expected[~large].sum()), np.append(seen[large], seen[~large].sum())
    some = expected > 0
    assert stats.chisquare(seen[some], expected[some] * seen.sum() / expected.sum()).pvalue > 1e-4
    np.testing.assert_allclose(drawn.quantities["old_logp"].sum(-1), np.log([exact[s] for s in found]), atol=1e-4)


def test_a_row_depends_on_its_own_numbers(policy):
    numbers = torch.rand(4, 8, generator=torch.Generator().manual_seed(0))
    numbers[3] = numbers[1]
    drawn = VLLM()(policy, PROMPTS, torch.tensor([0, 0, 0, 0]), Decoding(8), numbers)
    assert torch.equal(drawn.actions[1], drawn.actions[3]), "the same numbers"
    assert len({tuple(row) for row in drawn.actions.tolist()}) == 3, "rows of a group differ"
    again = VLLM()(policy, PROMPTS, torch.tensor([1, 0]), Decoding(8), numbers[[0, 2]])
    n = int(again.length[1])
    assert torch.equal(again.actions[1, :n], drawn.actions[2, :n]) and n == int(drawn.length[2])


def test_each_request_says_all_that_decides_what_is_drawn(policy, monkeypatch):
    asked = []
    told = vllm_stand_in.LLM.generate
    monkeypatch.setattr(
        vllm_stand_in.LLM, "generate", lambda self, prompts, how, **more: asked.append((prompts, how)) or told(self, prompts, how, **more)
    )
    numbers = torch.rand(2, 5)
    VLLM()(policy, PROMPTS, torch.tensor([0, 2]), Decoding(5, 0.8, 7, 0.9, 0.01), numbers)
    prompts, how = asked[-1]
    assert [p["prompt_token_ids"] for p in prompts] == [PROMPTS[0].tolist(), PROMPTS[2].tolist()]
    assert [(h.seed, h.temperature, h.top_k, h.top_p, h.min_p, h.max_tokens) for h in how] == [
        (seed_of(row), 0.8, 7, 0.9, 0.01, 5) for row in numbers
    ]
    assert all(h.stop_token_ids == policy.ends.tolist() and h.ignore_eos and h.logprobs == 0 and not h.detokenize for h in how)


def test_what_reaches_the_end_of_the_context_has_not_ended(policy):
    engine = VLLM(extra={"max_model_len": 20})
    drawn = engine(policy, [torch.full((18,), 4)], torch.zeros(4, dtype=torch.long), Decoding(8), torch.rand(4, 8))
    cut = drawn.length == 2
    assert cut.any() and torch.equal(drawn.quantities["terminated"], torch.isin(drawn.actions, policy.ends).any(-1))


# how it is built


def test_it_is_built_once_for_a_policy_here_and_without_weights_on_the_disk(policy, stand_in):
    engine = VLLM(0.4, extra={"enforce_eager": True, "max_num_seqs": 8})
    before = torch.random.get_rng_state()
    for seed in range(2):
        Group(2, engine)(policy, PROMPTS, Decoding(4), seed)
    assert torch.equal(torch.random.get_rng_state(), before), "nobody's random numbers are moved"
    (llm,) = stand_in.BUILT
    assert llm.in_process and "VLLM_ENABLE_V1_MULTIPROCESSING" not in os.environ
    want = {
        "logprobs_mode": "processed_logprobs",
        "load_format": "dummy",
        "dtype": "float32",
        "gpu_memory_utilization": 0.4,
        "max_num_seqs": 8,
        "max_model_len": 32,
    }
    assert want.items() <= llm.arguments.items()
    (own,) = _engines()[policy].values()
    assert os.listdir(own.folder.name) == ["config.json"]


def _engines():
    from guerdon.acting.engines import vllm

    return vllm._engines


def test_it_goes_with_its_policy(stand_in):
    policy = sharpened(SMALL.build(0))
    Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)
    (own,) = _engines()[policy].values()
    running, folder = weakref.ref(own), own.folder.name
    stand_in.BUILT.clear()
    del policy, own
    gc.collect()
    assert running() is None and not os.path.exists(folder)


def test_a_copy_computed_in_half_precision_is_what_is_sent(stand_in):
    policy = sharpened(SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32).build(0))
    policy.dtype = torch.bfloat16
    drawn = Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)
    assert stand_in.BUILT[0].arguments["dtype"] == "bfloat16" and next(stand_in.BUILT[0].model.parameters()).dtype == torch.bfloat16
    assert gap(policy, drawn) < 0.1


# whose weights


@pytest.mark.parametrize("sleep", [True, False])
def test_weights_that_have_moved_are_sent_and_draw(policy, stand_in, sleep):
    engine = VLLM(sleep=sleep)
    for _ in range(3):
        assert gap(policy, Group(4, engine)(policy, PROMPTS, Decoding(8), 0)) < 1e-5
        move(policy)
    log = stand_in.BUILT[0].log
    assert log.count("weights sent") == 3 and log.count("asleep 2") == (3 if sleep else 0)


def test_weights_that_stay_are_not_sent_to_an_engine_that_is_awake(policy, stand_in):
    for sleep, times in ((False, 1), (True, 2)):
        stand_in.BUILT.clear()
        engine = VLLM(sleep=sleep)
        for seed in range(2):
            Group(2, engine)(policy, PROMPTS, Decoding(4), seed)
        assert stand_in.BUILT[0].log.count("weights sent") == times, "one that slept has forgotten them"


def test_it_sleeps_between_and_its_weights_are_gone(policy, stand_in):
    Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)
    (llm,) = stand_in.BUILT
    assert llm.awake == set() and all(value.isnan().all() for value in llm.model.parameters())
    assert llm.log == ["built", "weights sent", "asked for 1", "asked for 6", "asleep 2"]


@pytest.mark.parametrize("trained", [Lora(r=2), None])
@pytest.mark.parametrize("tied", [True, False])
def test_adapters_are_merged_and_heads_that_are_embeddings_are_sent_once(trained, tied, stand_in):
    made = family("llama", 70, tied=tied)
    if trained is not None:
        made = trained.wrap(made, 0)
    policy = LanguagePolicy(made, None, CPU)
    policy.ends = torch.tensor([2])
    engine = VLLM()
    before = {name: value.clone() for name, value in policy.module.state_dict().items()}
    for _ in range(2):
        drawn = Group(4, engine)(policy, PROMPTS, Decoding(6), 0)
        assert gap(policy, drawn) < 1e-5
        assert all(torch.equal(before[n], v) for n, v in policy.module.state_dict().items()), "the policy is as it was"
        move(policy)
        before = {name: value.clone() for name, value in policy.module.state_dict().items()}
    own = _engines()[policy][repr(engine)]
    assert own.compares and own.delivered == 2
    assert tied == ("lm_head.weight" not in dict(stand_in.BUILT[0].model.named_parameters()))


def _lost(monkeypatch, what):
    """From now on a delivery goes wrong."""
    take = vllm_stand_in.Model.load_weights

    def wrong(self, weights):
        weights = list(weights)
        if what == "nothing comes":
            return {name for name, _ in self.named_parameters()}
        if what == "other numbers come":
            return take(self, [(n, v.flip(0) * 1.001) for n, v in weights])
        if what == "a part stays behind":
            return take(self, [(n, v) for n, v in weights if "q_proj" not in n])
        if what == "a matrix is forgotten":
            return take(self, [(n, v) for n, v in weights if "o_proj" not in n])
        if what == "rows are exchanged":
            return take(self, [(n, v.flip(0) if "embed" in n else v) for n, v in weights])
        if what == "an error":
            raise KeyError("model.layers.0.self_attn.qkv_proj.weight")

    monkeypatch.setattr(vllm_stand_in.Model, "load_weights", wrong)


LOST = {
    "nothing comes": "wrote nothing, or a part only, into model.embed_tokens.weight, .* and [0-9]+ more",
    "a part stays behind": "wrote nothing, or a part only, into model.layers.0.self_attn.qkv_proj.weight$",
    "a matrix is forgotten": "wrote nothing, or a part only, into model.layers.0.self_attn.o_proj.weight$",
    "other numbers come": "all numbers add up to|log-probabilities of 15 tokens differ",
    "rows are exchanged": "log-probabilities of 15 tokens differ",
    "an error": "did not take the policy's weights: KeyError: 'model.layers.0",
}


@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("sleep", [True, False])
@pytest.mark.parametrize("what", LOST)
def test_weights_that_do_not_arrive_end_the_run(policy, monkeypatch, what, sleep, when):
    engine = VLLM(sleep=sleep)
    if when == "later":
        Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
        move(policy)
    _lost(monkeypatch, what)
    with pytest.raises(RunFailed, match=LOST[what]):
        Group(2, engine)(policy, PROMPTS, Decoding(4), 1)


def test_a_small_step_that_does_not_arrive_is_noticed(policy, monkeypatch):
    """One that no log-probability in the engine's format would show: it keeps what it had."""
    engine = VLLM(sleep=False)
    Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    take, before = vllm_stand_in.Model.load_weights, handing_over.named(copy.deepcopy(policy.module))
    move(policy, 1e-4)
    monkeypatch.setattr(vllm_stand_in.Model, "load_weights", lambda self, weights: take(self, before.items()))
    with pytest.raises(RunFailed, match="all numbers add up to"):
        Group(2, engine)(policy, PROMPTS, Decoding(4), 1)


def test_what_the_engine_pads_with_may_stay_unwritten(policy, monkeypatch):
    def take(self, weights):
        for name, value in weights:
            place, part = self._place(name)
            own = dict(self.named_parameters())[place]
            own.data[self._rows(own, place, part, value.shape[0])].copy_(value)

    monkeypatch.setattr(vllm_stand_in.Model, "load_weights", take)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gap(policy, Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)) < 1e-5


def test_a_family_that_is_kept_in_another_form_is_told_of_and_looked_at_by_its_log_probabilities(policy, monkeypatch):
    shown = handing_over.sums
    monkeypatch.setattr(_in_process, "sums", lambda tensors: shown([*tensors, torch.rand(3)]))
    engine = VLLM()
    with pytest.warns(UserWarning, match="another form"):
        Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    move(policy)
    _lost(monkeypatch, "rows are exchanged")
    with pytest.raises(RunFailed, match="log-probabilities"):
        Group(2, engine)(policy, PROMPTS, Decoding(4), 1)


def test_prefixes_of_earlier_weights_are_not_used_again(policy, monkeypatch):
    engine = VLLM(sleep=False)
    Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    move(policy)
    with monkeypatch.context() as without:
        without.setattr(vllm_stand_in.LLM, "reset_prefix_cache", lambda self: True)
        stale = Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    assert gap(policy, stale) > 1e-3, "the stand-in would show it"
    move(policy)
    assert gap(policy, Group(2, engine)(policy, PROMPTS, Decoding(4), 0)) < 1e-5


def test_sums_are_those_of_the_numbers():
    made = family("llama", 70)
    weights = handing_over.named(made)
    assert set(weights) == {name for name, _ in made.named_parameters()}
    one = handing_over.sums(weights.values())
    joined = [torch.cat([v.reshape(-1) for v in reversed(weights.values())]), torch.zeros(9)]
    assert handing_over.alike(one, handing_over.sums(joined))
    for change in (lambda v: v.neg(), lambda v: v * (1 + 1e-6), lambda v: v + 1e-7):
        other = [change(v) if n.endswith("o_proj.weight") else v for n, v in weights.items()]
        assert not handing_over.alike(one, handing_over.sums(other))


# whole runs


@pytest.mark.parametrize("sleep", [True, False])
def test_a_run_is_on_policy(sleep, stand_in):
    job = ImproveJob(recipe(VLLM(sleep=sleep)), TASK, decoding=Decoding(6), budget=Budget(steps=4, batch_size=8, evaluation_rows=4))
    history = job(sharpened(SMALL.build(0)), {}, 0, None, Silent()).history
    gaps = [row["sampling/sampling_logp_difference/max"] for row in history if "sampling/sampling_logp_difference/max" in row]
    assert len(gaps) == 4 and max(gaps) < 1e-5 and len(stand_in.BUILT) == 1


def test_it_is_a_value_that_goes_to_another_process(policy):
    engine = VLLM(0.5, extra={"enforce_eager": True})
    Group(2, engine)(policy, PROMPTS, Decoding(4), 0)
    there = pickle.loads(pickle.dumps(engine))
    assert there == engine and hash(there) == hash(engine)
    other = copy.deepcopy(policy)  # as it would arrive there
    one, two = Group(2, engine)(policy, PROMPTS, Decoding(4), 1), Group(2, there)(other, PROMPTS, Decoding(4), 1)
    assert torch.equal(one.actions, two.actions)


def test_it_is_written_in_a_configuration():
    tree = {"base": "grpo", "sampler": {"engine": {"part": "vllm", "sleep": False, "extra": {"max_num_seqs": 64}}}}
    built = sections({"recipe": tree}).recipe
    assert built.sampler.engine == VLLM(sleep=False, extra={"max_num_seqs": 64})
    assert sections({"recipe": write(built, Recipe)}).recipe == built
    assert sections({"recipe": {"base": "grpo", "sampler": {"engine": "vllm"}}}).recipe.sampler.engine == VLLM()


# what it cannot do


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError, match=r"pip install 'guerdon\[vllm\]'"):
        VLLM().look()


@pytest.mark.parametrize("version", ["0.11.2", "0.19.1", ""])
def test_versions_that_were_not_read_of_are_refused(monkeypatch, version):
    monkeypatch.setattr(vllm_stand_in, "__version__", version)
    with pytest.raises(InputError, match=f"needs vLLM 0.20 or newer, and {version or 'an unknown one'} is installed"):
        VLLM().look()


@pytest.mark.parametrize("version", ["0.20.2", "0.33.0", "0.34.0rc1.dev3+cu130", "1.0.0"])
def test_versions_from_the_oldest_on_are_taken(monkeypatch, version):
    monkeypatch.setattr(vllm_stand_in, "__version__", version)
    VLLM().look()


def test_a_package_that_cannot_be_imported_says_why(monkeypatch, tmp_path):
    (tmp_path / "vllm.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "vllm")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=r"cannot be imported here: OSError: libcudart.so.13"):
        VLLM().look()
    (tmp_path / "vllm.py").write_text("import no_such_thing_at_all")
    with pytest.raises(InputError, match=r"cannot be imported here: ModuleNotFoundError: No module named 'no_such_thing_at_all'"):
        VLLM().look()


SENTENCES = {
    "an argument that it does not know": (VLLM(extra={"gpu_memory": 1}), Decoding(4), "vLLM does not start: TypeError: .*'gpu_memory'"),
    "too hot": (VLLM(), Decoding(4, 2.5), r"vLLM refuses what it is asked: ValueError: temperature must be in \[0, 2\], got 2.5"),
    "colder than it draws": (VLLM(), Decoding(4, 0.001), "draws at temperature 0 or from 0.01 on, not at 0.001"),
    "prompts that are too long": (VLLM(extra={"max_model_len": 10}), Decoding(4), "vLLM refuses what it is asked: ValueError: .*length 20"),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_it_refuses_is_said_in_a_sentence(policy, name):
    engine, decoding, sentence = SENTENCES[name]
    with pytest.raises(InputError, match=sentence):
        engine(policy, [torch.full((20,), 4)], torch.tensor([0]), decoding, torch.rand(1, 4))


def test_a_family_that_it_does_not_have_is_said(stand_in):
    policy = LanguagePolicy(family("gpt2", 70), None, CPU)
    policy.ends = torch.tensor([2])
    with pytest.raises(InputError, match=r"vLLM does not start: ValueError: Model architectures .*GPT2"):
        Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)


@pytest.mark.parametrize("how", [{"gpu_memory_utilization": 0.0}, {"gpu_memory_utilization": 1.5}, {"tolerance": 0.0}])
def test_settings_out_of_range_are_refused(how):
    with pytest.raises(InputError, match="gpu_memory_utilization is above 0"):
        VLLM(**how)


def test_a_finite_policy_needs_no_engine():
    with pytest.raises(InputError, match="acts for language models; leave it out, a TablePolicy samples by itself"):
        Group(2, VLLM())(Tabular(1, 2).build(), [torch.tensor([0])], Decoding(1), 0)


def test_a_run_on_several_processes_is_told_to_use_another(monkeypatch):
    monkeypatch.setattr("guerdon.acting.engines.vllm.here", lambda: Processes(0, 2))
    with pytest.raises(InputError, match="draws in a run on one process, and this one is on several"):
        VLLM().look()


@pytest.mark.parametrize("what", ["abort", "no log-probabilities", "not a number"])
def test_a_completion_that_is_none_is_not_learned_from(policy, monkeypatch, what):
    answer = vllm_stand_in.LLM._answer

    def broken(self, name, prompt, how):
        out = answer(self, name, prompt, how)
        if how.prompt_logprobs is None:
            (one,) = out.outputs
            one.finish_reason = "abort" if what == "abort" else one.finish_reason
            one.logprobs = None if what == "no log-probabilities" else one.logprobs
            if what == "not a number":
                one.logprobs[0][one.token_ids[0]].logprob = float("nan")
        return out

    monkeypatch.setattr(vllm_stand_in.LLM, "_answer", broken)
    with pytest.raises(RunFailed, match="broke off a completion" if what == "abort" else "tells no log-probability"):
        Group(2, VLLM())(policy, PROMPTS, Decoding(4), 0)
