"""The composition root: settings, wiring, signals, logs, systemd."""
