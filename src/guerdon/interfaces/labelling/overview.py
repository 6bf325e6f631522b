"""Overview: how far the labelling is, what annotators agree on, and where they differ. For who owns the rows; annotators do not see it."""

from collections.abc import Mapping
from typing import Any

from guerdon.interfaces.labelling.agreement import alphas, disputes, figures
from guerdon.interfaces.labelling.kinds import Answer, Kind, described
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.reading import Item, plain

SHOWN = 200  # disputes, notes and reasons that are listed


def overview(kind: Kind, items: Mapping[str, Item], gold: Mapping[str, tuple[Item, Answer]], ledger: Ledger) -> dict[str, Any]:
    """Everything that is shown, as plain values."""
    differ = disputes(kind, items, ledger)
    given = {name: ledger.labels.get(name, {}) for name in items}
    return {
        "kind": described(kind)["kind"],
        "items": len(items),
        "labelled": sum(bool(own) for own in given.values()),
        "labels": sum(map(len, given.values())),
        "shared": sum(len(own) > 1 for own in given.values()),
        "alpha": alphas(kind, items, ledger),
        "annotators": figures(kind, items, gold, ledger),
        "differ": len(differ),
        "disputes": [
            {
                "row": int(name),
                "about": _excerpt(items[name]),
                "apart": apart,
                "answers": {who: kind.said(entry.answer) for who, entry in given[name].items()},
            }
            for name, apart in differ[:SHOWN]
        ],
        "remarks": _remarks(ledger),
    }


def _excerpt(item: Item) -> str:
    said = " ".join(
        (plain(item.prompt) if item.prompt is not None else plain(item.answers[0]) if item.answers else " ".join(item.parts)).split()
    )
    return said if len(said) <= 140 else f"{said[:137]}..."


def _remarks(ledger: Ledger) -> list[dict[str, Any]]:
    """Notes, and why something was skipped; the newest first."""
    said = [e for own in ledger.done.values() for e in own if e.note or e.what == "skip"]
    return [{"annotator": e.annotator, "item": e.item, "what": e.what, "note": e.note} for e in sorted(said, key=lambda e: -e.id)[:SHOWN]]
