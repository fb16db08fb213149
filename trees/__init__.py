"""From YAML text to a ticking tree and its trace. Trees know neither pixels nor metres."""
