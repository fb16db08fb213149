"""Seeds, intervals, and an evaluation as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.app.running.evaluate import SeedsError, parse_seeds, wilson


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", (3,)), ("0-3", (0, 1, 2, 3)), ("7,1,2-3", (7, 1, 2, 3)), ("1-2,2-3", (1, 2, 3)), (" 4 , 5 ", (4, 5))],
)
def test_ranges_of_seeds_are_read_in_order_each_once(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no range of seeds\n  fix:  write it as 0-19, or 1,4,7"),
        ("a-b", "'a-b' is no range of seeds\n  fix:  write it as 0-19, or 1,4,7"),
        ("-1", "'-1' is no range of seeds\n  fix:  write it as 0-19, or 1,4,7"),
        ("1,,2", "'1,,2' is no range of seeds\n  fix:  write it as 0-19, or 1,4,7"),
        ("9-3", "the range 9-3 runs backwards\n  fix:  write 3-9"),
        ("100000", "seed 100000 is too large\n  why:  larger seeds train models\n  fix:  stay below 100000"),
    ],
)
def test_a_bad_range_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(SeedsError) as caught:
        parse_seeds(text)
    assert str(caught.value) == message


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    successes, trials = counts
    low, high = wilson(successes, trials)
    assert 0.0 <= low <= successes / trials <= high <= 1.0
    mirrored = wilson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_nothing_measured_means_nothing_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
