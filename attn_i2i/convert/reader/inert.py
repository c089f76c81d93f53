"""A pickle machine that can build nothing but plain values: no class is looked up, no function called.

The standard unpickler calls what a file names. This machine interprets the opcodes itself. Lists, dictionaries, tuples,
numbers and text become what they are. The few known ways to spell a tensor or an array become a reference to bytes.
Anything else that the file names becomes an ``Inert`` object, which only remembers what it was given.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any, NamedTuple, cast

from .stream import PickleStream
from .tensor_index import DamagedError, shown


class Global(NamedTuple):
    """A class or function that the file names; never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Inert:
    """Stands in for an object of any class: holds its arguments, state and items, does nothing."""

    __slots__ = ("args", "items", "origin", "state", "values")

    def __init__(self, origin: object, args: tuple[Any, ...] = ()) -> None:
        self.origin = origin
        self.args = args
        self.state: object = None
        self.items: dict[object, object] = {}
        self.values: list[object] = []


class Unhashable:
    """A dictionary key that is neither text nor a number, kept apart by identity."""


Build = Callable[[Global, tuple[Any, ...]], object]
SetState = Callable[[object, object], None]
Persistent = Callable[[object], object]

MAX_COPIES = 2**24
"""What constructors may copy, in list entries and bytes, beyond 16 times the file: else a few bytes cost seconds."""

