"""Which models a policy is compared with by the names that are asked for: ``ref_kl`` is the KL to whatever is bound to ``ref``."""

from collections.abc import Callable, Mapping, Set

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.quantities import Name


def compared_with(names: Set[str], compares: Set[str], views: Mapping[str, Model], fits: Callable[[Model], bool]) -> dict[str, Model]:
    """The views that names of quantities in ``compares`` have; ``fits`` says of a model whether it can be compared with.

    Raises:
        InputError: a name has no view, or one that is not bound, or that is bound to something that does not fit.
    """
    wanted = {text: name for text, name in ((text, Name.parse(text)) for text in sorted(names)) if name.quantity in compares}
    for text, name in wanted.items():
        does = f"{text} compares the policy with"
        if not name.view:
            raise InputError(f"{does} another model; say with which ({', '.join(f'{view}_{text}' for view in views) or f'ref_{text}'})")
        if name.view not in views:
            raise InputError(f"{does} the view {name.view!r}, and no model is bound to it (bound: {', '.join(views) or 'none'})")
        if not fits(views[name.view]):
            kind = type(views[name.view]).__name__
            raise InputError(
                f"{does} the view {name.view!r}, and a {kind} has no next-step distribution like the policy's; bind a policy of its kind"
            )
    return {name.view: views[name.view] for name in wanted.values()}
