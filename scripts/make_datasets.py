"""Makes the files under src/lamina/datasets/files from the raw data.

    python scripts/make_datasets.py RAW_FOLDER

RAW_FOLDER holds the upstream files, laid out as `lamina.datasets` documents.
"""

import gzip
import io
import sys
import tarfile
from pathlib import Path

import numpy as np

FILES = Path(__file__).parents[1] / "src" / "lamina" / "datasets" / "files"
SERIES = {
    "JapaneseVowels": "japanese_vowels",
    "BasicMotions": "basic_motions",
    "GunPoint": "gun_point",
    "ItalyPowerDemand": "italy_power_demand",
}


def series(raw: Path) -> None:
    """The .ts text format of the UCR/UEA archive -> flat steps, lengths, labels."""
    for folder, name in SERIES.items():
        samples, labels, n_train = [], [], 0
        for part in ("TRAIN", "TEST"):
            text = (raw / "series" / folder / f"{folder}_{part}.ts").read_text()
            _, _, body = text.partition("@data")
            for line in body.strip().splitlines():
                *channels, label = line.strip().split(":")
                rows = [np.array(c.split(","), dtype=np.float32) for c in channels]
                samples.append(np.stack(rows, 1))
                labels.append(label)
            n_train = n_train or len(samples)
        np.savez_compressed(
            FILES / f"{name}.npz",
            flat=np.concatenate(samples),
            lengths=np.array([len(s) for s in samples]),
            labels=np.array(labels),
            n_train=n_train,
        )


def fashion(raw: Path) -> None:
    """The first 600 training and 100 test images of each class, in file order."""
    images, labels = [], []
    for part, per_class in (("train", 600), ("t10k", 100)):
        x = _idx(raw / f"fashion_mnist/{part}-images-idx3-ubyte.gz", 16)
        y = _idx(raw / f"fashion_mnist/{part}-labels-idx1-ubyte.gz", 8)
        rows = [np.flatnonzero(y == c)[:per_class] for c in range(10)]
        kept = np.sort(np.concatenate(rows))
        images.append(x.reshape(-1, 28, 28)[kept])
        labels.append(y[kept])
    np.savez_compressed(
        FILES / "fashion.npz",
        images=np.concatenate(images),
        labels=np.concatenate(labels),
        n_train=len(images[0]),
    )


def spoken_digits(raw: Path) -> None:
    """Recordings 0-9 of each digit and speaker; 0-4 are the test set."""
    from scipy.io import wavfile

    train, test = [], []
    with tarfile.open(raw / "spoken_digits" / "recordings.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if not member.name.endswith(".wav"):
                continue
            digit, speaker, index = Path(member.name).stem.split("_")
            file = archive.extractfile(member)
            if int(index) > 9 or file is None:
                continue
            _, wave = wavfile.read(io.BytesIO(file.read()))
            part = test if int(index) < 5 else train
            part.append((wave.astype(np.int16), int(digit), speaker))
    everything = train + test
    np.savez_compressed(
        FILES / "spoken_digits.npz",
        flat=np.concatenate([wave for wave, _, _ in everything]),
        lengths=np.array([len(wave) for wave, _, _ in everything]),
        labels=np.array([digit for _, digit, _ in everything]),
        speakers=np.array([speaker for _, _, speaker in everything]),
        n_train=len(train),
    )


def tables(raw: Path) -> None:
    """The census with its official training and test sets, and the diamonds."""
    for part in ("data", "test"):
        lines = (raw / "tables" / f"adult.{part}").read_text().splitlines()
        kept = [line.rstrip(".").replace(", ", ",") for line in lines if "," in line]
        _write_gz(f"adult_{part}.csv.gz", "\n".join(kept))
    diamonds = gzip.decompress((raw / "tables" / "diamonds.csv.gz").read_bytes())
    _write_gz("diamonds.csv.gz", diamonds.decode())


def sentiment(raw: Path) -> None:
    """The tweets with their mean human rating."""
    with tarfile.open(raw / "text" / "hutto_ICWSM_2014.tar.gz") as archive:
        file = archive.extractfile("hutto_ICWSM_2014/tweets_GroundTruth.txt")
        assert file is not None
        rows = [line.split("\t") for line in file.read().decode().splitlines()]
    _write_gz("sentiment.tsv.gz", "\n".join(f"{r[1]}\t{r[2]}" for r in rows))


def _idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _write_gz(name: str, text: str) -> None:
    data = gzip.compress((text.rstrip() + "\n").encode(), 9, mtime=0)
    (FILES / name).write_bytes(data)


if __name__ == "__main__":
    FILES.mkdir(parents=True, exist_ok=True)
    for make in (series, fashion, spoken_digits, tables, sentiment):
        make(Path(sys.argv[1]))
