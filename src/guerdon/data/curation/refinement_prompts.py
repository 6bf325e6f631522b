"""Refinement prompts: the most promising answers are asked for anew, with what was said of them.

    of a row's completions with score < below, the ``most`` with the highest scores  →  {prompt: asks(prompt, completion, critique), refines, refined, score_refined, ...}

``refines`` is the row's prompt and ``refined`` the completion, so that what comes of the new prompt can stand beside the others. A row may hold ``critiques``, one for each
completion; without them ``{critique}`` is empty. ``below`` None: all may be refined; where scores are verdicts, 0.5 leaves those that are wrong. Completions that were not
scored (None, NaN) take no part; of equal scores the first counts.

Source: RLRF, Lee et al. 2024, arXiv 2403.14238 (promising answers are refined by what the feedback says of them); SPARK, arXiv 2509.22624, and its authors' code
(InternLM/Spark: wrong answers are given back, and what is asked for is the task's answer), which takes any wrong one. The wording is ours.
Differs from RejectionSampling: what is kept is not learned from but improved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.data.curation.verdict_prompts import asked
from guerdon.errors import InputError
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class RefinementPrompts:
    most: int = 1
    below: float | None = None
    asks: str = "Question: {prompt}\nAnswer: {completion}\n{critique}\nGive a better answer.\n"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [made for row in rows for made in self._of(row)]

    def _of(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        completions, scores = row["completions"], row["scores"]
        critiques = row.get("critiques") or [""] * len(completions)
        if len(critiques) != len(completions):
            raise InputError(f"a row has {len(completions)} completions and {len(critiques)} critiques; give one critique per completion")
        scored = candidates(row)  # which knows what a score may be
        told = [critique for critique, score in zip(critiques, scores, strict=True) if score is not None and score == score]
        open_to = [(s, c, t) for (s, c), t in zip(scored, told, strict=True) if self.below is None or not reaches(s, self.below)]
        left = {name: value for name, value in rest(row).items() if name not in ("prompt", "critiques")}
        return [
            {
                **left,
                "prompt": asked(row["prompt"], self.asks, {"completion": completion, "critique": critique}),
                "refines": row["prompt"],
                "refined": completion,
                "score_refined": score,
            }
            for score, completion, critique in sorted(open_to, key=lambda one: -one[0])[: self.most]
        ]


_rows = [
    {"prompt": "p", "completions": ["a", "b", "c"], "scores": [0.25, None, 0.75], "critiques": ["long", "", "odd"], "answer": 5},
    {"prompt": "q", "completions": ["d"], "scores": [1.0]},
]
_asks = "{prompt}:{completion}({critique})"
_pa, _pc = (
    {"prompt": f"p:{said}({told})", "refines": "p", "refined": said, "score_refined": score, "answer": 5}
    for said, told, score in (("a", "long", 0.25), ("c", "odd", 0.75))
)
_qd = {"prompt": "q:d()", "refines": "q", "refined": "d", "score_refined": 1.0}
witness = (
    Witness(RefinementPrompts(asks=_asks), parent=RejectionSampling(), given={"rows": _rows}, returns=[_pc, _qd]),
    Witness(RefinementPrompts(most=2, asks=_asks), parent=RefinementPrompts(asks=_asks), given={"rows": _rows}, returns=[_pc, _pa, _qd]),
    Witness(RefinementPrompts(below=0.5, asks=_asks), parent=RefinementPrompts(asks=_asks), given={"rows": _rows}, returns=[_pa]),
)
