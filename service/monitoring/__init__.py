"""How operators see what the service does: metrics for Prometheus and log lines for collectors."""
