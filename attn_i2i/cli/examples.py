"""Commands to begin with, which stand at the end of each help page."""

from __future__ import annotations

EXAMPLES = {
    "": (
        "translate photo.jpg -o old.jpg -m cyclegan-modern2vintage",
        "convert latest_net_G_A.pth latest_net_G_B.pth -o model",
        "train attentiongan2 --data horse2zebra -o run",
    ),
    "translate": (
        "translate photo.jpg -o old.jpg -m cyclegan-modern2vintage",
        "translate photos -o translated -m model --direction B2A",
        "translate apple.jpg -o out -m model --attention --keep-background",
    ),
    "load": ("load cyclegan-modern2vintage", "load hf-hub:owner/repo --revision v1"),
    "fetch": ("fetch ugatit-selfie2anime --dry-run", "fetch cyclegan-monet2photo cyclegan-style_monet"),
    "convert": (
        "convert latest_net_G_A.pth latest_net_G_B.pth -o model",
        "convert selfie2anime.pt --as ugatit-selfie2anime",
        "convert G1.pth G2.pth -o model --direction A2B,B2A",
    ),
    "join": ("join cyclegan-horse2zebra cyclegan-zebra2horse -o horses",),
    "export": (
        "export attentiongan2-flat2clay -o graphs",
        "export model -o model.onnx --direction A2B",
        "export model -o small --format openvino --int8 --calibrate photos",
    ),
    "train": (
        "train attentiongan2 --data horse2zebra -o run",
        "train cyclegan --data maps -o run --set width=32 --crop-size 128",
        "train cyclegan --data maps -o run --dry-run",
        "train --resume run",
    ),
    "evaluate": (
        "evaluate model --data horse2zebra -o report",
        "evaluate first second --data maps --measures psnr,ssim --images 200",
    ),
    "study": ("study first second --data horse2zebra -o page",),
    "study-result": ("study-result anna.json boris.json",),
    "serve": ("serve", "serve cyclegan-modern2vintage model --port 8000"),
    "list": ("list 'ugatit-*'", "list --installed", "list --task horse2zebra --licence MIT"),
    "show": ("show cyclegan-modern2vintage",),
    "publish": ("publish model owner/name --licence MIT",),
    "mirror": ("mirror cyclegan-modern2vintage --to owner --cards zoo",),
    "tune": ("tune attentiongan2-apple2orange-fruit --size 512", "tune MODEL --again"),
    "new-plugin": ("new-plugin my-gan",),
    "data": ("data list", "data fetch horse2zebra pictures/horse2zebra"),
    "plugins": ("plugins", "plugins check my-gan -c width=8"),
}
"""Arguments of ``attn-i2i`` by the command that shows them, most common use first; "" is the page of all commands."""


def examples(command: str) -> str:
    """The end of a help page; its first line tells click to keep the lines as they are."""
    return "\n".join(("\b", "Examples:", *(f"  attn-i2i {line}" for line in EXAMPLES[command])))
