"""Reward-conditioned pairs: every pair twice, asked once for an answer as good as the better one and once for one as bad as the worse one.

    asked for g = score_chosen:    chosen before rejected, as it was
    asked for g = score_rejected:  rejected before chosen        two rows per pair, with the goal g in the prompt and in the column ``goal``

Of the two answers the one is preferred whose score is the closer to the goal. So an answer of high quality that lost to a better one is not unlearned where its own
quality is asked for, and a policy asked for the highest score has learned from answers of all scores. Ask for it at the end.

``goal`` says it: a text with the place of the score, put before a prompt that is a text; in a conversation it is, or is put before, the system's message. ``pairs`` makes
the pairs of scored rows (BestWorstPairs); None: the rows are pairs already, with ``score_chosen`` and ``score_rejected``. Pairs of equal scores are left out: their two
rows would contradict each other.

Source: Reward-Augmented Data, arXiv 2410.08067, section 4, and its authors' code (shenao-zhang/reward-augmented-preference), which puts the goal into the system's
message and keeps ties. The wording of ``goal`` is ours.
Differs from BestWorstPairs: reads how good both are, not only which is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation import Curation
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.tasks.encoding import is_conversational
from guerdon.witness import Witness

NEEDED = ("prompt", "chosen", "rejected", "score_chosen", "score_rejected")


@dataclass(frozen=True)
class RewardConditionedPairs:
    goal: str = "Give an answer of quality {score:g}.\n"
    pairs: Curation | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        out = []
        for at, row in enumerate(rows if self.pairs is None else self.pairs(rows)):
            missing = [name for name in NEEDED if name not in row]
            if missing:
                raise InputError(
                    f"row {at} has no {', '.join(missing)}; give pairs with both scores, or say with ``pairs`` how scored rows become pairs"
                )
            if row["score_chosen"] != row["score_rejected"]:
                turned = {**row, **{f"{name}{one}": row[f"{name}{other}"] for name in ("", "score_") for one, other in _TURNS}}
                out += [self._asked(row), self._asked(turned)]
        return out

    def _asked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, "prompt": self.ask(row["prompt"], row["score_chosen"]), "goal": float(row["score_chosen"])}

    def ask(self, prompt: Any, score: float) -> Any:
        """The prompt that asks for an answer of this score."""
        said = self.goal.format(score=score)
        if not is_conversational(prompt):
            return said + prompt
        if prompt[0]["role"] == "system":
            return [{**prompt[0], "content": said + prompt[0]["content"]}, *prompt[1:]]
        return [{"role": "system", "content": said.strip()}, *prompt]


_TURNS = (("chosen", "rejected"), ("rejected", "chosen"))
_scored = [
    {"prompt": "p", "completions": ["a", "b"], "scores": [1.0, 2.5], "id": 7},
    {"prompt": "q", "completions": ["a", "b"], "scores": [2.0, 2.0]},
]
_rows = BestWorstPairs()(_scored)
_short = {"goal": "{score:.1f}|"}
_ab = {"prompt": "2.5|p", "chosen": "b", "rejected": "a", "score_chosen": 2.5, "score_rejected": 1.0, "goal": 2.5, "id": 7}
_ba = {"prompt": "1.0|p", "chosen": "a", "rejected": "b", "score_chosen": 1.0, "score_rejected": 2.5, "goal": 1.0, "id": 7}
_user = {"role": "user", "content": "p"}
_talk = [{**_rows[0], "prompt": [_user]}, {**_rows[0], "prompt": [{"role": "system", "content": "Be brief."}, _user]}]
_asked = [[{"role": "system", "content": f"{g}|"}, _user] for g in ("2.5", "1.0")] + [
    [{"role": "system", "content": f"{g}|Be brief."}, _user] for g in ("2.5", "1.0")
]
witness = (
    Witness(RewardConditionedPairs(**_short, pairs=BestWorstPairs()), parent=BestWorstPairs(), given={"rows": _scored}, returns=[_ab, _ba]),
    Witness(
        RewardConditionedPairs(**_short),
        parent=RewardConditionedPairs(),
        given={"rows": _talk},
        returns=[{**base, "prompt": prompt} for base, prompt in zip((_ab, _ba, _ab, _ba), _asked, strict=True)],
    ),
    Witness(
        RewardConditionedPairs(),
        parent=RewardConditionedPairs(**_short),
        given={"rows": _rows},
        returns=[{**_ab, "prompt": "Give an answer of quality 2.5.\np"}, {**_ba, "prompt": "Give an answer of quality 1.\np"}],
    ),
)
