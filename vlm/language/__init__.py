"""What is asked about pictures and told to robots: words to meaning, meaning to words, and meaning to truth."""
