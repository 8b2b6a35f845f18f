"""The planner's network, drawing and whole answers against the stored ones of the reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="the planner needs transformers: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.qwen_text_encoder import load_network, load_tokenizer
from model.acestep.planner import planner_prompts
from model.acestep.planner.drawing import Drawing
from model.acestep.planner.planner import Planner, PlanRequest, guided, probabilities
from model.acestep.planner.planner_grammar import Codes
from model.acestep.planner.prompt_reader import PromptReader
from model.errors import NotLoaded, RenderStopped
from tests.model.acestep.golden_data import table, tensors, worst
from tests.model.acestep.tiny_folder import text_network, tokenizer
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE
from tests.places import TINY

FOLDER = TINY / "acestep-5Hz-lm"
RUNS = table("lm_runs")["runs"]


@cache
def planner() -> Planner:
    return Planner(load_network(FOLDER, torch.float32, "cpu"), load_tokenizer(FOLDER))


def test_hidden_states_and_scores() -> None:
    golden = tensors("lm")
    network = load_network(FOLDER, torch.float32, "cpu")
    with torch.no_grad():
        states = network(input_ids=golden["ids"], use_cache=False).last_hidden_state
    assert worst(states, golden["last_hidden"]) <= BLOCK_TOLERANCE
    ids = golden["ids"][0].tolist()
    text = PromptReader(network).read(ids[:4])
    for position, token in enumerate(ids[4:], start=3):
        assert worst(text.scores, golden["logits"][0, position]) <= BLOCK_TOLERANCE
        text.append(token)
    assert worst(text.scores, golden["logits"][0, -1]) <= BLOCK_TOLERANCE


@pytest.mark.parametrize(("top_k", "top_p"), [(0, 0.9), (5, 1.0), (8, 0.7)])
def test_what_is_drawn_from(top_k: int, top_p: float) -> None:
    golden = tensors("lm")
    found = probabilities(golden["filter.logits"], top_k, top_p, 0.85)
    assert worst(found, golden[f"filter.k{top_k}_p{top_p}"]) <= 1e-6


def test_guidance_among_codes() -> None:
    golden = tensors("lm")
    scores = guided([golden["cfg.cond"][0], golden["cfg.uncond"][0]], 2.0)
    ours = Codes(planner().words).choice(scores).masked(scores)
    theirs = golden["cfg.guided_masked"][0]
    assert torch.equal(ours.isfinite(), theirs.isfinite())
    assert worst(ours[ours.isfinite()], theirs[theirs.isfinite()]) <= 1e-5


@pytest.mark.parametrize("run", RUNS, ids=[run["name"] for run in RUNS])
def test_whole_answers(run: dict[str, Any]) -> None:
    asked, expected = run["inputs"], run["result"]
    wanted = PlanRequest(
        asked["caption"],
        asked["lyrics"],
        asked.get("target_duration", 10),
        asked.get("user_metadata", {}),
        writes_caption=asked.get("use_cot_caption", True),
        writes_language=asked.get("use_cot_language", True),
        avoided=asked.get("negative_prompt", planner_prompts.NOTHING_SAID),
    )
    drawing = Drawing(
        asked["temperature"],
        asked.get("top_p", 0.9),
        asked.get("top_k", 0),
        asked.get("repetition_penalty", 1.0),
        asked.get("cfg_scale", 2.0),
    )
    source = torch.Generator().manual_seed(0)
    facts = planner().think(wanted, drawing, source)
    assert facts == expected["metadata"]
    if asked["infer_type"] == "llm_dit":
        codes = planner().code(wanted, facts, drawing, source)
        assert "".join(map(planner_prompts.code_token, codes)) == expected["audio_codes"]


MORE = table("lm_more")
GREEDY = Drawing(temperature=0, guidance=1.0)


GAP = "\N{REPLACEMENT CHARACTER}"  # where the last token is half a letter


@cache
def beginning() -> Planner:
    """A planner that writes a hundred tokens."""
    return Planner(load_network(FOLDER, torch.float32, "cpu"), load_tokenizer(FOLDER), 164)


@pytest.mark.parametrize("run", MORE["runs"], ids=range(len(MORE["runs"])))
def test_whole_descriptions(run: dict[str, Any]) -> None:
    given: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    if run["call"] == "understand":
        prompt = planner_prompts.understanding_prompt(run["codes"])
    elif run["call"] == "create sample":
        prompt = planner_prompts.expanding_prompt(run["query"], instrumental=run["instrumental"])
        given = {"language": run["vocal_language"]}
    else:
        prompt = planner_prompts.rewriting_prompt(run["caption"], run["lyrics"])
        given = {name: str(value) for name, value in run["user_metadata"].items()}
        left_out = ("language",)
    source = torch.Generator().manual_seed(0)
    answer = beginning().describe(prompt, given, GREEDY, source, left_out=left_out)
    expected = run["result"]
    assert answer.facts["bpm"] == expected["bpm"]
    caption = str(answer.facts["caption"])
    assert len(caption) > 100
    # The reference wrote 336 tokens of it: as many as its context had room for.
    assert expected["caption"].startswith(caption.rstrip(GAP))


WANTED = PlanRequest("calm piano", "[Instrumental]", 11, {"bpm": "90"})


def test_equal_seeds_plan_equal_songs() -> None:
    def planned(seed: int) -> Any:
        return planner().plan(WANTED, Drawing(), torch.Generator().manual_seed(seed))

    once, again, other = planned(1), planned(1), planned(2)
    assert once == again != other
    assert len(once.codes) == len(other.codes) == 55
    assert once.facts["bpm"] == 90
    assert set(once.facts) == {"bpm", "duration", "keyscale", "language", "timesignature"}


def test_a_stop_takes_effect_between_tokens() -> None:
    reported: list[int] = []
    with pytest.raises(RenderStopped):
        planner().plan(
            WANTED,
            Drawing(),
            torch.Generator().manual_seed(1),
            lambda done, _most: reported.append(done),
            lambda: len(reported) >= 7,
        )
    assert reported == list(range(1, 8))


def test_another_language_model_is_no_planner() -> None:
    with pytest.raises(NotLoaded, match="not a planner"):
        Planner(text_network(), tokenizer())
    with pytest.raises(NotLoaded, match="belong to different models"):
        Planner(text_network(), load_tokenizer(FOLDER))
