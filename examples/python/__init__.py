"""Programs that request takes, without any of Takebridge's own code: with python-osc, and with websockets."""
