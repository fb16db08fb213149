"""Nodes of py_trees, exact, under the prefix ``pt.``, and the adapter for any py_trees class."""
