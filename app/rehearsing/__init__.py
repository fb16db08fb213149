"""Plans are tried in a copy of the simulated world before they are carried out."""
