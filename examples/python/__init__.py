"""Programs that ask the bridge for takes, without any of its code: with python-osc, and with websockets."""
