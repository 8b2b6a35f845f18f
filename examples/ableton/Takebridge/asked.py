"""What was asked of the server, while it renders."""


class Asked:
    """One request: the selection, and the sender (an OSC address, or None for a pad)."""

    def __init__(self, task, selected, set_path, sender):
        self.task = task
        self.selected = selected
        self.set_path = set_path
        self.sender = sender
        self.takes = []
        self.notes = list(selected.notes)
        self.shown = 0.0
