"""The transformer once more in bfloat16, beside a checkpoint's files, for devices that load it anew for every render.

The published large checkpoints are float32: 16.7 GB are read, and every number is rounded to half its length. The copy
has the rounded numbers, 8.3 GB, so a transformer loaded from it equals one loaded from the files, bit for bit. It knows
which files it was made of; with others it is of no use and goes. Where the same files were only written anew, as when a
folder is copied, it is left alone: samples of them cannot tell whether all their numbers are still those. Adapters are
applied to the files' own numbers, so what they change is still read from there.

It is an aid: whatever is wrong with it, the checkpoint is loaded from its files, and the take's notes say so.

The format is safetensors', written tensor by tensor, so that making it takes little memory.
"""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import torch

from model.acestep.networks.dit import Dit
from model.acestep.weights.checkpoint import Weights, fill
from model.acestep.weights.half_copy_place import half_copy_place, unfinished
from model.acestep.weights.stored_names import CheckpointPart, Recipe
from model.acestep.weights.tensor_files import TensorFiles
from model.errors import NotLoaded
from model.weight_header import METADATA, fingerprint, read_header, read_metadata
from model.whole_file import whole_file

DTYPE = torch.bfloat16
SPARE_BYTES = 2**28  # kept free: a full disk stops more than this
_MADE_OF, _WRITTEN = (
    "made_of",
    "written",
)  # what identifies the files: their samples, and when each was written
_MARK = "half copy/"  # before the names of tensors that are read from it; no stored name begins so
_MAKE_AGAIN = "To make it again: takebridge models halve."
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def bytes_of_half_copy(weights: Weights) -> int:
    """Bytes a copy takes on disk. Raises NotLoaded where it would save nothing."""
    read = weights.files[CheckpointPart.DIT].read
    widest = max(read(key).itemsize for recipe in _plain(weights).values() for key in recipe.sources)
    if widest <= DTYPE.itemsize:
        raise NotLoaded(
            f"{weights.folder.name} is stored in half precision already.",
            "Use it as it is: a copy would save nothing.",
        )
    header, numbers = _header(weights)
    return len(header) + numbers * DTYPE.itemsize


def write_half_copy(weights: Weights) -> Path:
    """Makes the copy: whole or not at all, whenever the process is killed or the disk fills up. Raises NotLoaded."""
    place = half_copy_place(weights.folder.path)
    part, needed = unfinished(place), bytes_of_half_copy(weights) + SPARE_BYTES
    try:
        part.unlink(missing_ok=True)  # what a killed attempt left
        before = place.stat().st_size if place.exists() else 0
        free = shutil.disk_usage(place.parent).free + before
        if free < needed:
            raise NotLoaded(
                f"{needed / 1e9:.1f} GB are needed in {place.parent}, {free / 1e9:.1f} GB are free.",
                "Free some space and run the command again.",
            )
        place.unlink(missing_ok=True)  # now, since Windows replaces no file that is being read, however late
        with whole_file(place, part) as file:
            file.write(_header(weights)[0])
            read = weights.files[CheckpointPart.DIT].read
            for recipe in _plain(weights).values():
                tensor = recipe.make(*map(read, recipe.sources)).to(DTYPE).contiguous()
                file.write(tensor.view(torch.uint8).numpy().data)
    except OSError as refused:
        raise _in_words(place, refused) from refused
    return place


def open_half_copy(weights: Weights) -> tuple[TensorFiles | None, str]:
    """The copy, if there is one of exactly these files, and what the producer should know of one that is not used.

    One that is damaged or of other weights is removed, if it can be.
    """
    place = half_copy_place(weights.folder.path)
    try:
        reason, useless = _not_to_be_used(
            weights, place
        )  # before it is mapped: Windows removes no mapped file
        if not reason:
            return TensorFiles([place]), ""
    except (NotLoaded, OSError):
        if not place.exists():
            return None, ""  # there is none, or it was removed just now
        reason, useless = f"{place.name} was damaged", True
    if not useless:
        return None, f"{reason}. {_MAKE_AGAIN}"
    try:
        place.unlink(missing_ok=True)
    except OSError:
        return None, f"{reason}. It is not used, but could not be removed."
    return None, f"{reason} and has been removed. {_MAKE_AGAIN}"


