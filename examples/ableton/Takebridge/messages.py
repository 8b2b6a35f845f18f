"""Error messages a producer can act on. Live's status line is one line: the sentence comes first."""


class Refused(Exception):
    """A request that cannot be carried out. sentence: what is wrong; remedy: what to do about it."""

    def __init__(self, sentence, remedy=""):
        Exception.__init__(self, (f"{sentence} {remedy}").strip())
        self.sentence = sentence
        self.remedy = remedy


START_THE_SERVER = (
    "Start it in a terminal: takebridge serve --root FOLDER (the folder with your sets and samples)."
)
