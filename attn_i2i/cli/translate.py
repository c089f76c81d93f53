"""``attn-i2i translate``: pictures in, pictures out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..types import ConfigError
from .told import progress, telling


class DType(StrEnum):
    """Precisions a network can run in."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class RuntimeChoice(StrEnum):
    """What runs a network."""

    torch = "torch"
    onnx = "onnx"
    openvino = "openvino"


class SizeChoice(StrEnum):
    """What to do with pictures a network does not take at their own size."""

    fit = "fit"


TranslateDomain = Annotated[
    list[str] | None, typer.Option(help="Target labels of a multi-domain model: names or 0/1, with commas; repeatable.")
]
TranslateStyle = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|seed:N",
        help="Style of a multimodal model: that of a picture, or one at random; several make a sheet.",
        show_default="the mean style",
    ),
]
KeepBackground = Annotated[
    bool,
    typer.Option("--keep-background", help="Keep the input where the mask is 0: exactly, unless the output is a JPEG."),
]
Mask = Annotated[
    Path | None,
    typer.Option(help="Where pictures may change (white): one picture, or a folder with one for each input."),
]
TranslateThreshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Make the attention mask 0 or 1 at this value, and composite by it.")
]
TranslateDevice = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1, mps, xpu.", show_default="a GPU if there is one")
]
AcceptLicense = Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")]
TranslateCompile = Annotated[
    bool, typer.Option("--compile", help="Compile the network: the first picture takes longer, all others less.")
]
TranslateRange = Annotated[
    str | None,
    typer.Option(
        help="Stored values that stand for black and white: dtype, LOW,HIGH, or percentile:0.1,99.9 of all pictures.",
        show_default="the model's, or dtype",
    ),
]
TranslatePage = Annotated[
    str | None,
    typer.Option(
        metavar="N|all", help="Plane of a TIFF, or frame of an animation, from 0; all keeps every plane of a TIFF."
    ),
]


class TemporalChoice(StrEnum):
    """How the frames of a clip are made to fit each other."""

    flow = "flow"
    off = "off"


TranslateCodec = Annotated[
    str | None,
    typer.Option(help="Codec of videos: h264, hevc, vp9 or ffv1.", show_default="what is usual for the file"),
]
Crf = Annotated[
    int | None, typer.Option(min=0, max=63, help="Quality of videos: lower is better.", show_default="18 for h264")
]
Lossless = Annotated[bool, typer.Option("--lossless", help="Keep every pixel of a video as it was made; large.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out pictures that are translated already: go on after a stop.")
]


