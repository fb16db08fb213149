"""What a tree never does: rules in a file, enforced while it runs, and searched for counterexamples before."""
