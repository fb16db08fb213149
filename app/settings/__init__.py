"""What ``knothole.toml`` and the command line say, read and checked."""
