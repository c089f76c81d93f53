"""The app, what all its commands share, and what a user sees when something goes wrong."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Annotated, Any

import typer
import typer.core
import typer.main
import typer.models

from ..plugins import PluginWarning, manager
from ..registry import INTERRUPTIONS, suggestion
from ..types import AttnI2IError, ConfigError, DuplicateNameError, UnknownNameError
from . import data, plugins
from .convert import convert
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .examples import examples
from .export import export
from .fetch import fetch
from .join import join
from .list import list_models
from .load import load
from .measures import measures
from .mirror import mirror
from .new_plugin import new_plugin
from .publish import publish
from .serve import serve
from .show import show
from .study import study, study_result
from .train import TrainCommand, train
from .translate import translate
from .tune import tune
from .usage import finite, name_value, named_output, plain
from .wording import APPS, running, spelled


class Commands(typer.core.TyperGroup):
    """The group of all commands, which looks past capitals when it guesses what was meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Files that may not be read are a failed job, which the job itself explains, and no bad usage."""
        super().__init__(*args, **kwargs)
        commands: list[Any] = [self]
        for command in commands:  # grows by the commands of each group
            commands += getattr(command, "commands", {}).values()
        for option in (option for command in commands for option in command.params):
            described = getattr(option, "type_descriptor", None)  # of newer versions of typer; others have a type
            kind: Any = getattr(option, "type", None) if described is None else described.parameter_info
            if hasattr(kind, "readable"):
                kind.readable = False
            name_value(option)
            if "--output" in option.opts:
                option.callback = named_output
            elif option.callback is None:
                option.callback = finite

    def invoke(self, ctx: Any) -> Any:
        """As click does; what is said of a refused value is in plain words, and notes of an interruption are shown."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, SystemExit) as interruption:
            for note in dict.fromkeys(getattr(interruption, "__notes__", ())):
                print(note, file=sys.stderr)
            raise
        except Exception as error:
            if hasattr(error, "format_message"):  # click's own, and typer's copy of them, which has no public name
                error.message = plain(error.message)  # type: ignore[attr-defined]
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As click does; a name that is no command gets a suggestion."""
        names = self.list_commands(ctx)
        if args and args[0] not in names:
            ctx.fail(f"No such command {args[0]!r}.{suggestion(args[0], names)}")
        resolved = super().resolve_command(ctx, args)
        running(resolved[1])
        return resolved


app = typer.Typer(
    name="attn-i2i",
    cls=Commands,
    help="Attention-guided image-to-image translation: convert published checkpoints, translate pictures.",
    epilog=examples(""),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # As markup, rich would drop every "[...]" of a help text; its panels waste half of 80 columns.
    rich_markup_mode=None,
    # Lines of 120 columns are read with ease still, and no option's text is broken there.
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command(epilog=examples("translate"))(translate)
app.command(epilog=examples("load"))(load)
app.command(epilog=examples("fetch"))(fetch)
app.command(epilog=examples("convert"))(convert)
app.command(epilog=examples("join"))(join)
app.command(epilog=examples("export"))(export)
app.command(cls=TrainCommand, epilog=examples("train"))(train)
app.command(epilog=examples("evaluate"))(evaluate)
app.command()(measures)
app.command(epilog=examples("study"))(study)
app.command(epilog=examples("study-result"))(study_result)
app.command(epilog=examples("serve"))(serve)
app.command()(demo)
app.command("list", epilog=examples("list"))(list_models)
app.command(epilog=examples("show"))(show)
app.command(epilog=examples("publish"))(publish)
app.command(epilog=examples("mirror"))(mirror)
app.command(epilog=examples("tune"))(tune)
app.command()(doctor)
app.add_typer(data.app, name="data")
app.add_typer(plugins.app, name="plugins")
app.command(epilog=examples("new-plugin"))(new_plugin)
APPS.append(app)


def _print_version(asked: bool) -> None:
    if asked:
        try:
            print(f"attn-i2i {version('attn-i2i')}")
        except PackageNotFoundError:
            print("attn-i2i (not installed)")
        raise typer.Exit


@app.callback()
def everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load no third-party plugins.")] = False,
) -> None:
    """Options of every command; ``main`` has acted on the last two already, wherever they stood."""


def main() -> None:
    """Run the command line: exit code 0, 1 for a job that failed, 2 for bad usage, 130, 143 or 129 when interrupted.

    Bad usage is also an option's value, or a name, that only the part behind the command can tell.
    """
    debug = _take("--debug")
    _prepare_process(debug)
    if _take("--no-plugins"):
        os.environ["ATTN_I2I_PLUGINS"] = ""
    try:
        _add_third_party_commands()
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit:
        raise
    except BaseException as error:  # the panic of a Rust extension is no Exception
        if debug:
            print(_redacted(traceback.format_exc()), file=sys.stderr, end="")
        else:
            print(_one_line(error), file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError | UnknownNameError) else 1)
    finally:
        running(None)


def _prepare_process(debug: bool) -> None:
    """What a program may set for itself, and a library must not: how it prints, warns and ends."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
    if not debug:
        warnings.showwarning = _show_warning
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # they name no file
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # nor do these, and what matters becomes an error
    logging.getLogger("onnxscript").setLevel(logging.ERROR)  # what it could not simplify; the answers are compared
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # the latter comes when a terminal closes; Windows has none
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves it
                signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """End by an exception, so that temporary files are removed and what was done is said."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _take(flag: str) -> bool:
    """Remove ``flag`` from the command line; it may stand before or after the command's name."""
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    before, after = sys.argv[1:end], sys.argv[end:]
    sys.argv[1:] = [argument for argument in before if argument != flag] + after
    return flag in before


