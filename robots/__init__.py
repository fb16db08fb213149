"""What a robot offers a tree: state, cameras, motion; frames, kinematics and drivers. Metres and radians only."""
