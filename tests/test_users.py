"""People who differ: heads that read who a sequence is scored for, and what a trained model learns of somebody new."""

import json
import math
from pathlib import Path

import pytest
import torch

from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.models.encoders.embedded import Embedded
from guerdon.models.encoders.hidden_state import HiddenState
from guerdon.models.encoders.vectors import Vectors
from guerdon.models.finite.scored_items import ItemPolicy
from guerdon.models.heads.attended_user import AttendedUser
from guerdon.models.heads.clustered_users import ClusteredUsers
from guerdon.models.heads.ideal_point import IdealPoint
from guerdon.models.heads.latent_user import LatentUser
from guerdon.models.heads.low_rank_users import LowRankUsers
from guerdon.models.heads.mixture_heads import MixtureHeads
from guerdon.models.heads.prompt_point import PromptPoint
from guerdon.models.heads.reward_features import RewardFeatures
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.separate_users import SeparateUsers
from guerdon.models.language.forward import encode
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.reward_model import recipe as reward_model
from guerdon.sequences import Example, Sequences, Side, collate
from guerdon.training.adapting import adapt
from guerdon.training.jobs import _scorer as stage_reward
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import measured
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.users._crowd import Crowd, examples
from guerdon.worlds.users.ideal_places import IdealPlaces
from guerdon.worlds.users.linear_tastes import LinearTastes
from guerdon.worlds.users.mixed_tastes import MixedTastes

LN3 = 1.0986122886681098
PERSONAL = (RewardFeatures(3, 2), LowRankUsers(3, 2), IdealPoint(3), PromptPoint(3), SeparateUsers(3))
WORLDS = (LinearTastes(20, 5), MixedTastes(20, 5), IdealPlaces(20, 5))


class Few(Crowd):
    """Three items in the plane; the first user likes the first component, the second the other one."""

    items, users = 3, 2

    def features(self):
        return torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]], dtype=torch.float64)

    def utility(self):
        return 20 * self.features().T


def said(head, user, item=2, question=0, **parameters):
    """What a head with these parameters says of an item for a user."""
    model = Embedded(Vectors(Few()), head).build(0)
    state = model.module["head"].state_dict()
    assert set(state) == set(parameters)
    model.module["head"].load_state_dict({name: torch.tensor(value) for name, value in parameters.items()})
    side = Side((question,), (item,), (True,))
    return model.measure(collate([Example({"": side}, {"user": user})]).sides[""], {"score"})["score"].item()


def test_reward_features_by_hand():
    own = [[1.0, 0.0], [2.0, -1.0]]
    features = [[1.0, 1.0], [0.0, 2.0]]  # of the item (3, 4): 7 and 8
    parameters = {"own": own, "shared.features.weight": features}
    assert said(RewardFeatures(2, 2), 0, **parameters) == 7.0
    assert said(RewardFeatures(2, 2), 1, **parameters) == 6.0


def test_low_rank_users_by_hand():
    parameters = {"own": [[0.0, 0.0], [LN3, 0.0]], "shared.basis.weight": [[1.0, 1.0], [0.0, 2.0]]}
    assert said(LowRankUsers(2, 2), 0, **parameters) == pytest.approx(7.5)
    assert said(LowRankUsers(2, 2), 1, **parameters) == pytest.approx(7.25)  # 3/4 of 7, 1/4 of 8


def test_ideal_point_by_hand():
    prototypes = [[0.0, 4.0], [4.0, 0.0]]  # [D, K]: (0, 4) and (4, 0)
    parameters = {"own": [[0.0, 0.0], [LN3, 0.0]], "shared.map.weight": [[1.0, 0.0], [0.0, 2.0]], "shared.prototypes.weight": prototypes}
    assert said(IdealPoint(2, 2, 2), 0, **parameters) == pytest.approx(-(1 + 16))  # (3, 8) from (2, 4)
    assert said(IdealPoint(2, 2, 2), 1, **parameters) == pytest.approx(-(4 + 4))  # (3, 8) from (1, 6)


def test_prompt_point_by_hand():
    points = [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]  # of the question (1, 0): prototypes (1, 0) and (0, 1); of (0, 1): nothing
    parameters = {
        "own": [[50.0, 0.0], [0.0, 50.0]],
        "shared.map.weight": [[1.0, 0.0], [0.0, 1.0]],
        "shared.points.weight": points,
        "shared.scale.log": 0.0,
    }
    assert said(PromptPoint(2, 2, 2), 0, **parameters) == pytest.approx(3 / 5)
    assert said(PromptPoint(2, 2, 2), 1, **parameters) == pytest.approx(4 / 5)
    assert said(PromptPoint(2, 2, 2), 1, question=1, **parameters) == pytest.approx(0)