def _add_third_party_commands() -> None:
    """Let plugins add commands, each to an app of its own, so that a broken one costs only its own commands."""
    hooks = manager().hook.register_commands.get_hookimpls()
    owners = dict.fromkeys(_names(app), "this package") if hooks else {}
    for hook in hooks:
        own = typer.Typer()
        try:
            hook.function(*[own][: len(hook.argnames)])
            for name in _names(own):
                if name in owners:
                    raise DuplicateNameError(f"the command {name!r} is already supplied by {owners[name]}.")
        except INTERRUPTIONS:
            raise
        except BaseException as error:
            message = f"the commands of plugin {hook.plugin_name!r} were skipped: {type(error).__name__}: {error}"
            warnings.warn(message, PluginWarning, stacklevel=2)
            continue
        owners |= dict.fromkeys(_names(own), f"plugin {hook.plugin_name!r}")
        app.registered_commands += own.registered_commands
        app.registered_groups += own.registered_groups


def _names(some: typer.Typer) -> list[str]:
    """Names of the commands of an app; raises what is wrong with one of them."""
    if not (some.registered_commands or some.registered_groups):
        return []
    some.registered_callback = some.registered_callback or typer.models.TyperInfo(callback=lambda: None)
    return sorted(typer.main.get_group(some).commands)


def _redacted(text: str) -> str:
    """``text`` without passwords, tokens and signatures; the rule is imported when something is to be said."""
    from ..hub.redact import redacted as rule

    return rule(text)


def _one_line(error: BaseException) -> str:
    from ..hub.redact import visible

    text = spelled(_redacted(" ".join(str(error).split()))) or type(error).__name__
    if isinstance(error, AttnI2IError):
        return f"error: {text}"
    if isinstance(error, OSError) and error.filename is not None:
        name = visible(os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename))
        return f"error: {name} cannot be used: {error.strerror or type(error).__name__} (run with --debug to see where)"
    return f"error: {type(error).__name__}: {text[:500]} (run with --debug to see where)"


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {spelled(_redacted(' '.join(str(message).split())))}", file=sys.stderr)
