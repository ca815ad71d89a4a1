"""Images: clothes with their class, emoji with their caption."""

import gzip
import io
import zipfile
from typing import Any

import numpy as np

from lamina.datasets.source import Source, find
from lamina.datasets.store import FILES, bunch, every, part, rows_of
from lamina.exceptions import MissingExtraError

FASHION = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
FASHION_HOME = "https://github.com/zalandoresearch/fashion-mnist"
FASHION_COMMIT = "b2617bb6d3ffa2e429640350f613e3291e10b141"
# Of each file: as published, and compressed again without a name in its header.
FASHION_SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    ),
}
FASHION_SOURCES = [
    Source(
        "fashion_mnist",
        name,
        upstream,
        FASHION_HOME,
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        f"{FASHION_COMMIT}/data/fashion/{name}",
        other_sha256=(renamed,),
    )
    for name, (upstream, renamed) in FASHION_SHA256.items()
]
EMOJI = Source(
    "captions",
    "emoji_google.zip",
    "91746775a5d94045d5d0137243c44230541b71f457cbe96df5c0f79f4f0682f1",
    "https://github.com/googlefonts/noto-emoji and https://github.com/milesj/emojibase",
)


def load_fashion(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Grey images of clothes: a tenth of Fashion-MNIST, with classes of equal size.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        6,000 of the official training images, 1,000 of the test images, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of uint8 of shape (n_samples, 28, 28)
        The images.
    target : ndarray of int of shape (n_samples,)
        The class; its name is `target_names[class]`.

    Examples
    --------
    >>> from lamina.datasets import load_fashion
    >>> fashion = load_fashion()
    >>> fashion.data.shape, fashion.target_names[fashion.target[0]]
    ((6000, 28, 28), 'ankle boot')
    """
    with np.load(FILES / "fashion.npz") as file:
        rows = part(subset, int(file["n_train"]), len(file["labels"]))
        labels = file["labels"][rows].astype(np.int64)
        return bunch(
            file["images"][rows], labels, return_X_y, target_names=list(FASHION)
        )


def fetch_fashion(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """All of Fashion-MNIST (30 MB).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        60,000 training images, 10,000 test images, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of uint8 of shape (n_samples, 28, 28)
        The images.
    target : ndarray of int of shape (n_samples,)
        The class; its name is `target_names[class]`.

    Raises
    ------
    MissingExtraError
        The files are not under LAMINA_DATA, and pooch is not installed.
    DataError
        A file has other contents, or cannot be downloaded.
    """
    arrays = [_idx(source) for source in FASHION_SOURCES]
    images = np.concatenate(arrays[::2]).reshape(-1, 28, 28)
    labels = np.concatenate(arrays[1::2]).astype(np.int64)
    rows = part(subset, len(arrays[1]), len(labels))
    return bunch(images[rows], labels[rows], return_X_y, target_names=list(FASHION))


def fetch_emoji(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Emoji with captions of a few words (14 MB, only from LAMINA_DATA).

    Emoji that differ only in skin colour are in the same subset.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Every fifth kind, by sorted `base`, is the test: 3,003 images, 783, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of uint8 of shape (n_samples, 64, 64, 4)
        Red, green, blue and opacity.
    target : list of str
        The captions. A Bunch also has the Unicode `group` (ndarray of int) and the `base`
        (list of str), the emoji without skin colour.

    Raises
    ------
    MissingExtraError
        Pillow is not installed.
    DataError
        The archive is not under LAMINA_DATA, or has other contents.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Reading emoji", "pillow", "image") from None
    with zipfile.ZipFile(find(EMOJI)) as archive:
        lines = archive.read("captions.tsv").decode().splitlines()[1:]
        names, captions, groups, bases = zip(
            *(line.split("\t") for line in lines), strict=True
        )
        kinds = sorted(set(bases))
        tests = {kinds[i] for i in np.flatnonzero(every(5, len(kinds)))}
        rows = rows_of(subset, [base in tests for base in bases])
        files = (io.BytesIO(archive.read(f"images/{names[i]}")) for i in rows)
        # A few images are stored as grey, or with a palette.
        images = [np.asarray(Image.open(file).convert("RGBA")) for file in files]
    return bunch(
        np.stack(images),
        [captions[i] for i in rows],
        return_X_y,
        group=np.array(groups, dtype=np.int64)[rows],
        base=[bases[i] for i in rows],
    )


def _idx(source: Source) -> np.ndarray:
    """The flat bytes of a file in the idx format, without its header."""
    header = 16 if "images" in source.name else 8
    data = gzip.decompress(find(source).read_bytes())
    return np.frombuffer(data, np.uint8, offset=header)
