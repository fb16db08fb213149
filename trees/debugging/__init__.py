"""Debugging a run while it goes on: pause, step, breakpoints, values and results from outside."""
