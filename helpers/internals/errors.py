"""One form for all errors: what was expected, what was found, what mends it."""


def expect(
    met: bool, expected: object, found: object, mend: str, error: type[Exception] = ValueError
) -> None:
    """Raise an error of one form unless a condition is met.

    Args:
        met: the condition.
        expected: what was expected, in words.
        found: what there is instead.
        mend: what to write.
        error: the class of the error.

    Raises:
        Exception: of that class.
    """
    if not met:
        raise error(f"expected {expected}, found {found}. {mend}.")
