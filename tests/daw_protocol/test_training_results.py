from daw_protocol.training_results import ShownTraining, TrainingList, TrainingRecord


def test_a_training_comes_back_from_its_fields():
    one = ShownTraining(
        name="my_sound", state="waiting", phase="training", share=0.5, step=5, steps=10, seconds_left=60.0,
        songs=("rain.wav",), previews=("0", "5"), losses=(3.0, 2.5), checks=((5, 2.75),),
    )  # fmt: skip
    assert ShownTraining.from_fields(one.to_fields()) == one
    found = TrainingList(
        ready=False, reason="No model.", remedy="Get one.", models=(), planner=False, folders=("/songs",),
        trainings=(TrainingRecord(name="other", state="done", adapter="other/adapter_model.safetensors"),),
    )  # fmt: skip
    assert TrainingList.from_fields(found.to_fields()) == found
