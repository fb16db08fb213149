"""Words in pictures: finding them, taking them out, and telling whether an answer hangs on them."""
