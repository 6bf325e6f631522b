"""What was trained is what ``transformers`` and ``peft`` load, and what is loaded here: in log-probabilities, scores, greedy text and where it stops.

One test over families of models, targets of adapters, tied and own output heads, kinds of tokenizers, and what is saved; not over all combinations, but over
every pair of choices (``covering``).
"""

import itertools
import json
from pathlib import Path

import pytest
import torch
import transformers

from guerdon.models.heads.categories import Categories
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.value import Value
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.scorer import Scorer
from guerdon.sequences import Decoding, Example, Sequences, collate
from guerdon.tasks.encoding import Encoder
from guerdon.training.jobs import encoder_for
from tiny_models import folder, moved

CPU = {"dtype": "float32", "device": "cpu"}
FIRST = {"gpt2": ("c_attn",), "gpt_neox": ("query_key_value",)}
EMBEDDING = {"gpt2": "wte", "gpt_neox": "embed_in"}


def adapters(kind: str, family: str) -> Lora | None:
    attention, head, embedding = FIRST.get(family, ("q_proj", "v_proj")), "lm_head", EMBEDDING.get(family, "embed_tokens")
    return {
        "all trained": None,
        "attention": Lora(r=2, target_modules=attention),
        "all-linear, rslora": Lora(r=4, use_rslora=True),
        "dora": Lora(r=2, use_dora=True, target_modules=attention),
        "expression": Lora(r=2, target_modules=rf".*\.0\..*({'|'.join(attention)})"),
        "head": Lora(r=2, target_modules=(*attention, head)),
        "embedding": Lora(r=2, target_modules=(*attention, embedding)),
        "embedding alone": Lora(r=2, target_modules=(embedding,)),
        "embedding saved": Lora(r=2, target_modules=attention, modules_to_save=(embedding,)),
        "head saved": Lora(r=2, target_modules=attention, modules_to_save=(head,)),
    }[kind]


AXES = {
    "family": ("llama", "qwen2", "gemma", "gpt2", "gpt_neox"),
    "tied": (False, True),
    "kind": ("pad", "no pad", "other end", "sentencepiece"),
    "lora": (
        "all trained",
        "attention",
        "all-linear, rslora",
        "dora",
        "expression",
        "head",
        "embedding",
        "embedding alone",
        "embedding saved",
        "head saved",
    ),
    "what": ("policy", "adapters", "scorer", "value", "classifier"),
}


def covering(axes: dict[str, tuple]) -> list[dict]:
    """Combinations in which every pair of values of two axes occurs: greedily, the combination that adds most."""
    names = list(axes)

    def pairs(row: tuple) -> set:
        return set(itertools.combinations(enumerate(row), 2))

    # transformers reads any tokenizer beside a Qwen 2 as one of Qwen's, with a token more
    unmade = [{"all trained", "adapters"}, {"qwen2", "sentencepiece"}]
    every = [row for row in itertools.product(*axes.values()) if not any(pair <= set(row) for pair in unmade)]
    left = set().union(*map(pairs, every))
    rows = []
    while left:
        best = max(every, key=lambda row: len(pairs(row) & left))
        rows.append(dict(zip(names, best, strict=True)))
        left -= pairs(best)
    return rows


def encoded(words, encoder: Encoder | None = None) -> Sequences:
    """Three answers of different lengths: conversations where there is a template, else plain texts."""
    some = [("What is two?", "four"), ("The quick", "brown fox, jumps over it."), ("user", "is the answer of an assistant")]
    if words.chat_template:
        some = [([{"role": "user", "content": p}], [{"role": "assistant", "content": c}]) for p, c in some]
    return collate([Example({"": (encoder or Encoder(words)).encode_pair(p, c)}) for p, c in some]).sides[""]


def ids_of(rows: Sequences) -> list[list[int]]:
    return [[*rows.contexts[int(c)].tolist(), *rows.actions[b, : int(rows.length[b])].tolist()] for b, c in enumerate(rows.context)]


