"""A plugin whose import panics as a Rust extension does: with an exception that is no Exception."""


class PanicException(BaseException):
    """What pyo3 raises for a panic."""


raise PanicException("called `Option::unwrap()` on a `None` value")
