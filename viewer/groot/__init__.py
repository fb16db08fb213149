"""The protocol by which Groot2 and other monitors of BehaviorTree.CPP watch a run; see `docs/groot2.md`."""
