"""The allow-list: the constructors in a checkpoint's pickle that mean a tensor, an array or a plain container."""

from __future__ import annotations

import array
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .inert import Global, Inert, dict_key
from .tensor_index import ITEM_SIZES, DamagedError, Storage, TensorRef, contiguous, shown

# torch's and numpy's names of types, and those of the index.
_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8",
}  # fmt: skip
_ARRAY_TYPES = {
    "f8": "float64", "f4": "float32", "f2": "float16", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
    "u8": "uint64", "u4": "uint32", "u2": "uint16", "u1": "uint8", "b1": "bool", "c8": "complex64", "c16": "complex128",
}  # fmt: skip


class Refused:
    """A tensor of a kind that has no plain bytes; an error where it is met, if it is."""

    def __init__(self, kind: str, advice: str = "save it as an ordinary floating-point tensor") -> None:
        self.kind = kind
        self.advice = advice


class ArrayType:
    """A numpy dtype: its code and byte order."""

    def __init__(self, code: str) -> None:
        self.code = code.lstrip("<>=|")
        self.big = code.startswith(">")


class NumpyArray:
    """A numpy array whose content arrives with its state."""

    def __init__(self) -> None:
        self.tensor: TensorRef | None = None


def storage_dtype(origin: object) -> str:
    """The element type that a storage class of PyTorch names; raises DamagedError for any other class."""
    if type(origin) is Global and origin.module.split(".")[0] == "torch":
        name = origin.name.removeprefix("_")
        if name in _STORAGES:
            return _STORAGES[name]
        if name in ("QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"):
            raise DamagedError(f"quantised numbers ({shown(name)}); save a model with ordinary floating-point weights")
    raise DamagedError(f"the unknown storage type {shown(str(origin))}")


def build(origin: Global, args: tuple[Any, ...]) -> object:
    """What a constructor and its arguments amount to; an Inert where it is not on the list."""
    handler = _HANDLERS.get((origin.module, origin.name))
    if handler is None:
        return Inert(origin, args)
    try:
        return handler(*args)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise DamagedError(f"a broken {shown(origin.name)}: {shown(str(error))}") from error


def set_state(target: object, state: object) -> None:
    """Give an object its state: arrays and dtypes read theirs, an Inert keeps it, anything else needs none."""
    if isinstance(target, Inert):
        target.state = state
    elif isinstance(target, ArrayType):
        if isinstance(state, tuple) and len(state) > 1 and state[1] in (">", "<", "=", "|"):
            target.big = state[1] == ">"
    elif isinstance(target, NumpyArray):
        if not isinstance(state, tuple) or len(state) != 5:
            raise DamagedError("a numpy array without content")
        target.tensor = _array(state[4], state[2], state[1], "F" if state[3] else "C")


def _tensor(storage: object, offset: int, size: Sequence[int], stride: Sequence[int], *rest: object) -> object:
    if not isinstance(storage, Storage) or not isinstance(size, tuple | list) or not isinstance(stride, tuple | list):
        raise DamagedError("a tensor without a storage, shape or strides")
    return TensorRef(storage, offset, size, stride)


def _tensor_v3(
    storage: object,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    grad: object,
    hooks: object,
    dtype: object,
    *rest: object,
) -> object:
    tensor = _tensor(storage, offset, size, stride)
    if type(dtype) is not Global or dtype.module != "torch" or dtype.name not in ITEM_SIZES:
        return Refused(f"a tensor of type {shown(str(dtype))}")
    if isinstance(tensor, TensorRef):
        tensor.dtype = dtype.name
    return tensor


def _inner(origin: object, kind: object, args: object, *rest: object) -> object:
    """A tensor subclass: what its plain tensor is."""
    if type(origin) is not Global or not isinstance(args, tuple):
        raise DamagedError("a tensor subclass without its tensor")
    return build(origin, args)


def _reconstructor(origin: object, base: object = None, state: object = None, *rest: object) -> object:
    inert = Inert(origin)
    if isinstance(state, dict):
        inert.items.update(state)
    elif isinstance(state, list | tuple):
        inert.values.extend(state)
    return inert


def _newobj(origin: object, *args: object) -> object:
    return build(origin, args) if type(origin) is Global else Inert(origin, args)


def _mapping(*args: Any) -> dict[object, object]:
    if args and isinstance(args[0], dict):
        return dict(args[0])
    return {dict_key(key): value for key, value in (args[0] if args and isinstance(args[0], list | tuple) else ())}


def _sequence(items: object = (), *rest: object) -> list[object]:
    return list(items) if isinstance(items, list | tuple) else []


