"""Takes and songs as projects for other DAWs: pure builders, one file a format, and one that writes."""

from clip_store.exports.arrange import song_project, take_project
from clip_store.exports.formats import Format
from clip_store.exports.project import Project
from clip_store.exports.write import Written, write_export

__all__ = ["Format", "Project", "Written", "song_project", "take_project", "write_export"]
