"""The debugger in the browser: traces and running trees as one page that is served on this machine alone."""