def _size(items: object = (), *rest: object) -> tuple[object, ...]:
    return tuple(items) if isinstance(items, list | tuple) else ()


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1", "ascii", "utf-8", "utf8"):
        raise ValueError("bytes in an unknown encoding")
    return text.encode(encoding)


def _bytearray(content: object = b"", *rest: object) -> bytes:
    return content.encode("latin-1") if type(content) is str else content if type(content) is bytes else b""


def _first(content: object = None, *rest: object) -> object:
    return content


def _dtype(code: object = "", *rest: object) -> ArrayType:
    return ArrayType(code if type(code) is str else "")


def _array(data: object, kind: object, shape: object, order: object) -> TensorRef | None:
    """Elements that stand in the pickle itself; None for arrays of text or objects, which are no weights."""
    dtype = _ARRAY_TYPES.get(kind.code) if isinstance(kind, ArrayType) else None
    data = data.encode("latin-1") if type(data) is str else data
    if dtype is None or not isinstance(data, bytes | bytearray) or not isinstance(kind, ArrayType):
        return None
    shape = (shape,) if type(shape) is int else shape
    if not isinstance(shape, tuple) or any(type(size) is not int for size in shape):
        raise DamagedError("a numpy array without a shape")
    swapped = _swapped(bytes(data), dtype) if kind.big != (sys.byteorder == "big") else bytes(data)
    strides = contiguous(shape[::-1])[::-1] if order == "F" else contiguous(shape)
    return TensorRef(Storage(dtype, size=len(swapped), data=swapped), 0, shape, strides)


def _swapped(data: bytes, dtype: str) -> bytes:
    """Every element with its bytes reversed; the two halves of a complex number each for themselves."""
    size = ITEM_SIZES[dtype] // (2 if dtype.startswith("complex") else 1)
    if size == 1:
        return data
    numbers = array.array({2: "H", 4: "I", 8: "Q"}[size], data[: len(data) // size * size])
    numbers.byteswap()
    return numbers.tobytes()


def _from_buffer(data: object, kind: object, shape: object, order: object = "C", *rest: object) -> object:
    rebuilt = NumpyArray()
    rebuilt.tensor = _array(data, kind, shape, order)
    return rebuilt


def _refused(kind: str, advice: str) -> Callable[..., Refused]:
    return lambda *args: Refused(kind, advice)


_sparse = _refused("a sparse tensor", "call to_dense() on it and save again")


# All that a checkpoint may call, and what stands for it here; anything else stays inert.
_HANDLERS: dict[tuple[str, str], Callable[..., object]] = {
    ("collections", "OrderedDict"): _mapping,
    ("collections", "defaultdict"): lambda *args: {},
    ("collections", "Counter"): _mapping,
    ("_codecs", "encode"): _encoded,
    ("torch", "Size"): _size,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch._utils", "_rebuild_xla_tensor"): _first,
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): _first,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): _first,
    ("torch._utils", "_rebuild_sparse_tensor"): _sparse,
    ("torch._utils", "_rebuild_sparse_csr_tensor"): _sparse,
    ("torch._utils", "_rebuild_qtensor"): _refused("a quantised tensor", "call dequantize() on it and save again"),
    ("torch._utils", "_rebuild_nested_tensor"): _refused("a nested tensor", "save its parts one by one"),
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): _refused(
        "a tensor without data", "it was saved from the meta device"
    ),
    ("torch._tensor", "_rebuild_from_type"): _inner,
    ("torch._tensor", "_rebuild_from_type_v2"): _inner,
    ("torch.tensor", "_rebuild_from_type"): _inner,
    ("torch.tensor", "_rebuild_from_type_v2"): _inner,
    ("torch.nn.parameter", "Parameter"): _first,
    ("torch.nn.parameter", "Buffer"): _first,
    ("torch.autograd.variable", "Variable"): _first,
    ("numpy", "dtype"): _dtype,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("copyreg", "__newobj__"): _newobj,
    ("copy_reg", "_reconstructor"): _reconstructor,
    ("copy_reg", "__newobj__"): _newobj,
}
for _module in ("numpy.core", "numpy._core"):
    _HANDLERS[f"{_module}.multiarray", "_reconstruct"] = lambda *args: NumpyArray()
    _HANDLERS[f"{_module}.numeric", "_frombuffer"] = _from_buffer
for _module in ("builtins", "__builtin__"):
    _HANDLERS[_module, "dict"] = _mapping
    _HANDLERS[_module, "bytearray"] = _bytearray
    for _name in ("list", "set", "frozenset", "tuple"):
        _HANDLERS[_module, _name] = _sequence
