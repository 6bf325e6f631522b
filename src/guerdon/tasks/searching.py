"""Searching: an index of texts by BM25.

    score(query, text) = sum over words w of the query of  idf(w) * f / (f + k1 (1 - b + b |text| / mean length)),     idf(w) = log(1 + (n - n_w + 0.5) / (n_w + 0.5))

f is how often w is in the text, n how many texts there are, n_w in how many w is. Words are what letters and digits make, in lower case. Texts with one score come in their own
order, those without any of the words not at all.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, with the idf and without the constant k1 + 1 of Lucene (k1 = 1.2, b = 0.75 are
Lucene's). Ours, on a sparse matrix of scipy: packages leave open in which order texts of one score come, on which a run that is to be repeated depends.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class Index:
    """An index of ``texts``, which can be asked from several threads."""

    def __init__(self, texts: Sequence[str], k1: float = 1.2, b: float = 0.75) -> None:
        from scipy.sparse import csr_matrix

        counted = [Counter(words(text)) for text in texts]
        self._places = {word: i for i, word in enumerate(sorted(set().union(*counted)))}
        lengths = np.array([sum(count.values()) for count in counted], dtype=float)
        rows = [self._places[word] for count in counted for word in count]
        columns = [i for i, count in enumerate(counted) for _ in count]
        often = np.array([times for count in counted for times in count.values()], dtype=float)
        known = np.bincount(rows, minlength=len(self._places)) if rows else np.zeros(0)
        idf = np.log(1 + (len(texts) - known + 0.5) / (known + 0.5))
        norm = k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9)) if len(texts) else lengths
        weights = idf[rows] * often / (often + norm[columns]) if rows else often
        self._scores = csr_matrix((weights, (rows, columns)), shape=(len(self._places), len(texts)))

    def best(self, query: str, most: int) -> list[tuple[int, float]]:
        """The places of the ``most`` best texts with their scores, the best first."""
        asked = [self._places[word] for word in words(query) if word in self._places]
        if not asked:
            return []
        scores = np.asarray(self._scores[asked].sum(axis=0)).ravel()
        order = np.argsort(-scores, kind="stable")[:most]
        return [(int(i), float(scores[i])) for i in order if scores[i] > 0]
