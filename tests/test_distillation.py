"""Teachers: recipes learn from them, the configuration binds them, and what cannot be a teacher is refused in a sentence that names the setting."""

import json

import pytest
import torch

from guerdon.errors import InputError
from guerdon.interfaces.check import loop_of
from guerdon.interfaces.configuration import dump, load, read
from guerdon.interfaces.preparing import prepare
from guerdon.losses.penalties.jensen_shannon import JensenShannon
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.prompted import Prompted
from guerdon.models.views.in_context import InContext
from guerdon.models.views.other_tokenizer import OtherTokenizer
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder
from guerdon.training.binding import bound, require_like
from guerdon.training.display import Silent
from guerdon.training.recipe import Recipe

CHARACTERS = "abcd >="
STUDENT = SmallLanguageModel(CHARACTERS, layers=1, hidden=16, heads=2, context_length=32)
ROWS = [{"prompt": f"{a}{b}>", "completion": f"{b}{a}", "hint": b} for a in "abcd" for b in "abcd"]
MINE = "model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: 'abcd >='}\n"


def sharp(seed: int = 7) -> object:
    """A teacher that has something to say."""
    teacher = SmallLanguageModel(CHARACTERS, layers=1, hidden=24, heads=2, context_length=32).build(seed)
    with torch.no_grad():
        for parameter in teacher.module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    return teacher


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("teaching")
    sharp().save(place / "teacher")
    SmallLanguageModel("abx>", layers=1, hidden=16, heads=2).build(0).save(place / "other")
    SmallLanguageModel("=> dcba", layers=1, hidden=16, heads=2).build(0).save(place / "otherwise")
    (place / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (place / "prompts.jsonl").write_text("\n".join(json.dumps({"prompt": row["prompt"]}) for row in ROWS))
    return place


def configured(folder, recipe, *overrides, rows="rows.jsonl", teacher="teacher"):
    view = f"views: {{teacher: {folder / teacher}}}\n" if teacher else ""
    text = f"{MINE}task: {{path: {folder / rows}}}\nrecipe: {recipe}\n{view}decoding: {{max_completion_length: 4}}\nbudget: {{steps: 2, batch_size: 4}}\n"
    return load(text, overrides)


def run(settings):
    prepared = prepare(settings, loop_of(settings))
    return prepared.job(prepared.model, {}, 0, None, Silent())


LEARNS = ["distillation", "on_policy_distillation", "gkd", "knowledge_distillation"]


@pytest.mark.parametrize("recipe", LEARNS)
def test_a_student_comes_nearer_to_a_teacher_that_is_named_by_its_folder(recipe, folder):
    """KL(student || teacher), step by step, of answers that the new student draws."""
    settings = configured(folder, recipe, "steps=25", "batch_size=16", "learning_rate=0.02")
    assert load(dump(settings)) == settings
    teacher, away = sharp(), []
    for student in (STUDENT.build(0), run(settings).model):
        contexts = [torch.tensor(Encoder(student.tokenizer).encode_prompt(row["prompt"])) for row in ROWS]
        uniforms = torch.rand(64, 4, generator=torch.Generator().manual_seed(0))
        drawn = student.sample(contexts, torch.arange(16).repeat(4), Decoding(4), uniforms)
        away.append(float(student.measure(drawn, {"teacher_kl"}, {"teacher": teacher})["teacher_kl"][drawn.mask].mean().detach()))
    assert away[1] < 0.6 * away[0], away


def test_prompts_alone_are_enough_where_no_reward_is_read(folder):
    out = run(configured(folder, "distillation", rows="prompts.jsonl"))
    assert out.history[-1]["rewards/unrewarded/mean"] == 0
    with pytest.raises(InputError, match="reward: it is missing"):
        run(configured(folder, "rloo", teacher=None, rows="prompts.jsonl"))
    with pytest.raises(InputError, match="reward: it is missing"):
        run(
            configured(
                folder, "{base: on_policy_distillation, advantage: {part: teacher_log_ratio, besides: leave_one_out}}", rows="prompts.jsonl"
            )
        )


@pytest.mark.parametrize(
    ("recipe", "overrides", "said"),
    [
        (
            "distillation",
            ["views.teacher=OTHER"],
            r"views\.teacher: its vocabulary is not the policy's \(7 tokens and 10; .* such as .*'x'.*; give a model with the policy's",
        ),
        ("distillation", ["views.teacher=nowhere/there"], r"views\.teacher\.source: cannot load"),
        (
            "self_distillation",
            ["views={}"],
            r"views\.teacher: the recipe reads .*\(the policy itself, told more, is \{part: in_context, template: \.\.\.\}, or \{part: own_success\}\)",
        ),
        ("distillation", ["views={}"], r"views\.teacher: the recipe reads teacher_kl, and no model is given"),
        ("distillation", ["views.friend=OTHER"], r"views\.friend: nothing in the recipe asks it \(it reads teacher\)"),
        (
            "rloo",
            [],
            r"views\.teacher: nothing in the recipe asks it \(it reads no other model|views\.teacher: nothing in the recipe asks it",
        ),
        ("distillation", ["views.teacher={part: in_contxt}"], r"in_context"),
        (
            "distillation",
            ["views.teacher={part: in_context, template: '{prompt}'}"],
            r"views\.teacher\.template: it tells nothing that the prompt does not say",
        ),
        (
            "distillation",
            ["views.teacher={part: in_context, template: '{prompt}{hnt}'}"],
            r"views\.teacher\.template: it tells the column 'hnt'",
        ),
        ("distillation", ["views.teacher={part: in_context, template: '{prompt'}"], r"views\.teacher\.template: "),
        ("gkd", ["beta=1.5"], r"jensen_shannon\.beta is 1\.5"),
        ("distillation", ["lmbda=0.5"], r"lmbda: it is the share of the student's own answers"),
        ("gkd", ["lmbda=1.5"], r"lmbda: it is the share"),
        ("distillation", ["opd_kl_coef=0.5"], r"opd_kl_coef: it is the weight of the teacher's word"),
    ],
)
def test_what_cannot_teach_is_refused_by_its_name(recipe, overrides, said, folder):
    with pytest.raises(InputError, match=said):
        run(configured(folder, recipe, *(text.replace("OTHER", str(folder / "other")) for text in overrides)))


def test_names_of_other_trainers(folder):
    settings = configured(folder, "gkd", "lmbda=0.25", "beta=0.9")
    assert [term.weight for term in settings.recipe.terms] == [0.25, 0.75]
    assert {term.loss.loss.loss for term in settings.recipe.terms} == {JensenShannon(0.9)}
    settings = configured(folder, "distillation", f"teacher_model_name_or_path={folder / 'other'}")
    assert settings.views["teacher"].source == str(folder / "other")
    assert configured(folder, "on_policy_distillation", "opd_kl_coef=0.5").recipe.advantage.weight == 0.5
    for name in ("seq_kd=true", "teacher_model_kind=ema", "distillation_topk=100", "use_uld_loss=true", "teacher_prompt_template=x"):
        with pytest.raises(InputError, match=rf"^{name.partition('=')[0]}: "):
            configured(folder, "distillation", name)


def test_settings_of_a_teacher_are_set_by_their_place(folder):
    settings = configured(folder, "distillation", "views.teacher.dtype=bfloat16")
    assert (settings.views["teacher"].source, settings.views["teacher"].dtype) == (str(folder / "teacher"), "bfloat16")
    assert run(settings).history[-1]["loss"] > 0
    settings = load(
        f"{MINE}task: {folder / 'rows.jsonl'}\nrecipe: distillation\nteacher: {folder / 'teacher'}\n"
    )  # as a name without a place
    assert settings.views["teacher"].source == str(folder / "teacher")


def test_a_teacher_of_a_pipeline_is_a_stage(tmp_path, folder):
    file = tmp_path / "two.yaml"
    file.write_text(
        f"{MINE}task: {{path: {folder / 'rows.jsonl'}}}\ndecoding: {{max_completion_length: 4}}\nbudget: {{steps: 2, batch_size: 4}}\nstages:\n"
        "  sft: {loop: fit, recipe: sft}\n  taught: {loop: improve, start: '', recipe: distillation, views: {teacher: sft}}\n"
    )
    assert read(file).stages["taught"].views == {"teacher": "sft"}
    file.write_text(file.read_text().replace("teacher: sft", "teacher: sfd"))
    with pytest.raises(InputError, match="sfd"):
        read(file)


# the policy that has been told


def test_in_context_is_the_policy_behind_another_prompt():
    policy = STUDENT.build(1)
    encoder = Encoder(policy.tokenizer, 32)
    for of in ("start", "now"):
        teacher = bound({"teacher": InContext("{prompt}{hint}=", of)}, {}, policy, encoder, [ROWS], 0)["teacher"]
        contexts = [torch.tensor(encoder.encode_prompt(row["prompt"])) for row in ROWS[:3]]
        told = [torch.tensor(encoder.encode_prompt(f"{row['prompt']}{row['hint']}=")) for row in ROWS[:3]]
        uniforms = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
        drawn = policy.sample(contexts, torch.arange(3), Decoding(4), uniforms)
        behind = drawn.__class__(told, drawn.context, drawn.actions, drawn.mask, drawn.length)
        torch.testing.assert_close(teacher.measure(drawn, {"logp"})["logp"], policy.measure(behind, {"logp"})["logp"], rtol=1e-5, atol=1e-6)
        kl = policy.measure(drawn, {"teacher_kl"}, {"teacher": teacher})["teacher_kl"]
        assert kl[drawn.mask].min() > 0
        assert (teacher.module is policy.module) is (of == "now")


def test_who_is_told_more_can_act_and_answers_what_the_policy_was_asked():
    policy = STUDENT.build(1)
    encoder = Encoder(policy.tokenizer, 32)
    teacher = bound({"teacher": InContext("{prompt}{hint}=", "now")}, {}, policy, encoder, [ROWS], 0)["teacher"]
    contexts = [torch.tensor(encoder.encode_prompt(row["prompt"])) for row in ROWS[:3]]
    told = [torch.tensor(encoder.encode_prompt(f"{row['prompt']}{row['hint']}=")) for row in ROWS[:3]]
    uniforms = torch.rand(6, 4, generator=torch.Generator().manual_seed(0))
    which = torch.tensor([0, 0, 1, 1, 2, 2])
    drawn, behind = (who.sample(asked, which, Decoding(4), uniforms) for who, asked in ((teacher, contexts), (policy, told)))
    assert torch.equal(drawn.actions, behind.actions) and all(map(torch.equal, drawn.contexts, contexts))
    logp = teacher.measure(drawn, {"logp"})["logp"]
    torch.testing.assert_close(drawn.quantities["old_logp"], logp, rtol=1e-5, atol=1e-5)
    assert float((policy.measure(drawn, {"logp"})["logp"] - logp).detach().abs().max()) > 0.01
    with pytest.raises(InputError, match="is asked to act, and it can only measure"):
        Prompted(torch.nn.Module(), lambda context: context).sample(contexts, which, Decoding(4), uniforms)


@pytest.mark.parametrize("recipe", ["exp_grpo", "exp_dpo"])
def test_explanations_of_the_known_answer_are_learned_from(recipe, folder):
    """A policy that is told the answer acts beside the one that is not, and what it said moves the one that is not."""
    view = "views.teacher={part: in_context, template: '{prompt}{hint}=', policy: now}"
    rewarded = "reward.functions={short: {part: length, max_length: 4, cache: 4}}"
    out = run(configured(folder, recipe, view, rewarded, "recipe.optimiser.learning_rate=0.01"))
    assert any(row.get("grad_norm", 0) > 0 for row in out.history)


def test_of_a_conversation_the_last_message_is_replaced():
    view = InContext("{prompt} (it is {hint})")
    rows = {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "hint": 4}
    assert view.asked("teacher", rows) == [{"role": "system", "content": "s"}, {"role": "user", "content": "q (it is 4)"}]


def test_one_prompt_has_one_teacher():
    policy = STUDENT.build(1)
    twice = [ROWS[0], {**ROWS[0], "hint": "d"}]
    with pytest.raises(InputError, match=r"row 1 of those that views\.teacher is told of.*two rows have the same prompt"):
        bound({"teacher": InContext("{prompt}{hint}")}, {}, policy, Encoder(policy.tokenizer, 32), [twice], 0)
    bound({"teacher": InContext("{prompt}{hint}")}, {}, policy, Encoder(policy.tokenizer, 32), [[ROWS[0], ROWS[0]]], 0)


def test_the_teacher_of_self_distillation_stands_or_follows(folder):
    template = "views.teacher={part: in_context, template: '{prompt}{hint}='}"
    average = "recipe.updates=[{part: moving_average, into: teacher, decay: 0.95}]"
    out = run(configured(folder, "self_distillation", template, average, "learning_rate=0.01"))
    far = [row["updates/teacher_distance"] for row in out.history if "updates/teacher_distance" in row]
    assert len(far) == 2 and far[0] > 0
    still = run(configured(folder, "self_distillation", template, "learning_rate=0.01"))
    assert "updates/teacher_distance" not in still.history[-1]


# vocabularies


def test_a_head_that_was_filled_up_is_cut_to_the_policys():
    policy, teacher = STUDENT.build(0), sharp()
    before = teacher.module.get_output_embeddings().weight[:10].clone()
    teacher.module.resize_token_embeddings(16)
    require_like("teacher", teacher, policy)
    assert torch.equal(teacher.module.get_output_embeddings().weight, before)
    wide = STUDENT.build(0)
    wide.module.resize_token_embeddings(16)
    with pytest.raises(InputError, match=r"views\.teacher: its head chooses among 10 tokens and the policy's among 16"):
        require_like("teacher", teacher, wide)


def test_what_reads_a_reward_says_so():
    from guerdon.recipes.distillation import recipe as distillation
    from guerdon.recipes.grpo import recipe as grpo
    from guerdon.recipes.raft import recipe as raft

    assert (grpo.reads_reward, raft.reads_reward, distillation.reads_reward) == (True, True, False)
    assert isinstance(grpo, Recipe)


# a teacher with another tokenizer


@pytest.fixture(scope="module")
def reader():
    """A policy of characters and a teacher of pieces of words, which has a chat template and another vocabulary."""
    from guerdon.models.language.policy import LanguagePolicy
    from test_fast_paths import CPU, module
    from tiny_models import tokenizer

    policy = SmallLanguageModel("The quickbrownfx,.", layers=1, hidden=16, heads=2, context_length=64).build(0)
    teacher = LanguagePolicy(module("llama", vocab_size=len(tokenizer("pad"))), tokenizer("pad"), CPU)
    view = OtherTokenizer(teacher=None).bind(
        "teacher", policy, Encoder(policy.tokenizer, 64), [{"prompt": "The q"}, {"prompt": "fox"}], lambda _: teacher
    )
    return policy, teacher, view


def of_texts(policy, *answers):
    """Sequences that say these texts in answer to "fox" and then end."""
    from guerdon.sequences import Sequences, pad

    ids = [[*policy.tokenizer.encode(text, add_special_tokens=False), policy.tokenizer.eos_token_id] for text in answers]
    actions, mask = pad(ids, torch.long), pad([[True] * len(row) for row in ids], torch.bool)
    context = torch.tensor(Encoder(policy.tokenizer).encode_prompt("fox"))
    return Sequences([context], torch.zeros(len(ids), dtype=torch.long), actions, mask, torch.tensor([len(row) for row in ids]))


def test_two_tokenizers_are_compared_where_both_begin_a_token(reader):
    policy, teacher, view = reader
    text = "The quick brown fox"
    pieces = teacher.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    begins = {start for start, _ in pieces["offset_mapping"]} | {len(text)}
    assert 3 < len(begins) < len(text)  # it does not split into letters
    sequences = of_texts(policy, text, "The")
    found = view.next_steps(sequences)
    logits = found.read(found.states)
    there = ~logits[:, 0].isnan()
    assert there[: len(text) + 1].nonzero().flatten().tolist() == sorted(begins)
    prompt = Encoder(teacher.tokenizer).encode_prompt("fox")
    ids = torch.tensor([[*prompt, *pieces["input_ids"]]])
    with torch.no_grad():
        plain = teacher.module(input_ids=ids).logits[0, len(prompt) - 1 :]
    torch.testing.assert_close(logits[: len(text) + 1][there[: len(text) + 1]], plain, rtol=1e-4, atol=1e-4)
    gap = policy.measure(sequences, {"teacher_sorted_gap"}, {"teacher": view})["teacher_sorted_gap"]
    assert torch.equal(gap[sequences.mask] > 0, there)
    own = policy.measure(sequences, {"logp"})["logp"]
    gap.sum().backward()
    assert own.shape == gap.shape and any(p.grad is not None and p.grad.any() for p in policy.module.parameters())


def test_each_place_is_asked_once_and_special_tokens_say_nothing(reader):
    policy, _, view = reader
    sequences = of_texts(policy, "The")
    twice = torch.cat([sequences.actions, sequences.actions[:, -1:]], 1)  # it ends, and ends again
    sequences = sequences.__class__(sequences.contexts, sequences.context, twice, torch.ones_like(twice).bool(), sequences.length + 1)
    logits = view.next_steps(sequences)
    assert (~logits.read(logits.states)[:, 0].isnan()).tolist() == [True, False, False, True, False]


def test_what_another_tokenizer_cannot_say_is_refused(reader):
    policy, _, view = reader
    with pytest.raises(InputError, match=r"views\.teacher has another tokenizer, so it cannot say logp.*sorted_gap"):
        view.measure(of_texts(policy, "The"), {"logp"})
    view.teacher.module.config.max_position_embeddings, before = 4, view.teacher.module.config.max_position_embeddings
    with pytest.raises(InputError, match=r"views\.teacher: an answer has \d+ tokens with its prompt there"):
        view.next_steps(of_texts(policy, "The quick"))
    view.teacher.module.config.max_position_embeddings = before


def test_a_teacher_with_another_tokenizer_is_named_in_the_configuration(folder):
    gap = "{base: distillation, terms: [{loss: {part: against, view: teacher, loss: sorted_gap}}]}"
    view = f"views.teacher={{part: other_tokenizer, teacher: {{source: {folder / 'otherwise'}}}}}"
    settings = configured(folder, gap, view)
    assert load(dump(settings)) == settings
    assert run(settings).history[-1]["loss"] > 0
    with pytest.raises(InputError, match="teacher_kl, which neither the data nor a bound model provides"):
        run(configured(folder, "distillation", view))
