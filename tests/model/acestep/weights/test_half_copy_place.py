"""Where a copy in half precision lies: where nothing takes it for a model."""

from __future__ import annotations

from pathlib import Path

from model.acestep.weights.half_copy_place import half_copy_place, remove_half_copy, unfinished


def test_in_a_folder_and_beside_a_single_file(tmp_path: Path) -> None:
    file = tmp_path / "acestep_v1.5_xl_turbo.safetensors"
    file.write_bytes(b"weights")
    assert half_copy_place(tmp_path) == tmp_path / "transformer.bfloat16"
    assert half_copy_place(file) == tmp_path / "acestep_v1.5_xl_turbo.bfloat16"
    assert unfinished(half_copy_place(file)).name == "acestep_v1.5_xl_turbo.bfloat16.part"


def test_removing_frees_the_copy_and_what_was_begun_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "one.safetensors"
    file.write_bytes(b"weights")
    assert remove_half_copy(file) == 0
    half_copy_place(file).write_bytes(b"1234")
    unfinished(half_copy_place(file)).write_bytes(b"12")
    assert remove_half_copy(file) == 6
    assert list(tmp_path.iterdir()) == [file]
