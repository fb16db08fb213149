"""Trees tested like code: cases, coverage, reports, the pytest plugin."""
