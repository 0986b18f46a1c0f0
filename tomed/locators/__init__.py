"""The same sentence on the e-reader and in the browser: XPointer, EPUB CFI and the book's model between them.

Pure: nothing here knows the network or a database; one book file is read, bounded, as it is asked for.
"""

from tomed.locators.book import BookModel
from tomed.locators.translate import Place, locate

__all__ = ["BookModel", "Place", "locate"]
