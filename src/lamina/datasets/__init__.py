"""Real data sets: small ones inside the package, large ones fetched once.

``load_*`` reads what ships with lamina; ``fetch_*`` reads the folder that the environment
variable ``LAMINA_DATA`` names (default: the user's cache), checks the file's SHA-256, and
downloads it there where it is missing and its upstream address is known.

====================  ======================================  =========================
loader                what                                    licence, source
====================  ======================================  =========================
load_japanese_vowels  270 + 370 ragged series, 12 channels,   UCR/UEA archive (Kudo,
                      9 speakers                              Toyama, Shimbo 1999)
load_basic_motions    40 + 40 series of 100 steps, 6          UCR/UEA archive (Clements
                      channels, 4 activities                  2015)
load_gun_point        50 + 150 series of 150 steps, 2         UCR/UEA archive
                      classes                                 (Ratanamahatana, Keogh)
load_italy_power      67 + 1,029 series of 24 steps, 2        UCR/UEA archive (Keogh,
                      classes                                 Wei)
load_fashion          6,000 + 1,000 grey 28x28 pictures, 10   MIT, Zalando SE
                      classes (first of each class of         (Fashion-MNIST)
                      Fashion-MNIST)
load_spoken_digits    300 + 300 recordings, 8 kHz, 6          CC BY-SA 4.0, Zohar
                      speakers (index 0-4 the test)           Jackson et al., Free
                                                              Spoken Digit Dataset
load_adult            32,561 + 16,281 rows of the 1994        CC BY 4.0, UCI (Becker,
                      census, income above 50K or not         Kohavi)
load_diamonds         53,940 rows, 3 ordered categories,      MIT, ggplot2 / plotnine
                      price
load_sentiment        3,780 + 420 tweets with a mean human    MIT, Hutto & Gilbert 2014
                      rating from -4 to 4                     (VADER)
fetch_fashion         60,000 + 10,000 pictures                MIT, Zalando SE
fetch_spoken_digits   2,700 + 300 recordings                  CC BY-SA 4.0, Free Spoken
                                                              Digit Dataset
====================  ======================================  =========================
"""

from lamina.datasets.fetched import fetch_fashion, fetch_spoken_digits
from lamina.datasets.series import (
    load_basic_motions,
    load_gun_point,
    load_italy_power,
    load_japanese_vowels,
)
from lamina.datasets.signals import load_fashion, load_spoken_digits
from lamina.datasets.tables import load_adult, load_diamonds, load_sentiment

__all__ = [
    "fetch_fashion",
    "fetch_spoken_digits",
    "load_adult",
    "load_basic_motions",
    "load_diamonds",
    "load_fashion",
    "load_gun_point",
    "load_italy_power",
    "load_japanese_vowels",
    "load_sentiment",
    "load_spoken_digits",
]
