"""A process's metrics and health over HTTP, for Prometheus and whoever supervises it."""