def test_separate_users_by_hand():
    assert said(SeparateUsers(2), 1, own=[[1.0, 1.0], [2.0, -1.0]]) == 2.0


def everything(head, rows, **parameters):
    """All that a head with these parameters says of items, for users."""
    model = Embedded(Vectors(Few()), head).build(0)
    model.module["head"].load_state_dict({name: torch.tensor(value) for name, value in parameters.items()}, strict=False)
    batch = collate([Example({"": Side((question,), (item,), (True,))}, {"user": user}) for user, question, item in rows])
    return model, {name: value.detach() for name, value in model.measure(batch.sides[""], model.measures).items()}


def test_mixture_heads_by_hand():
    router = {"router.0.weight": [[1.0, 0.0]], "router.0.bias": [0.0], "router.2.weight": [[LN3], [0.0]], "router.2.bias": [0.0, 0.0]}
    _, out = everything(MixtureHeads(2, 1), [(0, 0, 2), (0, 1, 2)], **{"heads.weight": [[1.0, 1.0], [0.0, 2.0]]}, **router)
    assert out["head_score"].tolist() == [[7.0, 8.0], [7.0, 8.0]]
    torch.testing.assert_close(
        out["mixture_logp"].exp(), torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    )  # the prompt is item 0, (1, 0), or item 1, (0, 1)
    torch.testing.assert_close(out["score"], torch.tensor([7.25, 7.5]))


def test_clustered_users_are_sorted_by_all_that_they_have_said():
    model, out = everything(ClusteredUsers(3), [(0, 0, 0), (1, 0, 0), (2, 0, 0)], **{"heads.weight": [[1.0, 0.0], [0.0, 2.0]]})
    assert out["score"].tolist() == [1.0, 0.0, 1.0]  # dealt out in turn
    model.acquaint(examples(torch.tensor([[0, 1, 0], [1, 0, 1], [1, 0, 1], [1, 1, 0]])))
    assert model.module["head"].own.tolist() == [1, 0, 0], "user 1 was twice of the first kind, once of the second; user 2 said nothing"
    new = model.for_new_users(1)
    new.acquaint(examples(torch.tensor([[0, 1, 0]])))
    assert new.module["head"].own.tolist() == [1] and model.module["head"].own.tolist() == [1, 0, 0]


