"""Makes the Grafana dashboards from Python, with Grafana's own SDK: ``python -m grafana.make [--check]``."""
