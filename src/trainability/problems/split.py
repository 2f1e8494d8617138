"""Who is held out, and who is in a subset: random, and by class where there are classes."""

from __future__ import annotations

import numpy as np

from trainability.core.errors import DataError
from trainability.problems.problem import several


def subset(y: np.ndarray, classes: int, count: int, r: np.random.Generator) -> np.ndarray:
    """Indices of `count` samples drawn without replacement, in proportion to the classes of labels `y`."""
    if not classes:
        return r.permutation(len(y))[:count]
    total = np.bincount(y, minlength=classes)
    return _draw(y, _shares(total, total, count), r)[0]


def split(
    y: np.ndarray, classes: tuple[str, ...], fraction: float, r: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Indices of the training samples and of those held out, and notes.

    Both parts hold every class of labels `y` that has two samples; a class of one is in training only. So
    more than `fraction` is held out when that is fewer than one sample for each class. DataError when there
    are too few samples to hold any out.
    """
    wanted = max(1, round(fraction * len(y)))
    if not classes:
        wanted = max(2, wanted)  # R² of a single sample has no meaning
        if len(y) - wanted < 2:
            raise DataError(
                f"{len(y)} samples are too few to hold {fraction:g} of them out: 2 must be held out and 2 "
                "left; use 0 as the validation fraction, or more samples"
            )
        order = r.permutation(len(y))
        return order[wanted:], order[:wanted], ()
    total = np.bincount(y, minlength=len(classes))
    able = total - 1  # one sample of each class stays
    held = min(max(wanted, int((able > 0).sum())), int(able.sum()))
    if held == 0:
        raise DataError(
            f"no class has two samples, so none of the {len(y)} can be held out; use 0 as the validation "
            "fraction, or more samples"
        )
    held_indices, rest = _draw(y, _shares(total, able, held), r)
    notes = []
    if held != wanted:
        notes.append(f"{held} of {len(y)} samples are held out, not {wanted}, so that each part has every class it can")
    if single := [name for name, able_of_class in zip(classes, able, strict=True) if able_of_class == 0]:
        notes.append(f"only one sample has class {several(single)}: it is in the training part")
    return rest, held_indices, tuple(notes)


def _shares(total: np.ndarray, most: np.ndarray, count: int) -> np.ndarray:
    """`count` dealt to classes in proportion to `total`, from one to `most` each (largest remainder)."""
    wanted = count * total / total.sum()
    shares = np.clip(np.floor(wanted).astype(np.int64), np.minimum(1, most), most)
    while (missing := count - int(shares.sum())) != 0:
        # The class furthest from its share gives or takes one; at most as often as there are classes, or so.
        room = shares < most if missing > 0 else shares > np.minimum(1, most)
        gap = np.where(room, (wanted - shares) * np.sign(missing), -np.inf)
        shares[gap.argmax()] += np.sign(missing)
    return shares


def _draw(y: np.ndarray, shares: np.ndarray, r: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled indices of `shares[c]` samples of each class c, and shuffled indices of the others."""
    order = r.permutation(len(y))
    taken = np.zeros(len(y), dtype=bool)
    for label, share in enumerate(shares):
        taken[order[y[order] == label][:share]] = True
    mask = taken[order]
    return order[mask], order[~mask]