def latent(users=2):
    """One component of latent: a comparison says the preferred item's first component, and with ln(e - 1), softplus 1, how surely; the reward is z times the item's second."""
    e1 = 0.5413248546129181  # ln(e - 1)
    identity = [[1.0, 0.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4, [0.0] * 4]
    square = [[1.0, 0.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4, [0.0] * 4]
    reward = {
        "reward.0.weight": [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [0.0] * 3],
        "reward.2.weight": torch.eye(4).tolist(),
        "reward.4.weight": [[1.0, -1.0, 10.0, 0.0]],
    }
    parameters = {
        "encoder.0.weight": identity,
        "encoder.2.weight": square,
        "encoder.4.weight": [[1.0, 0.0, 0.0, 0.0], [0.0] * 4],
        "encoder.4.bias": [0.0, e1],
        "noise": [[1.0], [-1.0]],
        **reward,
    }
    return everything(LatentUser(users, latent=1, units=4, samples=2), [(0, 0, 0), (1, 0, 1)], **parameters)


def test_a_latent_user_is_believed_in_as_far_as_they_have_said():
    model, before = latent()
    assert before["latent_mean"].tolist() == [[0.0], [0.0]] and before["latent_log_variance"].tolist() == [[0.0], [0.0]]
    torch.testing.assert_close(
        before["head_score"], torch.tensor([[1.0, -1.0], [11.0, 9.0]])
    )  # z, and ten times the item's second component
    model.acquaint(
        examples(torch.tensor([[1, 2, 0], [1, 2, 1], [1, 0, 1]]))
    )  # user 1 preferred first components of 3, 3 and 1, each with a precision of 1
    batch = collate([Example({"": Side((0,), (0,), (True,))}, {"user": user}) for user in (0, 1)])
    after = model.measure(batch.sides[""], model.measures)
    torch.testing.assert_close(after["latent_mean"], torch.tensor([[0.0], [7 / 4]]))
    torch.testing.assert_close(after["latent_log_variance"], torch.tensor([[0.0], [-math.log(4)]]))
    torch.testing.assert_close(after["score"], torch.tensor([0.0, 7 / 4]))
    torch.testing.assert_close(after["head_score"], torch.tensor([[1.0, -1.0], [7 / 4 + 1 / 2, 7 / 4 - 1 / 2]]))


def test_an_attended_user_is_looked_at_side_by_side():
    zeros = {"key.weight": [[0.0] * 3] * 2, "query.weight": [[0.0] * 2] * 2}  # every side of a comparison is looked at alike
    value = {
        "value.weight": [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
        "back.weight": [[1.0, 0.0], [0.0, 1.0]],
    }  # the sign, and the first component
    reward = {
        "reward.0.weight": [[1.0, 10.0], [0.0, 0.0]],
        "reward.0.bias": [0.0, 0.0],
        "reward.2.weight": [[1.0, 0.0]],
        "reward.2.bias": [0.0],
    }
    model, before = everything(AttendedUser(2, attention=1, units=2), [(0, 0, 0), (1, 0, 0)], **zeros, **value, **reward)
    assert before["score"].tolist() == [1.0, 1.0], "nobody has said anything"
    model.acquaint(examples(torch.tensor([[1, 2, 0], [1, 2, 1]])))
    batch = collate([Example({"": Side((0,), (0,), (True,))}, {"user": user}) for user in (0, 1)])
    after = model.measure(batch.sides[""], {"score"})["score"]
    torch.testing.assert_close(after, torch.tensor([1.0, 1.0 + 10 * (3 + 1 + 3 + 0) / 4]))  # signs cancel, first components average
    policy = ItemPolicy(model)
    chosen = policy.log_probabilities(torch.tensor([1, 0])).exp()
    torch.testing.assert_close(chosen.sum(-1), torch.ones(2))
    torch.testing.assert_close(policy.measure(batch.sides[""], {"logp"})["logp"].exp(), chosen[[1, 0], 0].unsqueeze(-1))


@pytest.mark.parametrize("head", [LatentUser(2), AttendedUser(2)], ids=lambda h: type(h).__name__)
def test_what_was_compared_is_saved_with_the_head(head, tmp_path: Path):
    model = Embedded(Vectors(Few()), head).build(0)
    with torch.no_grad():
        [p.add_(0.1) for p in model.module.parameters()]
    model.acquaint(examples(torch.tensor([[0, 0, 1], [1, 2, 1], [1, 2, 0]])))
    model.save(tmp_path, merge=False)
    again = Embedded(Vectors(Few()), head, str(tmp_path)).build(3)
    batch = Few().everything([0, 1], [0, 1, 2])
    torch.testing.assert_close(again.measure(batch, {"score"})["score"], model.measure(batch, {"score"})["score"])
    new = adapt(again, examples(torch.tensor([[0, 2, 1], [0, 2, 0]])), reward_model)
    assert new.history == [] and not any(p.requires_grad for p in new.model.module.parameters())
    theirs, same = (m.measure(Few().everything([u], [0, 1, 2]), {"score"})["score"] for m, u in ((new.model, 0), (again, 1)))
    torch.testing.assert_close(theirs, same)  # in another order of the same comparisons
    with pytest.raises(InputError, match="put it on a frozen encoder"):
        Headed(body(), head)


@pytest.mark.parametrize("world", WORLDS, ids=lambda w: type(w).__name__)
def test_verdicts_are_drawn_as_the_world_says(world):
    verdicts = world.verdicts([0], 40_000, [3, 7, 9], seed=1)
    assert torch.equal(verdicts[:10], world.verdicts([0], 10, [3, 7, 9], seed=1))
    truth = world.preference()[0]
    for first, second in ((3, 7), (7, 9), (3, 9)):
        won, lost = (((verdicts[:, 1] == a) & (verdicts[:, 2] == b)).sum() for a, b in ((first, second), (second, first)))
        assert float(won + lost) == pytest.approx(40_000 / 3, rel=0.03)
        assert float(won / (won + lost)) == pytest.approx(float(truth[first, second]), abs=0.02)


def test_tastes_are_what_the_worlds_say():
    agreed = LinearTastes(10, 4, agreement=1.0).tastes()
    assert torch.allclose(agreed, agreed[0].expand_as(agreed)) and float(agreed[0].norm()) == pytest.approx(2.0)
    assert int(torch.linalg.matrix_rank(LinearTastes(10, 30, rank=3).tastes())) == 3
    groups = MixedTastes(shares=(0.7, 0.2, 0.1), agreement=-0.25).groups()
    assert torch.allclose(groups @ groups.T, 1.25 * torch.eye(3, dtype=torch.float64) - 0.25)
    members = MixedTastes(users=4000, shares=(0.7, 0.3)).weights()
    assert set(members.unique().tolist()) == {0.0, 1.0} and float(members[:, 0].mean()) == pytest.approx(0.7, abs=0.03)
    mixed = MixedTastes(users=4000, shares=(0.7, 0.3), concentration=1.0).weights()
    assert torch.allclose(mixed.sum(-1), torch.ones(4000, dtype=torch.float64)) and float(mixed[:, 0].mean()) == pytest.approx(
        0.7, abs=0.03
    )
    places = IdealPlaces(items=300, users=3, strength=1.5).utility()
    assert torch.allclose(places.std(-1), torch.full((3,), 1.5, dtype=torch.float64))


@pytest.mark.parametrize("head", PERSONAL, ids=lambda h: type(h).__name__)
def test_somebody_new_is_the_mean_and_only_their_own_is_trained(head):
    world = Few()
    model = Embedded(Vectors(world), head).build(0)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    told = examples(torch.tensor([[0, 0, 1], [0, 2, 1]] * 4))
    new = model.for_new_users(2)
    assert torch.allclose(new.module["head"].own, before["head.own"].mean(0).expand(2, -1))
    assert [name for name, p in new.module.named_parameters() if p.requires_grad] == ["head.own"]
    recipe = Recipe(reward_model.terms, AdamW(0.1))
    out = adapt(model, told, recipe, Budget(steps=20, batch_size=8), users=2)
    assert out.history[-1]["loss"] < out.history[1]["loss"]
    after = out.model.module.state_dict()
    assert not torch.allclose(after["head.own"][0], new.module["head"].own[0])
    assert torch.equal(after["head.own"][1], new.module["head"].own[1]), "who said nothing is still the mean"
    assert all(torch.equal(after[name], value) for name, value in before.items() if name != "head.own")
    assert all(torch.equal(model.module.state_dict()[name], value) for name, value in before.items())


def test_what_cannot_be_personal_is_said():
    model = Embedded(Vectors(Few()), RewardFeatures(2, 2)).build(0)
    with pytest.raises(InputError, match="user 2 is not known"):
        fit(model, examples(torch.tensor([[2, 0, 1]])), reward_model, Budget(steps=1, batch_size=1))
    with pytest.raises(InputError, match="reads the column 'user'"):
        nobody = [Example(e.sides) for e in examples(torch.tensor([[0, 0, 1]]))]
        fit(model, nobody, reward_model, Budget(steps=1, batch_size=1))
    with pytest.raises(InputError, match=r"column 'user' holds 0\.5"):
        collate(examples(torch.tensor([[0.5, 0, 1]], dtype=torch.float64)))
    with pytest.raises(InputError, match="no new users"):
        adapt(Embedded(Vectors(Few()), Scalar()).build(0), examples(torch.tensor([[0, 0, 1]])), reward_model)
    with pytest.raises(InputError, match="name its folder in trained"):
        Embedded(Vectors(Few()), RewardFeatures(2, 2), new_users=1)
    with pytest.raises(InputError, match="a table of 3 vectors"):
        model.measure(examples_of_item(5), {"score"})


def examples_of_item(item):
    return collate([Example({"": Side((0,), (item,), (True,))}, {"user": 0})]).sides[""]


# text

BODY = {"layers": 1, "hidden": 16, "heads": 2, "context_length": 32}


def body():
    return SmallLanguageModel("abcd>", **BODY)


@pytest.mark.parametrize("packed", [True, False])
def test_the_end_of_what_is_answered_is_found(packed):
    policy = body().build(0)
    contexts = [torch.tensor([1, 2, 3]), torch.tensor([4, 1])]
    actions, length = torch.tensor([[1, 2], [3, 0], [2, 2]]), torch.tensor([2, 1, 2])
    sequences = Sequences(contexts, torch.tensor([0, 0, 1]), actions, torch.arange(2) < length.unsqueeze(-1), length)
    encoded = encode(policy.module, sequences, torch.device("cpu"), packed)
    for row, context in enumerate(sequences.context.tolist()):
        alone = policy.module.base_model(input_ids=contexts[context].unsqueeze(0)).last_hidden_state[0, -1]
        torch.testing.assert_close(encoded.hidden[encoded.asked[row]], alone, rtol=1e-4, atol=1e-5)


ROWS = [
    {"prompt": prompt + ">", "chosen": liked * 3, "rejected": other * 3, "user": user}
    for prompt in ("ab", "ba", "cd", "dc", "ac", "bd")
    for user, liked, other in ((0, "a", "b"), (1, "b", "a"))
]
NEW = [{"prompt": "ca>", "chosen": "bbb", "rejected": "aaa", "user": 0}, {"prompt": "db>", "chosen": "bbb", "rejected": "aaa", "user": 0}]
MODELS = {
    "headed": "{part: headed, body: {part: small_language_model, characters: 'abcd>', layers: 1, hidden: 16, heads: 2, context_length: 32}, head: HEAD}",
    "embedded": "{part: embedded, encoder: {part: hidden_state, source: base, layers: 1}, head: HEAD}",
}
FIT = """
model: MODEL
task: {path: rows.jsonl, held_out: 0, shuffle: false}
recipe: {base: reward_model, optimiser: {learning_rate: 1e-2}}
budget: {steps: 60, batch_size: 12}
"""


@pytest.mark.parametrize("head", ["{part: reward_features, users: 2, features: 3}", "{part: low_rank_users, users: 2, rank: 3}", "{part: ideal_point, users: 2}",
                                  "{part: prompt_point, users: 2}"], ids=lambda h: h.split(",")[0].removeprefix("{part: "))  # fmt: skip
@pytest.mark.parametrize("model", MODELS)
def test_a_personal_reward_model_of_text_is_fitted_and_adapted_from_files(model, head, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    body().build(0).save(Path("base"))
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    Path("new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in NEW))
    Path("fit.yaml").write_text(FIT.replace("MODEL", MODELS[model]).replace("HEAD", head) + "run: everybody\n")
    assert main(["fit", "fit.yaml"]) == 0, capsys.readouterr().err
    assert "guerdon score" not in capsys.readouterr().out  # which takes no head of this kind
    trained = MODELS[model].replace("HEAD", head)[:-1] + ", trained: everybody/model, new_users: 1}"
    if model == "headed":
        trained = trained.replace(
            "{part: small_language_model, characters: 'abcd>', layers: 1, hidden: 16, heads: 2, context_length: 32}", "everybody/model"
        )
    Path("new.yaml").write_text(
        FIT.replace("MODEL", trained).replace("rows.jsonl", "new.jsonl").replace("batch_size: 12", "batch_size: 2").replace("1e-2", "0.1")
        + "run: somebody\n"
    )
    assert main(["fit", "new.yaml", "--json"]) == 0, capsys.readouterr().err
    everybody, somebody = (built(model, head, folder, users) for folder, users in (("everybody", 2), ("somebody", 1)))
    asked = (["ab>"] * 4, ["aaa", "bbb", "aaa", "bbb"])
    a0, b0, a1, b1 = everybody.score(*asked, user=[0, 0, 1, 1])
    assert a0 > b0 and a1 < b1, "each is told what they like"
    a, b = somebody.score(asked[0][:2], asked[1][:2], user=[0, 0])
    assert b > a, "two comparisons said so"
    with pytest.raises(InputError, match="adapt the trained"):
        somebody.score(["bc>"], ["a"], user=[1])
    with pytest.raises(InputError, match="one for each"):
        somebody.score(["bc>"], ["a"], user=[0, 0])


def built(model, head, folder, users):
    kinds = {
        "reward_features": RewardFeatures(users, 3),
        "low_rank_users": LowRankUsers(users, 3),
        "ideal_point": IdealPoint(users),
        "prompt_point": PromptPoint(users),
    }
    part = kinds[head.split(",")[0].removeprefix("{part: ")]
    if model == "headed":
        return Headed(LanguageModel(f"{folder}/model", device="cpu"), part, f"{folder}/model").build()
    return Embedded(HiddenState("base", 1, device="cpu"), part, f"{folder}/model").build()


GROUPED = {
    ("clustered_reward_model", "{part: clustered_users, users: 4}"): ("headed", "embedded"),
    ("latent_reward_model", "{part: latent_user, users: 4, latent: 2, samples: 2}"): ("embedded",),
    ("mixture_reward_model", "{part: mixture_heads, heads: 2}"): ("headed", "embedded"),
}
CASES = [(model, *how) for how, models in GROUPED.items() for model in models]


def everybody_is_fitted(model, recipe, head, device, capsys):
    """A head for four people, two of either kind, is fitted in the working directory, and knows them by what they said."""
    body().build(0).save(Path("base"))
    rows = [row | {"user": row["user"] + 2 * twice} for row in ROWS for twice in (0, 1)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    placed = MODELS[model].replace("context_length: 32", f"context_length: 32, device: {device}")
    placed = placed.replace("source: base", f"source: base, device: {device}").replace("HEAD", head)
    settings = FIT.replace("MODEL", placed).replace("reward_model", recipe).replace("batch_size: 12", "batch_size: 24")
    Path("fit.yaml").write_text(settings.replace("steps: 60", "steps: 150") + "run: everybody\n")
    assert main(["fit", "fit.yaml", "--json"]) == 0, capsys.readouterr().err
    said = json.loads(capsys.readouterr().out)["stages"]["fit"]["after"]
    assert math.isfinite(said["loss"])
    if recipe != "mixture_reward_model":  # who judged is not in the prompts, so a mixture can predict nothing
        assert said["rewards/accuracies"] > 0.85  # the last steps' mean; a head that does not know who judged has one half


@pytest.mark.parametrize(("model", "recipe", "head"), CASES, ids=[f"{model}-{recipe}" for model, recipe, _ in CASES])
def test_people_of_several_kinds_are_told_apart_from_files(model, recipe, head, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    everybody_is_fitted(model, recipe, head, "cpu", capsys)
    if recipe == "mixture_reward_model":
        return
    Path("new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in NEW))
    trained = MODELS[model].replace("HEAD", head)[:-1] + ", trained: everybody/model, new_users: 1}"
    if model == "headed":
        trained = trained.replace(
            "{part: small_language_model, characters: 'abcd>', layers: 1, hidden: 16, heads: 2, context_length: 32}", "everybody/model"
        )
    Path("new.yaml").write_text(
        FIT.replace("MODEL", trained).replace("rows.jsonl", "new.jsonl").replace("reward_model", recipe) + "run: somebody\n"
    )
    assert main(["fit", "new.yaml", "--json"]) == 0, capsys.readouterr().err
    part = {"clustered_reward_model": ClusteredUsers(1), "latent_reward_model": LatentUser(1, latent=2, samples=2)}[recipe]
    source = LanguageModel("somebody/model", device="cpu") if model == "headed" else HiddenState("base", 1, device="cpu")
    somebody = (Headed if model == "headed" else Embedded)(source, part, "somebody/model").build()
    a, b = somebody.score(["ab>", "ab>"], ["aaa", "bbb"], user=[0, 0])
    assert b > a, "two comparisons said so, and nothing was trained"


def test_a_stage_rewards_for_whom_the_row_is():
    model = Headed(body(), RewardFeatures(2, 3)).build(0)
    prompts, completions = ["ab>"] * 2, ["aaa"] * 2
    first, second = stage_reward(model)(prompts, completions, user=[0, 1], answer=["a", "b"])
    assert [first, second] == pytest.approx(model.score(prompts, completions, user=[0, 1])) and first != second
    plain = Headed(body(), Scalar()).build(0)
    assert stage_reward(plain)(prompts, completions, user=[0, 1]) == pytest.approx(plain.score(prompts, completions))


def test_an_encoder_alone_is_no_model(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    body().build(0).save(Path("base"))
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    Path("fit.yaml").write_text(FIT.replace("MODEL", "{part: hidden_state, source: base, layers: 1}"))
    assert main(["fit", "fit.yaml"]) != 0
    assert "put a head on it" in capsys.readouterr().err


def test_what_heads_say_is_no_row_of_steps():
    class Both:
        measures, module = frozenset({"head_score", "logp"}), torch.nn.Module()

        def measure(self, sequences, names):
            rows, width = sequences.actions.shape
            return {"head_score": sequences.actions[:, :1].double() * torch.arange(1.0, 8.0), "logp": torch.ones(rows, width)}

    sides = [Side((0,), (item,) * n, (True,) * n) for item, n in ((1, 3), (2, 1), (3, 2))]
    batch = collate([Example({"": side}) for side in sides])
    got = measured(Both(), batch.sides[""], {"head_score", "logp"}, budget=3)
    assert torch.equal(got["head_score"], torch.tensor([1.0, 2.0, 3.0]).double().unsqueeze(-1) * torch.arange(1.0, 8.0))
    assert got["logp"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
