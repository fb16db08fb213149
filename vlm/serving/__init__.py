"""A server for any backend: typed decisions (``/v1/systemone``, ``/v1/decisions``) and chat completions with pictures."""
