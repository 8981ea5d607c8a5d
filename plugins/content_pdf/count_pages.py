"""A program that prints how many pages a PDF has, or one word that says why it cannot: it runs by itself, confined."""

import sys
import warnings

from pypdf import PasswordType, PdfReader
from pypdf.errors import PyPdfError

MOST = 100_000


def count(path: str) -> str:
    """The number of pages, ``encrypted``, ``too_complex`` or ``unreadable``."""
    try:
        reader = PdfReader(path)
        # Many documents are encrypted with no password, only to say that they should not be printed.
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            return "encrypted"
        pages = len(reader.pages)
    except (MemoryError, RecursionError):
        return "too_complex"
    except (PyPdfError, ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError):
        # Whatever the library stumbles over in a damaged file.
        return "unreadable"
    except NotImplementedError:
        return "encrypted"  # In a way that nobody knows.
    return str(pages) if 0 < pages <= MOST else "unreadable"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(count(sys.argv[1]))
