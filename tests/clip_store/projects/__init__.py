"""Projects that came from DAWs."""
