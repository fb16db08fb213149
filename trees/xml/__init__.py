"""BehaviorTree.CPP v4 XML in and out."""
