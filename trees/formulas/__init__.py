"""Expressions over the blackboard and the scripts of BehaviorTree.CPP: text in, bounded functions out."""
