"""What can be known of a tree before the first tick: entries, types, reach, limbs, costs."""