def translate(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Pictures, clips, folders, or quoted patterns.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to; for one input, also a name.")],
    model: Annotated[
        str, typer.Option("-m", "--model", help="Zoo name, hf-hub:owner/repo, model folder, or exported file.")
    ],
    direction: Annotated[
        str | None, typer.Option(help="Which way to translate, such as A2B.", show_default="the model's first")
    ] = None,
    domain: TranslateDomain = None,
    style: TranslateStyle = None,
    attention: Annotated[bool, typer.Option("--attention", help="Also write masks, overlays and one sheet.")] = False,
    keep_background: KeepBackground = False,
    mask: Mask = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 keeps the input, 1 is the full translation.")] = 1.0,
    threshold: TranslateThreshold = None,
    size: Annotated[
        SizeChoice | None, typer.Option(help="fit: resize to the one size that the network takes, and back.")
    ] = None,
    device: TranslateDevice = None,
    dtype: Annotated[
        DType, typer.Option(help="Precision of the network; auto measures on a CPU that has bfloat16.")
    ] = DType.float32,
    runtime: Annotated[
        RuntimeChoice | None,
        typer.Option(help="What runs the network.", show_default="torch, or what an exported file is for"),
    ] = None,
    compile: TranslateCompile = False,  # noqa: A002
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures of one size to run at once.", show_default="256x256 pixels; on a GPU half a megapixel"
        ),
    ] = None,
    recursive: Annotated[bool, typer.Option("-r", "--recursive", help="Search subfolders too.")] = False,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default="the card's commit")
    ] = None,
    accept_license: AcceptLicense = False,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse larger pictures, in million pixels.")] = 100,
    range: TranslateRange = None,  # noqa: A002
    page: TranslatePage = None,
    tile: Annotated[
        str,
        typer.Option(
            metavar="auto|off|N",
            help="Rows of a picture to compute at a time: auto takes them all if they fit into memory, off always.",
        ),
    ] = "auto",
    max_side: Annotated[
        int | None,
        typer.Option(min=1, help="Longest side that the network sees, in pixels; the answer is enlarged again."),
    ] = None,
    color: Annotated[
        bool, typer.Option("--color", help="Keep the colours that the network gives to grey pictures.")
    ] = False,
    temporal: Annotated[
        TemporalChoice, typer.Option(help="flow: smooth clips along their motion; off: each frame alone.")
    ] = TemporalChoice.flow,
    codec: TranslateCodec = None,
    crf: Crf = None,
    lossless: Lossless = False,
    skip_existing: SkipExisting = False,
    strip_metadata: Annotated[
        bool, typer.Option("--strip-metadata", help="Write no EXIF and no texts of the input.")
    ] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite existing files.")] = False,
) -> None:
    """Translate pictures and clips. They keep their names, sizes and formats.

    Clips are videos and animations, which keep their sound and their times. Pictures keep depth and channels.
    A picture becomes .png if its format cannot hold its transparency, as in a JPEG.
    A file that cannot be read is named and skipped. The others are translated, and the exit code is 1.
    Files in a folder that are neither are named too, and do not change the exit code.
    """
    from ..translate.batch import translate_files
    from ..translate.clip_jobs import check_encoding, translate_clips
    from ..translate.domains import domain_of_options
    from ..translate.inputs import not_read
    from ..translate.jobs import plan_jobs
    from ..translate.loading import load
    from ..translate.reading import TranslationReport
    from ..translate.tiles.watching import watched_by
    from ..tuning.heap import keep_freed_memory
    from ..video.encoding import Encoding

    keep_freed_memory()
    wanted_page = _page(page)
    encoding = Encoding(codec, crf, lossless) if codec or crf is not None or lossless else None
    plan = plan_jobs(
        inputs,
        output,
        recursive=recursive,
        attention=attention,
        force=force,
        skip_existing=skip_existing,
        styles=style or (),
        clips=wanted_page in (None, "all"),
    )
    if not plan.jobs and not plan.foreign:
        what = "files" if any(job.clip for job in plan.done) else "pictures"
        print(f"all {len(plan.done)} {what} are in {output} already")
        return
    check_encoding(plan.clips, encoding)
    translator = load(
        model,
        direction=direction,
        revision=revision,
        device=device,
        dtype=dtype.value,
        compile=compile,
        accept_license=accept_license,
        runtime=runtime.value if runtime else None,
    )
    report = TranslationReport(failed=[(path, f"{path} is {not_read(path)}.") for path in plan.foreign])
    shared: dict[str, Any] = {
        "report": report,
        "attention": attention,
        "mask": mask,
        "max_pixels": int(max_megapixels * 1e6),
        "color": color,
        "tile": int(tile) if tile.isdecimal() else tile,
        "max_side": max_side,
        "force": force,
        "replace_attention": skip_existing,
        "metadata": not strip_metadata,
        "domain": domain_of_options(domain),
        "strength": strength,
        "threshold": threshold,
        "keep_background": keep_background,
        "size": "fit" if size else None,
        "batch_size": batch_size,
        "range": range,
        "page": wanted_page,
    }
    # All frames are what a clip gives anyway.
    of_clips = {"page": None if wanted_page == "all" else wanted_page, "encoding": encoding, "temporal": temporal.value}
    with telling(report, plan, output, attention=attention), progress(len(plan.jobs)) as bar:
        if plan.stills:
            with watched_by(bar.parts):
                translate_files(translator, plan.stills, advance=bar.advance, **shared)
        if plan.clips:
            translate_clips(translator, plan.clips, advance=bar.advance, watch=bar.watch, **shared | of_clips)
    if report.failed:
        raise typer.Exit(1)


def _page(text: str | None) -> int | Literal["all"] | None:
    """What --page says."""
    if text is None or text == "all":
        return None if text is None else "all"
    if not text.isdecimal():
        raise ConfigError(f"page={text} was given: expected a number from 0 on, or all.")
    return int(text)
