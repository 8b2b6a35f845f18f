from daw_protocol.model_results import GraphicsCardRecord, ModelList, ModelRecord, ModelTransfer


def test_a_list_comes_back_from_its_fields():
    model = ModelRecord(
        name="turbo", kind="music model", about="Fast.", state="begun", path="/models/turbo", bytes=5,
        published_bytes=4_790_000_000, needs=("vae",), get_bytes=5_127_000_000, licence="MIT",
        page="https://example.org",
    )  # fmt: skip
    found = ModelList(
        engine="acestep", folder="/models", free_bytes=2**40, device="auto", memory_limit=None, memory=None,
        cards=(GraphicsCardRecord(name="Card", memory=2**35, free=2**34),), models=(model,),
        transfer=ModelTransfer(model="turbo", state="fetching", done=5, total=2**33, speed=1.5e6),
    )  # fmt: skip
    assert ModelList.from_fields(found.to_fields()) == found
