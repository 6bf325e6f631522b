"""Largest cluster: of several answers to a prompt one that most of them say is preferred to one that few say.

    {prompt, completions, clusters} -> {prompt, chosen: of the largest cluster, rejected: of another}        if the largest has a share of at least ``confidence``

``clusters`` says of each completion which others say the same: the same number, the same final answer, a neighbourhood of embeddings. Nobody judges:
that many agree is taken for a sign of being right, which holds where errors differ more than truths do. One pair for a row, both sides drawn by
``seed``; of a tie for the largest, or without another cluster, none.

Source: reward learning on policy, Lang et al. 2024, arXiv 2403.19279: its synthetic preferences by clusters of the policy's outputs; abstract and
summaries were read. ``confidence`` 0.5: ours.
Differs from BestWorstPairs: no completion has a score.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class LargestCluster:
    confidence: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise InputError(f"largest_cluster.confidence is {self.confidence}, a share of a prompt's answers; give a number from 0 to 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = []
        for place, row in enumerate(rows):
            said, clusters = row["completions"], row["clusters"]
            if len(said) != len(clusters):
                raise InputError(f"row {place} has {len(said)} completions and {len(clusters)} clusters; give the cluster of each")
            sizes = Counter(clusters).most_common()
            if len(sizes) < 2 or sizes[0][1] == sizes[1][1] or sizes[0][1] < self.confidence * len(said):
                continue
            draw = random.Random(derive(self.seed, "largest cluster", place))
            many = [one for one, cluster in zip(said, clusters, strict=True) if cluster == sizes[0][0]]
            few = [one for one, cluster in zip(said, clusters, strict=True) if cluster != sizes[0][0]]
            kept = {name: value for name, value in row.items() if name not in ("completions", "clusters", "scores")}
            pairs.append({**kept, "chosen": draw.choice(many), "rejected": draw.choice(few)})
        return pairs


witness = Witness(
    LargestCluster(),
    parent=BestWorstPairs(),
    given={
        "rows": [
            {"prompt": "p", "completions": ["4", "4", "5"], "clusters": [0, 0, 1], "scores": [0.0, 0.0, 1.0]},
            {"prompt": "q", "completions": ["4", "5"], "clusters": [0, 1], "scores": [0.0, 1.0]},
        ]
    },
    returns=[{"prompt": "p", "chosen": "4", "rejected": "5"}],
)
