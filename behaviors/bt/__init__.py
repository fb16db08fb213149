"""Nodes of BehaviorTree.CPP 4, exact, under the prefix ``bt.``."""
