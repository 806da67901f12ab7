"""The HTTP API: thin endpoints that read the request, call a feature inside one transaction and shape the answer."""
