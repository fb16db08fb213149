"""What is done with models: ask, measure, probe, serve, train; and the truth of the simulator, as one of them."""
