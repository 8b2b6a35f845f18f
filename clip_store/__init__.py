"""Immutable audio, takes, the splice and its measurements, Broadcast WAV files.

`splice` is imported from the file of its name: exported here, the function would hide the module.
"""

from clip_store.audio.audio import Audio, Encoding, Quantised, quantise
from clip_store.audio.audio_file import AudioInfo, probe_audio, read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext, read_bext, read_recipe
from clip_store.blobs import BlobStore
from clip_store.errors import AudioFileError, ClipStoreError, SpliceError, StoreError, TakeError
from clip_store.index import Place, TakeIndex, place_of
from clip_store.measure.alignment import Alignment, measure
from clip_store.measure.drift import OnsetDrift
from clip_store.measure.gain_match import GainMatch, Limit, Target, match_gain
from clip_store.measure.seams import Seam, Step
from clip_store.splice import Fade, Spliced, stretch, with_clip
from clip_store.store import ClipStore
from clip_store.take import MIX, Attachment, Take

__all__ = [
    "MIX",
    "Alignment",
    "Attachment",
    "Audio",
    "AudioFileError",
    "AudioInfo",
    "Bext",
    "BlobStore",
    "ClipStore",
    "ClipStoreError",
    "Encoding",
    "Fade",
    "GainMatch",
    "Limit",
    "OnsetDrift",
    "Place",
    "Quantised",
    "Seam",
    "SpliceError",
    "Spliced",
    "Step",
    "StoreError",
    "Take",
    "TakeError",
    "TakeIndex",
    "Target",
    "match_gain",
    "measure",
    "place_of",
    "probe_audio",
    "quantise",
    "read_audio",
    "read_bext",
    "read_recipe",
    "stretch",
    "with_clip",
    "write_wav",
]
