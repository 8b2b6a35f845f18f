"""Sizes of the networks in the published checkpoints."""

from model.acestep.device.memory_plan import NetworkSizes

SIZES_2B = NetworkSizes(
    decoder=1_575_458_880,
    linear=1_573_912_576,
    biggest_linear=6 * 2048 * 2048,
    encoders=608_367_616 + 105_032_198 + 105_011_776 + 2048,
    text_encoder=595_776_512,
    vae=168_695_426,
    width=2048,
    inner_width=6144,
    query_width=2048,
    key_width=1024,
    layers=24,
    heads=16,
    window=128,
)
SIZES_XL = NetworkSizes(
    decoder=4_168_897_088,
    linear=4_166_778_880,
    biggest_linear=6 * 2560 * 2560,
    encoders=608_367_616 + 105_032_198 + 105_011_776 + 2048,
    text_encoder=595_776_512,
    vae=168_695_426,
    width=2560,
    inner_width=9728,
    query_width=4096,
    key_width=1024,
    layers=32,
    heads=32,
    window=128,
)
