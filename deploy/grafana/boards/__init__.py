"""The dashboards as code: what Grafana shows of the relay and of the service that people get."""
