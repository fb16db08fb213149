"""Wordings of questions that compare two pictures of one camera: what is in the last one that was not in the first?

They stand beside those of ``phrases``, with the same slots: {a} "the red cube", {an} "a red cube".
"""

from __future__ import annotations

COMPARED: dict[str, tuple[str, ...]] = {
    "moved": (
        "Did {a} move?",
        "Has {a} moved?",
        "Has {a} been moved?",
        "Did {a} move between the two images?",
        "Is {a} in another place?",
        "Is {a} in another place in the second image?",
        "Was {a} moved?",
    ),
    "stayed": (
        "Is {a} where it was?",
        "Is {a} where it was before?",
        "Is {a} in the same place?",
        "Is {a} still in the same place?",
        "Is {a} in the same place in both images?",
        "Did {a} stay in place?",
    ),
    "disappeared": (
        "Did {a} disappear?",
        "Has {a} disappeared?",
        "Is {a} gone?",
        "Was {a} taken away?",
        "Has {a} been taken away?",
        "Is {a} missing in the second image?",
    ),
    "appeared": (
        "Did {an} appear?",
        "Has {an} appeared?",
        "Was {an} added?",
        "Has {an} been added?",
        "Is {an} new in the second image?",
    ),
    "any_moved": (
        "Did anything move?",
        "Has anything moved?",
        "Did something move?",
        "Did any object move?",
        "Did anything move between the two images?",
        "Was anything moved?",
        "Has anything been moved?",
    ),
    "any_disappeared": (
        "Did something disappear?",
        "Did anything disappear?",
        "Is something missing?",
        "Is anything missing in the second image?",
        "Was anything taken away?",
        "Has anything been taken away?",
    ),
    "any_appeared": (
        "Did something appear?",
        "Did anything appear?",
        "Is something new there?",
        "Is there something new?",
        "Is there something new in the second image?",
        "Was anything added?",
        "Has anything been added?",
    ),
    "same": (
        "Are the things arranged the same in both images?",
        "Is the arrangement the same?",
        "Is the arrangement the same in both images?",
        "Are all objects in the same place in both images?",
        "Is everything where it was?",
        "Is everything where it was before?",
        "Is everything in the same place?",
        "Is everything still in the same place?",
    ),
}
"""Wordings of each question about two pictures, the usual one first."""

COMPARISONS = tuple(COMPARED)
"""Predicates of questions about two pictures; all of them are answered with yes or no."""

COMPARED_ALONE = frozenset({"any_moved", "any_disappeared", "any_appeared", "same"})
"""Those that name no object."""
