"""The HTTP front: calls for clients that speak HTTP. aiohttp is imported here alone, and only where
HTTP_URI is set."""