def _not_to_be_used(weights: Weights, place: Path) -> tuple[str, bool]:
    """What is wrong with a whole copy, "" if nothing, and whether it can never be of use. Raises NotLoaded, OSError."""
    metadata = read_metadata(place)
    identity = _identity(weights)
    if metadata.get(_MADE_OF) != identity[_MADE_OF] or read_header(place).keys() != _plain(weights).keys():
        return f"{place.name} was made of other weights than the checkpoint has now", True
    if metadata.get(_WRITTEN) != identity[_WRITTEN]:
        return f"{place.name} is not used, because the checkpoint's files were written anew since", False
    return "", False


def load_dit_from(copy: TensorFiles, plain: Weights, wanted: Weights, device: torch.device | str) -> Dit:
    """The transformer in bfloat16. wanted: `plain`, the copy's own checkpoint, with adapters or without."""
    stored, own = wanted.files[CheckpointPart.DIT], _plain(plain)
    recipes = {
        name: Recipe((_MARK + name,)) if recipe is own[name] else recipe
        for name, recipe in wanted.recipes[CheckpointPart.DIT].items()
    }

    def read(key: str) -> torch.Tensor:
        return copy.read(key.removeprefix(_MARK)) if key.startswith(_MARK) else stored.read(key)

    return fill(lambda: Dit(wanted.folder.config.dit), recipes, read, CheckpointPart.DIT, DTYPE, device)


def wrong_in_half_copy(weights: Weights) -> str:
    """Compares every number of the copy with the files; "" if all agree and it is used, and without a copy."""
    place = half_copy_place(weights.folder.path)
    if not place.is_file():
        return ""
    try:
        copy = TensorFiles([place])
        reason, _ = _not_to_be_used(weights, place)
    except NotLoaded as damaged:
        return damaged.sentence
    except OSError as refused:
        return f"it cannot be read: {refused.strerror or refused}"
    read, names = weights.files[CheckpointPart.DIT].read, set(copy.names())
    for name, recipe in _plain(weights).items():
        wanted = recipe.make(*map(read, recipe.sources)).to(DTYPE)
        if name not in names or not torch.equal(copy.read(name), wanted):
            return f"{name} is not that of the checkpoint's files"
    return reason


def _plain(weights: Weights) -> dict[str, Recipe]:
    return dict(weights.recipes[CheckpointPart.DIT])


def _identity(weights: Weights) -> dict[str, str]:
    """The files as they are now, wherever their folder is; when they were written, since samples may miss a change."""
    paths = weights.files[CheckpointPart.DIT].paths
    written = sorted((path.name, path.stat().st_mtime_ns) for path in paths)
    return {_MADE_OF: fingerprint(paths, with_folder=False), _WRITTEN: json.dumps(written)}


def _header(weights: Weights) -> tuple[bytes, int]:
    """The start of the file, in the format of model/weight_header.py, and how many numbers follow."""
    with torch.device("meta"):
        shapes = {
            name: list(value.shape) for name, value in Dit(weights.folder.config.dit).state_dict().items()
        }
    entries: dict[str, object] = {METADATA: _identity(weights)}
    begin = 0
    for name in _plain(weights):
        end = begin + torch.Size(shapes[name]).numel() * DTYPE.itemsize
        entries[name] = {"dtype": "BF16", "shape": shapes[name], "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, begin // DTYPE.itemsize


def _in_words(place: Path, refused: OSError) -> NotLoaded:
    if refused.errno in _FULL:
        return NotLoaded(
            f"The disk filled up: {place.name} could not be written to {place.parent}.",
            "Free some space and run the command again.",
        )
    if isinstance(refused, PermissionError) and place.exists():
        return NotLoaded(
            f"{place} cannot be replaced: {refused.strerror or refused}.",
            "Stop the server, which may be reading it, and run the command again.",
        )
    return NotLoaded(
        f"{place} cannot be written: {refused.strerror or refused}.", "Check the permissions of its folder."
    )
