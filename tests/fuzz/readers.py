"""Readers of foreign files and texts that need no server, each as the product calls them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge_server.endpoints.watch_folder.file_names import read_json, read_words, split_name
from bridge_server.endpoints.watch_folder.scan import scan
from bridge_server.songs.tempo_file import read_midi_map, with_map
from clip_store.audio.audio_file import probe_audio, read_part, read_sound
from clip_store.audio.broadcast_wav import RECIPE_CHUNK, read_bext, read_recipe
from clip_store.audio.stored_wave import StoredWave
from clip_store.errors import ClipStoreError
from clip_store.take import COLUMNS, Take, from_row, unmeasured
from clip_store.take_files import clip_of
from daw_protocol.errors import ProtocolError
from daw_protocol.timeline import TempoMap, song_map_events
from model.engine_config import config_from
from model.errors import EngineError
from tests.clip_store.audio.odd_files import chunk, fmt, wave
from tests.fuzz.law import Read, check_sentence

MEMORY_DISK = Path("/dev/shm")
SONG_SECONDS = 600.0


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is such a thing: a million files need not go to a disk."""
    with tempfile.TemporaryDirectory(
        prefix="fuzz-", dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None
    ) as folder:
        yield Path(folder)


@contextmanager
def audio_reader() -> Iterator[Read]:
    """Everything that is ever read of a sound file."""
    with scratch() as folder:
        path = folder / "song.wav"

        def read(data: bytes) -> None:
            path.write_bytes(data)
            try:
                info = probe_audio(path, SONG_SECONDS)
                assert info.frames > 0
                assert len(read_part(path, info.frames // 2, 100)) <= 100
            finally:
                read_bext(path)
                read_recipe(path)
            _, audio = read_sound(path, SONG_SECONDS)
            assert audio.frames > 0
            with contextlib.suppress(ClipStoreError):  # not one of ours
                stored = StoredWave.open(path)
                assert len(stored.read(0, stored.form.frames)) == stored.form.sound_bytes

        yield read


@contextmanager
def midi_reader() -> Iterator[Read]:
    """A MIDI file as a tempo map, and what is made of it."""
    with scratch() as folder:
        path = folder / "song.mid"

        def read(data: bytes) -> None:
            path.write_bytes(data)
            found = read_midi_map(path)
            fields = with_map(found, {"bpm": 100.0})
            if found.has_tempo:
                assert TempoMap.from_json(fields["tempo_map"]) == found.tempo_map
                if (
                    len(found.tempo_map.points) < 50
                ):  # writing is slower than reading, and nothing waits for it
                    with contextlib.suppress(ValueError):  # for what MIDI cannot represent
                        song_map_events(found, 960)

        yield read


@contextmanager
def weights_reader() -> Iterator[Read]:
    """A weight file, by its header and by its tensors, as a model and as an adapter."""
    import torch

    from model.acestep.weights.adapter_file import read_adapter
    from model.acestep.weights.model_folders import find_models, what_it_is_instead
    from model.acestep.weights.tensor_files import TensorFiles
    from model.weight_header import fingerprint, read_header, read_metadata

    wanted = {"layers.0.self_attn.q_proj.weight": torch.Size((2, 2))}
    with scratch() as folder:
        path = folder / "acestep_v1.5_turbo.safetensors"
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "lora_alpha": 8}')

        def read(data: bytes) -> None:
            path.unlink(missing_ok=True)  # a file that is mapped must not be written into
            path.write_bytes(data)
            for look in (
                read_header, read_metadata, lambda each: read_adapter(each, wanted),
                lambda each: [TensorFiles([each]).read(name) for name in TensorFiles([each]).names()],
            ):  # fmt: skip
                _answered(look, path)
            fingerprint([path])
            for model in find_models(path):
                assert isinstance(model.what_is_missing(), (tuple, type(None)))
                _answered(lambda found: (found.config, found.describe()), model)
            assert what_it_is_instead(path)

        yield read


@contextmanager
def config_reader() -> Iterator[Read]:
    """JSON that describes models, adapters and engines."""
    from model.acestep.engine import AceStepEngine
    from model.acestep.weights.adapter_file import PEFT_CONFIG, read_adapter
    from model.acestep.weights.checkpoint import vae_config
    from model.acestep.weights.model_folders import recognise
    from model.acestep.weights.tensor_files import weight_files
    from tests.fuzz.seeds import weights

    peft = next(data for data in weights() if b"base_model" in data)
    with scratch() as root:
        folder = root / "acestep-v15-turbo"
        for name in ("", "transformer", "condition_encoder", "vae", "adapter"):
            (folder / name).mkdir()
        adapter = folder / "adapter" / "adapter_model.safetensors"
        adapter.write_bytes(peft)

        def read(data: bytes) -> None:
            for name in (
                "config.json",
                "vae/config.json",
                "model.safetensors.index.json",
                f"adapter/{PEFT_CONFIG}",
            ):
                (folder / name).write_bytes(data)
            for look in (
                lambda place: _described(recognise(place)), lambda place: vae_config(place / "vae"),
                lambda place: weight_files(place, "model"), lambda _: read_adapter(adapter, {}),
            ):  # fmt: skip
                _answered(look, folder)
            for name in ("transformer", "condition_encoder"):
                (folder / name / "config.json").write_bytes(data)
            _answered(lambda place: _described(recognise(place)), folder)
            for name in ("transformer", "condition_encoder"):
                (folder / name / "config.json").unlink()
            with contextlib.suppress(ValueError, RecursionError):  # of the test's own reading
                options = json.loads(data)
                if isinstance(options, dict):
                    config_from(AceStepEngine, options)

        yield read


def _described(model: object) -> None:
    for name in ("config", "traits"):
        getattr(model, name)
    assert model.describe()  # type: ignore[attr-defined]


def _answered(look: object, place: object) -> None:
    """Calls it; an error of an engine has to be a sentence."""
    try:
        look(place)  # type: ignore[operator]
    except EngineError as error:
        check_sentence(error)


@contextmanager
def clip_reader() -> Iterator[Read]:
    """The recipe and receipt a clip carries, and a take's record made of them."""
    with scratch() as folder:
        path = folder / "clip.wav"

        def read(data: bytes) -> None:
            path.write_bytes(data if data[:4] in (b"RIFF", b"RIFX", b"RF64") else _clip_with(data))
            recipe = read_recipe(path)
            read_bext(path)
            assert clip_of(path, "nothing") is False
            if recipe is not None:
                _as_record(recipe)

        yield read


def _clip_with(body: bytes) -> bytes:
    name = b"iXML" if body.lstrip().startswith(b"<") else RECIPE_CHUNK
    return wave(chunk(b"fmt ", fmt()), chunk(name, body), chunk(b"data", bytes(40)))


def _as_record(recipe: dict[str, object]) -> None:
    """A row of the store with these JSON texts. Raises ProtocolError."""
    plain = Take(
        "t1", "j1", 1, "repaint", None, "ab" * 32, 0, 0, 10, 48000, 0.0, receipt=unmeasured(0, 10, 48000)
    )
    row = {name: getattr(plain, name) for name in COLUMNS}
    for name in ("recipe", "receipt", "request"):
        given = recipe.get(name, {})
        row[name] = json.dumps(given if isinstance(given, dict) else {})
    row["attachments"] = "[]"
    take = from_row([row[name] for name in COLUMNS])
    if take.recipe.tempo_map is not None:
        with contextlib.suppress(ValueError, TypeError):  # where it is used, both are expected
            TempoMap.from_json(take.recipe.tempo_map)


@contextmanager
def watched_reader() -> Iterator[Read]:
    """Names of dropped files, and what stands next to them."""
    with scratch() as folder:

        def read(data: bytes) -> None:
            text = data.decode("utf-8", "surrogateescape")
            title, in_name = split_name(text)
            assert isinstance(title, str)
            if in_name is not None:
                _asked(read_words, in_name)
            _asked(read_words, text)
            _asked(read_json, text)
            name = data[:200].replace(b"/", b"_").replace(b"\0", b"_")
            if name not in (b"", b".", b".."):
                path = os.fsencode(folder) + b"/" + name
                with open(path, "wb"):
                    pass
                try:
                    for dropped in scan(folder):
                        assert dropped.asks in (True, False)
                finally:
                    os.unlink(path)

        yield read


def _asked(read: object, text: str) -> None:
    try:
        read(text).request({"source": "song.wav"}, None)  # type: ignore[operator]
    except ProtocolError as error:
        check_sentence(error)