_MARK = object()  # on the stack where the opcode MARK stood; equal to nothing that a file can say
# Opcodes that push their argument as it is.
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "FLOAT", "BINFLOAT",
}  # fmt: skip
_SIZED = (str, bytes, bytearray, list, tuple, dict)  # arguments that a constructor may copy in full
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class PickleMachine:
    """Runs one pickle after another from a stream; the memo starts empty each time.

    ``build`` makes what a known constructor would, or returns an Inert. ``set_state`` gives an object the state that a
    pickle has for it. ``persistent`` resolves a persistent id.
    """

    def __init__(self, build: Build, set_state: SetState, persistent: Persistent) -> None:
        self._build, self._set_state, self._persistent = build, set_state, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, object] = {}
        self._allowance: int | None = None

    def load(self, stream: PickleStream) -> object:
        """The object that the pickle at the stream's position describes; raises DamagedError."""
        self._stack, self._memo = [], {}
        if self._allowance is None:  # one for all pickles of a stream
            self._allowance = MAX_COPIES + 16 * _length(stream)
        try:
            for opcode, arg, _ in pickletools.genops(cast("IO[bytes]", stream)):
                self._step(opcode.name, arg)
            return self._stack.pop()
        except DamagedError:
            raise
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
            raise DamagedError(f"a broken pickle: {shown(str(error))}") from error

    def _step(self, name: str, arg: Any) -> None:
        if name in _LITERALS:
            self._stack.append(arg)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[arg] = self._stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self._stack.append(self._memo[arg])
        else:
            handler = getattr(self, f"_op_{name.lower()}", None)
            if handler is None:
                raise DamagedError(f"the pickle instruction {name}, which no checkpoint needs")
            handler(arg)

    def _pop_mark(self) -> list[Any]:
        stack = self._stack
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is _MARK:
                items = stack[place + 1 :]
                del stack[place:]
                return items
        raise DamagedError("a broken pickle: a mark is missing")

    def _op_proto(self, arg: int) -> None:
        if arg > 5:
            raise DamagedError(f"pickle protocol {arg}; 0 to 5 are known")

    def _op_frame(self, arg: int) -> None:
        """Frames only help buffering."""

    def _op_stop(self, arg: None) -> None:
        """The value stays on the stack for ``load``."""

    def _op_mark(self, arg: None) -> None:
        self._stack.append(_MARK)

    def _op_pop(self, arg: None) -> None:
        self._stack.pop()

    def _op_pop_mark(self, arg: None) -> None:
        self._pop_mark()

    def _op_dup(self, arg: None) -> None:
        self._stack.append(self._stack[-1])

    def _op_memoize(self, arg: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _op_empty_list(self, arg: None) -> None:
        self._stack.append([])

    def _op_empty_dict(self, arg: None) -> None:
        self._stack.append({})

    def _op_empty_tuple(self, arg: None) -> None:
        self._stack.append(())

    _op_empty_set = _op_empty_list  # a list serves, and needs nothing hashable

    def _op_tuple1(self, arg: None) -> None:
        self._stack[-1:] = [(self._stack[-1],)]

    def _op_tuple2(self, arg: None) -> None:
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def _op_tuple3(self, arg: None) -> None:
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def _op_tuple(self, arg: None) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _op_list(self, arg: None) -> None:
        items = self._pop_mark()
        self._stack.append(items)

    _op_frozenset = _op_list

    def _op_append(self, arg: None) -> None:
        item = self._stack.pop()
        self._extend([item])

    def _op_appends(self, arg: None) -> None:
        items = self._pop_mark()
        self._extend(items)

    _op_additems = _op_appends

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Inert):
            target.values.extend(items)
        elif type(target) is list:
            target.extend(items)
        else:
            raise DamagedError(f"a broken pickle: items for a {type(target).__name__}")

    def _op_dict(self, arg: None) -> None:
        items = self._pop_mark()
        self._stack.append({})
        self._update(items)

    def _op_setitem(self, arg: None) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._update([key, value])

    def _op_setitems(self, arg: None) -> None:
        items = self._pop_mark()
        self._update(items)

    def _update(self, items: list[Any]) -> None:
        target = self._stack[-1]
        target = target.items if isinstance(target, Inert) else target
        if type(target) is not dict:
            raise DamagedError(f"a broken pickle: entries for a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[dict_key(key)] = value

    def _op_global(self, arg: str) -> None:
        self._stack.append(_named(*arg.split(" ", 1)))

    def _op_stack_global(self, arg: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(_named(module, name))

    def _op_reduce(self, arg: None) -> None:
        args, origin = self._stack.pop(), self._stack.pop()
        self._construct(origin, args)

    _op_newobj = _op_reduce

    def _op_newobj_ex(self, arg: None) -> None:
        self._stack.pop()
        self._op_reduce(None)

    def _op_inst(self, arg: str) -> None:
        args = self._pop_mark()
        self._construct(_named(*arg.split(" ", 1)), tuple(args))

    def _op_obj(self, arg: None) -> None:
        origin, *args = self._pop_mark()
        self._construct(origin, tuple(args))

    def _construct(self, origin: object, args: object) -> None:
        if not isinstance(args, tuple):
            raise DamagedError(f"a broken pickle: arguments that are a {type(args).__name__}")
        self._spend(args)
        self._stack.append(self._build(origin, args) if type(origin) is Global else Inert(origin, args))

    def _spend(self, values: object) -> None:
        """Count what building from ``values`` may copy: they themselves, and what they hold."""
        parts = values if isinstance(values, tuple | list) else (values,)
        copies = len(parts) + sum(len(part) for part in parts if isinstance(part, _SIZED))
        self._allowance = (self._allowance or 0) - copies
        if self._allowance < 0:
            raise DamagedError("something that copies the same values again and again, as made to exhaust a reader")

    def _op_build(self, arg: None) -> None:
        state = self._stack.pop()
        self._spend(state)
        self._set_state(self._stack[-1], state)

    def _op_binpersid(self, arg: None) -> None:
        self._stack.append(self._persistent(self._stack.pop()))

    def _op_persid(self, arg: str) -> None:
        self._stack.append(self._persistent(arg))


def _length(stream: PickleStream) -> int:
    place = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(place)
    return end


def _named(module: object, name: object) -> Global:
    if type(module) is not str or type(name) is not str:
        raise DamagedError("a broken pickle: a class without a name")
    return Global(module, name)


def dict_key(key: object) -> object:
    """A key that can be hashed without running anything deep: what is not text or a number stands for itself alone."""
    if key is None or type(key) in (str, int, float, bool):
        return key
    if type(key) is bytes:
        return key.decode("latin-1")
    return Unhashable()
