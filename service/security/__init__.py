"""Protection at the edge of HTTP: cookies, tokens, forged requests, rate limits and response headers."""
