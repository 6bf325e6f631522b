"""Policy discrimination: of answers of several policies, another one of the policy that the reference came from is to be preferred to one
of another policy.

    prompt = prompt + reference + separator + prompt,   chosen: the same policy's next answer,   rejected: an answer of the next policy        rows

A row has ``completions`` and ``policies``, who wrote each. Each answer of a policy that has at least two is a reference once; the chosen
one is that policy's next, in a circle, the rejected one the next answer, in a circle, that is another policy's. Nobody says what is good:
what is learned is to tell policies apart.

Source: POLAR, Dou et al. 2025, arXiv 2507.05197, section 3.3, eq. 7, and section 4.1 for how the three are put together (theirs is a token
of its own, ``<|split_token|>``; a line here). Which answers meet is chance there; here a rule, so that rows are the same each time.
Differs from BestWorstPairs: no scores are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class PolicyDiscrimination:
    separator: str = "\n\n"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        made = []
        for row in rows:
            said, who = row["completions"], row.get("policies") or ()
            if len(said) != len(who):
                raise InputError(
                    f"policy_discrimination: a row has {len(said)} completions and {len(who)} policies; name in policies who wrote each of them"
                )
            kept = {name: value for name, value in row.items() if name not in ("completions", "policies", "scores")}
            for i, own in enumerate(who):
                after = [(i + step) % len(who) for step in range(1, len(who))]
                same = next((j for j in after if who[j] == own), None)
                other = next((j for j in after if who[j] != own), None)
                if same is not None and other is not None:
                    asked = f"{row['prompt']}{said[i]}{self.separator}{row['prompt']}"
                    made.append({**kept, "prompt": asked, "chosen": said[same], "rejected": said[other]})
        return made


_rows = [
    {"prompt": "p>", "completions": ["a", "b", "c"], "policies": ["x", "y", "x"], "scores": [1.0, 0.0, 0.0]},
    {"prompt": "q>", "completions": ["a", "b"], "policies": ["x", "y"], "scores": [0.0, 0.0]},
]
witness = (
    Witness(
        PolicyDiscrimination("|"),
        parent=BestWorstPairs(),
        given={"rows": _rows},
        returns=[{"prompt": "p>a|p>", "chosen": "c", "rejected": "b"}, {"prompt": "p>c|p>", "chosen": "a", "rejected": "b"}],
    ),
    Witness(
        PolicyDiscrimination(),
        parent=PolicyDiscrimination("|"),
        given={"rows": _rows},
        returns=[{"prompt": "p>a\n\np>", "chosen": "c", "rejected": "b"}, {"prompt": "p>c\n\np>", "chosen": "a", "rejected": "b"}],
    ),
)
