"""Ledger: entries, one after the other → what stands."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from guerdon.interfaces.labelling.store import Entry


@dataclass
class Ledger:
    """What stands.

    Attributes:
        labels: item → annotator → the label that stands.
        skipped: item → annotator → the skip that stands.
        done: annotator → labels and skips that stand, the oldest first: what an undo goes back along.
        undone: annotator → how many entries were undone.
        drafts: (annotator, item) → the entry that was undone last, until the item is done again.
        keys: (annotator, key) of every entry.
        count: of entries.
    """

    labels: dict[str, dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))
    skipped: dict[str, dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))
    done: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    undone: Counter[str] = field(default_factory=Counter)
    drafts: dict[tuple[str, str], Entry] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    count: int = 0

    def add(self, entry: Entry) -> None:
        self.count += 1
        if entry.key:
            self.keys.add((entry.annotator, entry.key))
        own = self.done[entry.annotator]
        if entry.what == "undo":
            before = own.pop()
            if before.id != entry.undoes:
                raise ValueError(f"entry {entry.id} undoes {entry.undoes}, and the last that stands is {before.id}")
            (self.labels if before.what == "label" else self.skipped)[before.item].pop(entry.annotator)
            self.undone[entry.annotator] += 1
            self.drafts[entry.annotator, entry.item] = before
            return
        own.append(entry)
        (self.labels if entry.what == "label" else self.skipped)[entry.item][entry.annotator] = entry
        self.drafts.pop((entry.annotator, entry.item), None)

    def has_done(self, annotator: str, item: str) -> bool:
        """Whether it is labelled or skipped by them."""
        return annotator in self.labels.get(item, ()) or annotator in self.skipped.get(item, ())

    def annotators(self) -> list[str]:
        """In the order in which they began."""
        return list(self.done)