def logps(model, rows: Sequences) -> list[torch.Tensor]:
    """Of each answer's tokens, by a model of ``transformers`` or ``peft``, row by row."""
    found = []
    for b, ids in enumerate(ids_of(rows)):
        n = int(rows.length[b])
        with torch.no_grad():
            logp = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        found.append(logp[-n - 1 : -1].gather(-1, torch.tensor(ids[-n:]).unsqueeze(-1)).squeeze(-1))
    return found


def agree(mine: torch.Tensor, rows: Sequences, theirs: list[torch.Tensor]) -> None:
    for b, value in enumerate(theirs):
        torch.testing.assert_close(mine[b, : int(rows.length[b])], value, rtol=1e-3, atol=1e-4)


def greedy(policy, prompt: torch.Tensor, steps: int = 12) -> list[int]:
    drawn = policy.sample([prompt], torch.tensor([0]), Decoding(steps, 0.0), torch.zeros(1, steps))
    return drawn.actions[0, : int(drawn.length[0])].tolist()


def end_soon(policy, prompt: torch.Tensor) -> int:
    """Make a token that the policy writes soon one of its ends: the one that the template closes turns with, or the tokenizer's."""
    words = policy.tokenizer
    policy.__dict__.pop("ends", None)
    written = greedy(policy, prompt)
    token = next((t for i, t in enumerate(written[2:], 2) if t not in written[:i]), written[-1])
    text = words.convert_ids_to_tokens(token)
    words.add_special_tokens({"additional_special_tokens": [text]}, replace_extra_special_tokens=False)
    if words.chat_template and words.eos_token == "<|endoftext|>":
        words.chat_template = words.chat_template.replace("<|im_end|>", text)
    else:
        words.eos_token = text
    policy.__dict__.pop("ends", None)
    return token


@pytest.mark.parametrize("case", covering(AXES), ids=lambda c: ", ".join(map(str, c.values())))
def test_what_was_trained_is_what_anybody_loads(case, tmp_path: Path):
    base = folder(tmp_path / "base", case["family"], case["kind"], case["tied"])
    lora = adapters(case["lora"], case["family"])
    body = LanguageModel(str(base), lora, **CPU)
    {"policy": policy, "adapters": saved_adapters, "scorer": scorer, "value": headed, "classifier": headed}[case["what"]](
        body, case, tmp_path / "saved"
    )


@pytest.mark.parametrize("kind", ["head", "embedding", "embedding saved", "head saved"])
@pytest.mark.parametrize("trained", [False, True])
def test_an_embedding_that_is_the_head_is_so_afterwards_unless_training_made_them_two(kind, trained, tmp_path: Path):
    """What the folder says of itself, by which other programs than ``transformers`` go."""
    from safetensors.torch import load_file

    made = LanguageModel(str(folder(tmp_path / "base", "llama", "pad", True)), adapters(kind, "llama"), **CPU).build(0)
    if trained:
        moved(made.module)
    made.save(tmp_path / "saved")
    own_head = "lm_head.weight" in load_file(tmp_path / "saved/model.safetensors")
    assert (own_head, json.loads((tmp_path / "saved/config.json").read_text())["tie_word_embeddings"]) == (trained, not trained)


def policy(body, case, saved: Path) -> None:
    trained = body.build(0)
    moved(trained.module)
    prompt = torch.tensor([5, 6, 7])
    rows = encoded(trained.tokenizer)
    end, mine = end_soon(trained, prompt), greedy(trained, prompt, 40)
    assert mine[-1] in trained.ends.tolist() and end in trained.ends.tolist() and len(mine) < 40
    trained.save(saved)
    theirs, words = transformers.AutoModelForCausalLM.from_pretrained(saved), transformers.AutoTokenizer.from_pretrained(saved)
    agree(trained.measure(rows, {"logp"})["logp"].detach(), rows, logps(theirs, rows))
    written = theirs.generate(prompt.unsqueeze(0), max_new_tokens=40, do_sample=False)[0, 3:].tolist()
    assert written == mine and words.decode(written) == trained.tokenizer.decode(mine)
    again = LanguageModel(str(saved), **CPU).build()
    agree(again.measure(rows, {"logp"})["logp"].detach(), rows, logps(theirs, rows))
    assert greedy(again, prompt, 40) == mine


