"""What was trained here goes on elsewhere and comes back: pipelines of ``transformers``, trainers of TRL, their checkpoints as sources."""

import warnings

import pytest
import torch
import transformers

from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.scorer import Scorer
from test_saving import CPU, FIRST, agree, encoded, greedy, ids_of, logps
from tiny_models import folder, moved

trl = pytest.importorskip("trl")
ROWS = [("What is two?", "four", "the quick"), ("The quick", "brown fox", "user")]
FAMILIES = [("llama", True), ("gpt2", False)]


def chat(prompt, **answers):
    return {"prompt": [{"role": "user", "content": prompt}], **{k: [{"role": "assistant", "content": v}] for k, v in answers.items()}}


def saved(tmp_path, family, tied, lora):
    base = folder(tmp_path / "base", family, "pad", tied)
    return LanguageModel(str(base), Lora(r=2, target_modules=FIRST.get(family, ("q_proj", "v_proj"))) if lora else None, **CPU)


def arguments(kind, folder, **more):
    size = {
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "learning_rate": 1e-2,
        "save_steps": 1,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
    }
    return kind(output_dir=str(folder), **size, gradient_checkpointing=False, disable_tqdm=True, **more)


def trained(trainer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    return trainer.model.eval()


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
@pytest.mark.parametrize("lora", [False, True])
def test_a_policy_is_trained_on_by_trl_and_comes_back(family, tied, lora, tmp_path):
    from datasets import Dataset
    from peft import PeftModel

    policy = saved(tmp_path, family, tied, lora).build(0)
    moved(policy.module, 0.2)
    policy.save(tmp_path / "ours", **({"merge": False} if lora else {}))
    pairs = Dataset.from_list([chat(p, chosen=c, rejected=r) for p, c, r in ROWS])
    rows, before = encoded(policy.tokenizer), None
    words = {"processing_class": policy.tokenizer}
    makes = {
        "sft": lambda model, at: trl.SFTTrainer(
            model, arguments(trl.SFTConfig, at), train_dataset=Dataset.from_list([chat(p, completion=c) for p, c, _ in ROWS]), **words
        ),
        "dpo": lambda model, at: trl.DPOTrainer(model, args=arguments(trl.DPOConfig, at), train_dataset=pairs, **words),
        "grpo": lambda model, at: trl.GRPOTrainer(
            model,
            reward_funcs=lambda completions, **_: [float(len(c[0]["content"])) for c in completions],
            args=arguments(trl.GRPOConfig, at, num_generations=2, max_completion_length=4),
            train_dataset=pairs.select_columns(["prompt"]),
            **words,
        ),
    }
    before = policy.measure(rows, {"logp"})["logp"].detach()
    for name, make in makes.items():
        source = str(tmp_path / "ours")
        if lora:
            source = PeftModel.from_pretrained(
                transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base"), source, is_trainable=True
            )
        theirs = trained(make(source, tmp_path / name))
        back = LanguageModel(str(tmp_path / name / "checkpoint-1"), **CPU).build()
        mine = back.measure(rows, {"logp"})["logp"].detach()
        agree(mine, rows, logps(theirs, rows))
        assert name == "grpo" or (mine - before).abs().max() > 1e-4  # a group of equal rewards teaches nothing


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
def test_a_pipeline_writes_what_is_written_here(family, tied, tmp_path):
    policy = saved(tmp_path, family, tied, False).build(0)
    moved(policy.module, 0.2)
    policy.save(tmp_path / "ours")
    asked = [{"role": "user", "content": "What is two?"}]
    pipeline = transformers.pipeline("text-generation", model=str(tmp_path / "ours"), device="cpu")
    written = pipeline(asked, max_new_tokens=16, do_sample=False)[0]["generated_text"][-1]["content"]
    ids = policy.tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert written == policy.tokenizer.decode(greedy(policy, torch.tensor(ids), 16), skip_special_tokens=True)


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
def test_a_scorer_classifies_rewards_and_is_trained_on(family, tied, tmp_path):
    from datasets import Dataset

    scorer = Headed(saved(tmp_path, family, tied, True), Scalar()).build(0)
    moved(scorer.module, 0.2)
    rows, ours = encoded(scorer.tokenizer), str(tmp_path / "ours")
    mine = scorer.measure(rows, {"score"})["score"].detach()
    scorer.save(tmp_path / "ours")
    pipeline = transformers.pipeline("text-classification", model=ours, device="cpu", function_to_apply="none")
    said = pipeline([scorer.tokenizer.decode(ids) for ids in ids_of(rows)], batch_size=3)
    torch.testing.assert_close(torch.tensor([each["score"] for each in said]), mine, rtol=1e-3, atol=1e-4)
    pairs = Dataset.from_list([chat(p, chosen=c, rejected=r) for p, c, r in ROWS])
    theirs = trained(trl.RewardTrainer(ours, arguments(trl.RewardConfig, tmp_path / "reward"), train_dataset=pairs))
    back = Scorer(str(tmp_path / "reward" / "checkpoint-1"), device="cpu").build()
    with torch.no_grad():
        scores = torch.cat([theirs(input_ids=torch.tensor([ids])).logits[:, 0] for ids in ids_of(rows)])
    torch.testing.assert_close(back.measure(rows, {"score"})["score"].detach(), scores, rtol=1e-3, atol=1e-4)
    assert (scores - mine).abs().max() > 1e-4
    grouped = arguments(trl.GRPOConfig, tmp_path / "grpo", num_generations=2, max_completion_length=4)
    trainer = trl.GRPOTrainer(str(tmp_path / "base"), reward_funcs=ours, args=grouped, train_dataset=pairs.select_columns(["prompt"]))
    trained(trainer)
    assert any(torch.isfinite(torch.tensor(entry["reward"])) for entry in trainer.state.log_history if "reward" in entry)
