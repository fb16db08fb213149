"""The blackboard of one run: cells, versions, writers, aliases."""

from __future__ import annotations

import pytest

from knothole.behaviors.blackboard import UNSET, Blackboard, Cell, UnsetError


def test_a_cell_counts_writes_and_knows_its_writer() -> None:
    cell = Cell("cup")
    assert (cell.value, cell.version) == (UNSET, 0)
    cell.set(1, "tidy/set")
    cell.set(1, "tidy/ground")
    assert (cell.get(), cell.version, cell.writer) == (1, 2, "tidy/ground")


def test_reading_before_writing_names_the_entry_without_its_scope() -> None:
    board = Blackboard()
    with pytest.raises(UnsetError, match=r"^\$cup is read before it is set$"):
        board.cell("tidy/use/cup").get()
    with pytest.raises(UnsetError, match=r"^\$gone is read before it is set$"):
        board["gone"]


def test_a_cleared_cell_is_unset_and_none_is_a_value() -> None:
    board = Blackboard()
    board["cup"] = None
    assert "cup" in board
    assert board["cup"] is None
    board.cell("cup").clear()
    assert "cup" not in board


def test_a_cell_is_made_once_and_learns_its_type() -> None:
    board = Blackboard()
    cell = board.cell("n")
    assert board.cell("n", "number") is cell
    assert cell.type == "number"
    assert board.cell("n", "text").type == "number"


def test_an_alias_is_the_same_cell_and_counted_once() -> None:
    board = Blackboard()
    cell = board.cell("outer")
    board.alias("use/inner", cell)
    board["use/inner"] = 5
    assert board["outer"] == 5
    assert board.cell("use/inner") is cell
    assert len(board) == 1
    assert [each.name for each in board] == ["outer"]
    with pytest.raises(ValueError, match="the blackboard entry 'outer' exists already"):
        board.alias("outer", Cell("other"))


def test_each_write_is_reported_also_when_the_value_is_the_same() -> None:
    heard: list[tuple[str, object]] = []
    board = Blackboard()
    board.listeners.append(lambda cell: heard.append((cell.name, cell.value)))
    cell = board.cell("a")
    board.alias("b", cell)
    cell.set(1)
    board["b"] = 1
    cell.clear()
    assert heard == [("a", 1), ("a", 1), ("a", UNSET)]


def test_two_blackboards_share_nothing() -> None:
    first, second = Blackboard(), Blackboard()
    first["a"] = 1
    assert "a" not in second


def test_a_scope_can_share_the_names_of_an_outer_one_but_for_private_and_own_ones() -> None:
    board = Blackboard()
    board["x"] = 1
    board.share("inner", "")
    board.share("inner/deep", "inner")
    mine = board.own("inner/mine")
    assert board["inner/deep/x"] == 1
    assert board.cell("inner/deep/x") is board.cell("x")
    assert "inner/deep/gone" not in board
    board.cell("inner/deep/_private").set(2)
    board.cell("inner/deep/mine").set(3)
    assert mine.get() == 3
    assert "mine" not in board
    assert {cell.name for cell in board} >= {"x", "inner/mine", "inner/deep/_private"}
