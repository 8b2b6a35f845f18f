"""Projects that came from DAWs, DAWproject so far: what a track plays in a region, and the same project with takes.

What of a project cannot be read exactly is refused by name; what is read or not needed stays as it was, byte for byte.
"""
