"""What backends that speak to a server have in common: the wire and its deadline, keys, pictures, prompts, reading."""
