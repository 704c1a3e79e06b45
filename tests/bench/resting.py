"""What listening holds in memory while nothing is to be done: `python -m tests.bench.resting`.

It makes an application, reads one comment, then turns it into a vector, then does both with a comment of each language
that surveys are held in. After each step it prints what the process holds (`VmRSS`).
"""

import gc
from pathlib import Path

from feedback.analysis.sentiment import reading
from feedback.analysis.topics import representations
from tests.bench import commented

_SAID = {
    "en": "The parcel arrived much too late", "de": "Das Paket kam viel zu spät an", "es": "El paquete llegó tarde",
    "fr": "Le colis est arrivé trop tard", "it": "Il pacco è arrivato tardi", "nl": "Het pakket kwam te laat aan",
    "pt": "A encomenda chegou tarde", "ja": "荷物が届くのが遅かったです", "ar": "وصل الطرد متأخرا جدا",
    "ru": "Посылка пришла слишком поздно", "zh": "包裹到得太晚了", "pl": "Paczka przyszła za późno",
    "cs": "Balík přišel pozdě", "sv": "Paketet kom för sent", "da": "Pakken kom for sent", "nb": "Pakken kom for sent",
    "fi": "Paketti tuli liian myöhään", "hu": "A csomag későn érkezett", "ro": "Coletul a ajuns târziu",
    "he": "החבילה הגיעה מאוחר מדי", "ko": "택배가 너무 늦게 왔어요", "hi": "पार्सल बहुत देर से आया",
    "tr": "Paket çok geç geldi",
}  # fmt: skip


def main() -> None:
    """Print a line after each step."""
    with commented.application():
        _tell("the application")
        _read("en")
        _tell("one comment read")
        representations.current().encode([_SAID["en"]])
        _tell("and turned into a vector")
        for language in _SAID:
            _read(language)
        representations.current().encode(list(_SAID.values()))
        _tell(f"the same in {len(_SAID)} languages")


def _read(language: str) -> None:
    reading.read(_SAID[language], language=language)


def _tell(after: str) -> None:
    gc.collect()
    held = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    print(f"{int(held.split()[1]) / 1024:6.0f} MiB: {after}", flush=True)


if __name__ == "__main__":
    main()
