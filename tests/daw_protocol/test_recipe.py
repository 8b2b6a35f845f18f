from hypothesis import given

from daw_protocol.recipe import BlueprintRecord, ChordRecord, Recipe, ReferenceAudio
from tests.daw_protocol.generated import FEW, messages

KEYS = {
    "made_by", "engine", "engine_label", "neural", "weights", "licence", "source_type", "seed", "take", "method",
    "rendered_on", "figures", "notes", "gain_db", "tempo_map",
}  # fmt: skip
"""What files and scripts count on, reference aside, which is there only where one was used."""


@FEW
@given(messages(Recipe))
def test_fields_and_back(recipe):
    assert Recipe.from_fields(recipe.to_fields()) == recipe


def test_every_key_is_written_also_those_that_hold_their_default():
    recipe = Recipe(seed=0, tempo_map={"points": []})
    assert set(recipe.to_fields()) == KEYS
    assert set(Recipe(seed=0, tempo_map={}, reference=ReferenceAudio()).to_fields()) == KEYS | {"reference"}


def test_consent_is_written_whatever_it_is():
    assert ReferenceAudio(name="voice", digest="aa").to_fields() == {
        "name": "voice",
        "digest": "aa",
        "consent": False,
    }


def test_figures_of_an_engine_may_be_anything_json_has():
    figures = {"source_bars": ["17 from beat 2"], "share": {"vocals": 0.25}, "key": None}
    assert Recipe(figures=figures).to_fields()["figures"] == figures


def test_a_blueprint_is_written_only_where_there_is_one():
    assert "blueprint" not in Recipe().to_fields()
    words = {"tempo": 96.0, "chords": [{"name": "Am7", "time": -0.5}]}
    recipe = Recipe.from_stored({"blueprint": {**words, "mood": "of a later version"}})
    assert recipe.blueprint == BlueprintRecord(tempo=96.0, chords=(ChordRecord(name="Am7", time=-0.5),))
    assert recipe.to_fields()["blueprint"] == words
