"""The names of columns in the languages of the sites that people download from.

To teach the reader a language, add an entry. Names are compared as `columns.plain` writes them: in lower case,
without accents and signs.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Names(NamedTuple):
    """What a language calls the columns of a price file; several names are separated by commas."""

    date: str
    close: str
    open: str = ""
    high: str = ""
    low: str = ""
    week: str = ""
    """What Google Trends calls the column of dates."""


LANGUAGES: Final = {
    "Arabic": Names(
        "تاريخ, التاريخ",
        "الإغلاق, إغلاق, السعر, اغلاق, الاغلاق",
        "فتح, الافتتاح, مفتوح",
        "الأعلى, مرتفع",
        "الأدنى, منخفض",
        week="أسبوع, الأسبوع",
    ),
    "Chinese": Names(
        "日期, 时间, 時間",
        "收盘, 收盘价, 收盤, 收盤價, 价格, 價格",
        "开盘, 开盘价, 開盤, 開盤價, 今开",
        "最高, 最高价, 最高價, 高",
        "最低, 最低价, 最低價, 低",
        week="周, 週, 日",
    ),
    "Croatian": Names(
        "datum", "zadnja, zatvaranje, cijena", "otvaranje", "najvisa", "najniza", week="tjedan"
    ),
    "Czech": Names(
        "datum",
        "posledni, zaveraci, uzavreni, zaviraci, cena",
        "otevreni, oteviraci, otev",
        "nejvyssi, max",
        "nejnizsi, min",
        week="tyden",
    ),
    "Danish": Names(
        "dato", "slutkurs, luk, lukke, seneste", "abning, aben", "hojeste, hoj", "laveste, lav", week="uge"
    ),
    "Dutch": Names(
        "datum",
        "laatst, laatste, slotkoers, slot, sluiting, koers",
        "open, opening, openingskoers",
        "hoogste, hoog",
        "laagste, laag",
        week="week, weken",
    ),
    "English": Names(
        "date, time open, open time, snapped at, time, timestamp, datetime, date time, day, timestamp utc, utc timestamp, "
        "date iso, date utc, local time, gmt time, unix timestamp, unix, epoch, week, month, period",
        "price, close, last, closing price, close price, price close, last price, close last, settle, spot",
        "open, opening, opening price, open price, price open",
        "high, highest, high price, price high, max",
        "low, lowest, low price, price low, min",
        week="week, weeks, month, day, time",
    ),
    "Finnish": Names(
        "pvm, paivamaara", "viimeisin, paatos, paatoskurssi", "avaus", "ylin", "alin", week="viikko"
    ),
    "French": Names(
        "date",
        "dernier, cloture, fermeture, prix, cours",
        "ouv, ouverture",
        "plus haut, haut",
        "plus bas, bas",
        week="semaine, mois, jour",
    ),
    "German": Names(
        "datum, zeit",
        "zuletzt, schluss, schlusskurs, letzter, preis, kurs",
        "eroffn, eroffnung, erster",
        "hoch, hochst, tageshoch",
        "tief, tiefst, tagestief",
        week="woche, monat, tag",
    ),
    "Greek": Names(
        "ημερομηνια",
        "κλεισιμο, τελευταια, τιμη",
        "ανοιγμα",
        "υψηλο, υψηλη",
        "χαμηλο, χαμηλη",
        week="εβδομαδα",
    ),
    "Hebrew": Names("תאריך", "סגירה, שער, אחרון", "פתיחה", "גבוה", "נמוך", week="שבוע"),
    "Hindi": Names("तारीख, दिनांक", "बंद, कीमत, अंतिम", "खुला", "उच्च", "निम्न", week="सप्ताह"),
    "Hungarian": Names(
        "datum",
        "zaro, zarado, zaras, utolso, ar",
        "nyito, nyitas",
        "max, legmagasabb",
        "min, legalacsonyabb",
        week="het",
    ),
    "Indonesian": Names(
        "tanggal",
        "terakhir, penutupan, tutup, harga",
        "pembukaan, buka",
        "tertinggi",
        "terendah",
        week="minggu",
    ),
    "Italian": Names(
        "data",
        "ultimo, chiusura, prezzo",
        "apertura",
        "massimo, max",
        "minimo, min",
        week="settimana, mese, giorno",
    ),
    "Japanese": Names(
        "日付, 日付け, 日時, 年月日", "終値, 現在値, 価格", "始値", "高値", "安値", week="週, 日"
    ),
    "Korean": Names("날짜, 일자, 시간", "종가, 현재가, 가격", "시가, 오픈", "고가", "저가", week="주, 일"),
    "Norwegian": Names(
        "dato", "siste, slutt, sluttkurs", "apning, apen", "hoy, hoyeste", "lav, laveste", week="uke"
    ),
    "Persian": Names(
        "تاریخ",
        "پایانی, بسته شدن, آخرین, قیمت",
        "باز, بازگشایی",
        "بالاترین, بیشترین",
        "پایین ترین, کمترین",
        week="هفته",
    ),
    "Polish": Names(
        "data, dzien",
        "ostatnio, zamkniecie, zamk, cena, kurs",
        "otwarcie, otw",
        "najwyzszy, max",
        "najnizszy, min",
        week="tydzien",
    ),
    "Portuguese": Names(
        "data",
        "ultimo, fechamento, fecho, preco",
        "abertura, abert",
        "maxima, maximo, alta",
        "minima, minimo, baixa",
        week="semana, mes, dia",
    ),
    "Romanian": Names("data", "ultimul, inchidere, pret", "deschidere", "maxim", "minim", week="saptamana"),
    "Russian": Names(
        "дата, время",
        "цена, закрытие, закр, последняя, посл, курс",
        "открытие, откр, откр",
        "максимум, макс, высшая",
        "минимум, мин, низшая",
        week="неделя",
    ),
    "Spanish": Names(
        "fecha, fecha y hora",
        "ultimo, cierre, precio, cerrar",
        "apertura, abrir",
        "maximo, max, alto",
        "minimo, min, bajo",
        week="semana, mes, dia",
    ),
    "Swedish": Names(
        "datum",
        "senaste, senast, stangning, stangningskurs, slut, pris",
        "oppning, oppen, oppningskurs",
        "hogst, hogsta, hog",
        "lagst, lagsta, lag",
        week="vecka",
    ),
    "Thai": Names("วันที่, วัน", "ปิด, ล่าสุด, ราคา, ราคาปิด", "เปิด, ราคาเปิด", "สูงสุด", "ต่ำสุด", week="สัปดาห์"),
    "Turkish": Names(
        "tarih", "simdi, son, kapanis, fiyat", "acilis", "yuksek, en yuksek", "dusuk, en dusuk", week="hafta"
    ),
    "Ukrainian": Names(
        "дата, час",
        "ціна, закриття, остання, курс",
        "відкриття, відкр",
        "максимум, макс",
        "мінімум, мін",
        week="тиждень",
    ),
    "Vietnamese": Names(
        "ngay, thoi gian",
        "lan cuoi, dong cua, gia, gia dong cua",
        "mo cua, mo, lan dau",
        "cao, cao nhat",
        "thap, thap nhat",
        week="tuan",
    ),
}
