"""Trees tested like code: cases in YAML, time that never sleeps, explained failures, coverage, a pytest plugin."""
