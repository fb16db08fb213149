"""What the broker is made of: limits, a breaker, the backends of a chain, who waits, what it cost, what changed."""
