"""Trees that grow below a node while the run goes on."""