def saved_adapters(body, case, saved: Path) -> None:
    from peft import PeftModel

    trained = body.build(0)
    moved(trained.module)
    rows = encoded(trained.tokenizer)
    mine = trained.measure(rows, {"logp"})["logp"].detach()
    trained.save(saved, merge=False)
    assert (saved / "adapter_model.safetensors").exists() and not (saved / "model.safetensors").exists()
    theirs = PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(body.source), saved)
    agree(mine, rows, logps(theirs.eval(), rows))
    again = LanguageModel(str(saved), **CPU).build()
    torch.testing.assert_close(again.measure(rows, {"logp"})["logp"].detach(), mine, rtol=1e-4, atol=1e-5)
    assert again.ends.tolist() == trained.ends.tolist()
    trains = {n: p for n, p in again.module.named_parameters() if p.requires_grad}
    assert trains.keys() == {n for n, p in trained.module.named_parameters() if p.requires_grad} and trains
    reference = again.reference()  # what a second stage is held to: where it starts, not the base
    moved(again.module, 0.1)
    torch.testing.assert_close(reference.measure(rows, {"logp"})["logp"].detach(), mine, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(again.measure(rows, {"logp"})["logp"].detach(), mine, atol=1e-3)
    fresh = LanguageModel(str(saved), Lora(r=2, target_modules=adapters("attention", case["family"]).target_modules), **CPU).build()
    for model in (fresh, fresh.reference()):
        torch.testing.assert_close(model.measure(rows, {"logp"})["logp"].detach(), mine, rtol=1e-3, atol=1e-4)


def scorer(body, case, saved: Path) -> None:
    trained = Headed(body, Scalar()).build(0)
    moved(trained.module)
    rows = encoded(trained.tokenizer)
    mine = trained.measure(rows, {"score"})["score"].detach()
    assert mine.std() > 1e-3
    trained.save(saved)
    theirs, words = (
        transformers.AutoModelForSequenceClassification.from_pretrained(saved),
        transformers.AutoTokenizer.from_pretrained(saved),
    )
    for side in ("right", "left") if case["family"] != "gpt2" else ("right",):  # gpt2 counts positions from the padding on
        words.padding_side = side
        batch = words.pad({"input_ids": ids_of(rows)}, return_tensors="pt")
        with torch.no_grad():
            torch.testing.assert_close(theirs(**batch).logits[:, 0], mine, rtol=1e-3, atol=1e-4)
    again = Scorer(str(saved), device="cpu").build()
    torch.testing.assert_close(again.measure(rows, {"score"})["score"].detach(), mine, rtol=1e-3, atol=1e-4)
    assert again.tokenizer.pad_token_id not in trained.policy.ends.tolist()
    answers = [encoded(again.tokenizer, encoder_for(one)) for one in (trained, again)]
    assert ids_of(answers[0]) == ids_of(answers[1]), "what is read again is scored at the end of the answer too"
    again.save(saved / "again")
    once_more = Scorer(str(saved / "again"), device="cpu").build()
    assert once_more.scored == again.scored
    torch.testing.assert_close(once_more.measure(rows, {"score"})["score"].detach(), mine, rtol=1e-3, atol=1e-4)


def headed(body, case, saved: Path) -> None:
    head = Value() if case["what"] == "value" else Categories(3)
    trained = Headed(body, head).build(0)
    moved(trained.module)
    rows = encoded(trained.tokenizer)
    mine = trained.measure(rows, {head.measures})[head.measures].detach()
    trained.save(saved)
    again = Headed(LanguageModel(str(saved), **CPU), head, trained=str(saved)).build(1)
    torch.testing.assert_close(again.measure(rows, {head.measures})[head.measures].detach(), mine, rtol=1e-3, atol=1e-4)
    hidden = transformers.AutoModelForCausalLM.from_pretrained(saved).base_model(torch.tensor([ids_of(rows)[0]])).last_hidden_state[0]
    if case["what"] == "classifier":
        torch.testing.assert_close(again.module["head"](hidden[-1]).detach(), mine[0], rtol=1e-3, atol=1e-4)
