"""Which coin a text speaks of: the name of a file, or a search term.

Words count whole: LINK is not in "blink". What a price is quoted in (EUR, USDT) is not the coin.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

TICKERS: Final[dict[str, tuple[str, ...]]] = {
    # The ticker is a name of its own. Names are written without spaces: "bitcoincash" is "Bitcoin Cash".
    "AAVE": ("aavegotchidao",),
    "ADA": ("cardano",),
    "AKT": ("akashnetwork",),
    "ALGO": ("algorand",),
    "ANKR": (),
    "APE": ("apecoin",),
    "APT": ("aptos",),
    "AR": ("arweave",),
    "ARB": ("arbitrum",),
    "ASTR": ("astar",),
    "ATOM": ("cosmos", "cosmoshub"),
    "AVAX": ("avalanche",),
    "AXS": ("axieinfinity", "axie"),
    "BAL": ("balancer",),
    "BAT": ("basicattentiontoken", "basicattention"),
    "BCH": ("bitcoincash",),
    "BEAM": (),
    "BGB": ("bitgettoken",),
    "BNB": ("binancecoin", "bnbcoin"),
    "BONK": (),
    "BSV": ("bitcoinsv", "bitcoinsatoshivision"),
    "BTC": ("bitcoin", "xbt"),
    "BTG": ("bitcoingold",),
    "BTT": ("bittorrent",),
    "CAKE": ("pancakeswap",),
    "CELO": (),
    "CFX": ("conflux",),
    "CHZ": ("chiliz",),
    "COMP": ("compoundtoken", "compoundfinance"),
    "CRO": ("cronos", "cryptocomcoin"),
    "CRV": ("curvedao", "curvefinance"),
    "CVX": ("convexfinance",),
    "DAI": (),
    "DASH": ("dashcoin",),
    "DCR": ("decred",),
    "DGB": ("digibyte",),
    "DOGE": ("dogecoin", "xdg"),
    "DOT": ("polkadot",),
    "DYDX": (),
    "EGLD": ("multiversx", "elrond"),
    "ENA": ("ethena",),
    "ENJ": ("enjin", "enjincoin"),
    "ENS": ("ethereumnameservice",),
    "EOS": (),
    "ETC": ("ethereumclassic",),
    "ETH": ("ethereum", "ether"),
    "FET": ("fetchai", "artificialsuperintelligence"),
    "FIL": ("filecoin",),
    "FLOKI": ("flokiinu",),
    "FLOW": ("flowcoin",),
    "FLR": ("flarenetwork",),
    "FTM": ("fantom",),
    "FTT": ("ftxtoken", "ftx"),
    "FXS": ("fraxshare",),
    "GALA": (),
    "GLM": ("golem",),
    "GMX": (),
    "GNO": ("gnosis",),
    "GRT": ("thegraph",),
    "HBAR": ("hedera", "hederahashgraph"),
    "HNT": ("helium",),
    "HYPE": ("hyperliquid",),
    "ICP": ("internetcomputer",),
    "ICX": ("icon",),
    "IMX": ("immutable", "immutablex"),
    "INCH": ("1inch",),  # tickers begin with a letter
    "INJ": ("injective",),
    "IOTA": ("miota",),
    "IOTX": ("iotex",),
    "JASMY": ("jasmycoin",),
    "JTO": ("jito",),
    "JUP": ("jupiterexchange",),
    "KAS": ("kaspa",),
    "KAVA": (),
    "KCS": ("kucointoken",),
    "KDA": ("kadena",),
    "KLAY": ("klaytn",),
    "KNC": ("kybernetwork", "kyber"),
    "KSM": ("kusama",),
    "LDO": ("lidodao", "lido"),
    "LEO": ("unussedleo",),
    "LINK": ("chainlink",),
    "LPT": ("livepeer",),
    "LRC": ("loopring",),
    "LSK": ("lisk",),
    "LTC": ("litecoin",),
    "LUNA": ("terraluna",),
    "LUNC": ("terraclassic", "lunaclassic"),
    "MANA": ("decentraland",),
    "MASK": ("masknetwork",),
    "MATIC": ("maticnetwork",),
    "MINA": ("minaprotocol",),
    "MKR": ("maker", "makerdao"),
    "MNT": ("mantle",),
    "NANO": ("xno",),
    "NEAR": ("nearprotocol",),
    "NEO": (),
    "NEXO": (),
    "OCEAN": ("oceanprotocol",),
    "OKB": (),
    "OMG": ("omgnetwork", "omisego"),
    "ONDO": (),
    "ONE": ("harmony", "harmonyone"),
    "ONT": ("ontology",),
    "OP": ("optimism",),
    "ORDI": ("ordinals",),
    "PAXG": ("paxgold",),
    "PENDLE": (),
    "PEPE": ("pepecoin",),
    "PI": ("pinetwork", "picoin"),
    "POL": ("polygon", "polygonecosystemtoken"),
    "PYTH": ("pythnetwork",),
    "QNT": ("quant",),
    "QTUM": (),
    "RAY": ("raydium",),
    "RENDER": ("rendertoken", "rndr"),
    "ROSE": ("oasisnetwork",),
    "RPL": ("rocketpool",),
    "RUNE": ("thorchain",),
    "RVN": ("ravencoin",),
    "SAND": ("thesandbox", "sandbox"),
    "SC": ("siacoin",),
    "SEI": (),
    "SHIB": ("shibainu", "shiba"),
    "SKY": ("skyprotocol",),
    "SNX": ("synthetix",),
    "SOL": ("solana",),
    "STETH": ("stakedether", "lidostakedether"),
    "STRK": ("starknet",),
    "STX": ("stacks",),
    "SUI": (),
    "SUSHI": ("sushiswap",),
    "TAO": ("bittensor",),
    "TFUEL": ("thetafuel",),
    "THETA": ("thetanetwork", "thetatoken"),
    "TIA": ("celestia",),
    "TON": ("toncoin", "theopennetwork"),
    "TRUMP": ("officialtrump",),
    "TRX": ("tron",),
    "TWT": ("trustwallettoken",),
    "UNI": ("uniswap",),
    "USDC": ("usdcoin",),
    "USDT": ("tether",),
    "VET": ("vechain",),
    "WAVES": (),
    "WBTC": ("wrappedbitcoin",),
    "WIF": ("dogwifhat",),
    "WLD": ("worldcoin",),
    "WOO": ("woonetwork",),
    "XDC": ("xdcnetwork",),
    "XEC": ("ecash",),
    "XEM": ("nem",),
    "XLM": ("stellar", "stellarlumens", "lumens"),
    "XMR": ("monero",),
    "XRP": ("ripple",),
    "XTZ": ("tezos",),
    "XVG": ("verge",),
    "YFI": ("yearnfinance", "yearn"),
    "ZEC": ("zcash",),
    "ZEN": ("horizen",),
    "ZIL": ("zilliqa",),
    "ZRX": ("0x",),
}

QUOTES: Final = frozenset(
    ["usd", "eur", "gbp", "jpy", "chf", "aud", "cad", "nzd", "krw", "cny", "inr", "brl", "mxn", "try", "rub", "pln", "sek", "nok", "dkk", "czk", "huf", "zar", "sgd", "hkd", "thb", "idr", "usdt", "usdc", "busd", "tusd", "fdusd", "dai"]
)
"""What prices are quoted in; a coin only as the first of a pair, such as USDT_EUR."""

COIN_QUOTES: Final = frozenset({"btc", "xbt", "eth", "bnb"})
"""Coins that are also the second of a pair, such as ETH_BTC."""

_LONGEST_QUOTES_FIRST: Final = sorted(QUOTES | COIN_QUOTES, key=lambda quote: (-len(quote), quote))

EVERYDAY: Final = frozenset(
    ["algo", "ape", "ar", "atom", "bal", "bat", "beam", "bonk", "cake", "comp", "dot", "flow", "gala", "harmony", "hype", "icon", "immutable", "inch", "leo", "link", "luna", "maker", "mana", "mask", "mantle", "nano", "near", "neo", "ocean", "one", "op", "pi", "pol", "quant", "ray", "render", "rose", "rune", "sand", "sandbox", "sc", "sky", "stacks", "sui", "sushi", "theta", "ton", "trump", "verge", "waves", "zen"]
)
"""Tickers and names that are words too: they count in capitals, in a pair, or where no other word is."""

_NOISE: Final = frozenset(
    ["history", "histories", "historical", "hist", "data", "dataset", "investing", "com", "google", "trend", "trends", "multitimeline", "multi", "timeline", "timeseries", "csv", "tsv", "txt", "price", "prices", "pricing", "value", "quote", "quotes", "daily", "weekly", "monthly", "day", "week", "month", "hour", "1d", "1w", "d", "w", "kraken", "binance", "bitfinex", "bitstamp", "coinbase", "gemini", "okx", "huobi", "kucoin", "bybit", "poloniex", "coingecko", "coinmarketcap", "yahoo", "finance", "cryptodatadownload", "max", "all", "worldwide", "world", "interest", "interesse", "interessi", "interet", "interes", "over", "time", "search", "term", "crypto", "coin", "coins", "token", "cryptocurrency", "currency", "export", "exports", "download", "downloads", "copy", "kopie", "copia", "file", "files", "new", "old", "final", "raw", "full", "the", "of", "and", "for", "in", "my", "our", "from", "to", "ohlc", "ohlcv", "close", "chart", "market", "settimana", "woche", "semaine", "semana", "kurs", "prezzo", "prezzi", "prix", "precio"]
)
"""Words that say what a file is, not of which coin."""


def _names() -> dict[str, str]:
    own = {ticker.lower(): ticker for ticker in TICKERS}
    return {name: ticker for ticker, names in TICKERS.items() for name in names} | own


NAMES: Final = _names()
"""Ticker by name and by itself, both in lower case."""

_LONGEST: Final = 4
"""Words in a name, when each is written on its own."""


@dataclass(frozen=True)
class Coin:
    """A coin that a text speaks of; `quote` is what its price is quoted in, where the text says so.

    `known` is False for a word that is in no table but can be nothing else.
    """

    ticker: str
    quote: str | None = None
    known: bool = True


def mentioned(text: str) -> tuple[Coin, ...]:
    """The coins that a text speaks of, each once; one that the table lacks only where no other word is.

    >>> mentioned("BTC_EUR Historical Data")
    (Coin(ticker='BTC', quote='EUR', known=True),)
    """
    words = _words(text)
    found: dict[str, Coin] = {}
    at = 0
    while at < len(words):
        coin, used = _coin_at(words, at)
        if coin is not None and (coin.ticker not in found or found[coin.ticker].quote is None):
            found[coin.ticker] = coin
        at += used
    if found:
        return tuple(found.values())
    only = _only_word(words)
    return (only,) if only is not None else ()


def says_something(text: str) -> bool:
    """Whether a text holds words other than those that say what a file is: an unknown coin, perhaps."""
    return bool(_telling(_words(text)))


def _coin_at(words: list[str], at: int) -> tuple[Coin | None, int]:
    """The coin that begins at a word, and how many words were used."""
    lower = [word.lower() for word in words[at : at + _LONGEST + 1]]
    for length in range(min(_LONGEST, len(lower)), 0, -1):
        name = "".join(lower[:length])
        ticker = NAMES.get(name)
        if ticker is None:
            continue
        after = lower[length] if length < len(lower) else ""
        in_coins = after in COIN_QUOTES and after != name and name in (ticker.lower(), "xbt", "xdg")
        if after in QUOTES or in_coins:
            return Coin(ticker, _quote(after)), length + 1
        if name not in QUOTES and (name not in EVERYDAY or words[at].isupper()):
            return Coin(ticker), length
    word, after = lower[0], lower[1] if len(lower) > 1 else ""
    for quote in _LONGEST_QUOTES_FIRST:
        if word.endswith(quote) and (ticker := NAMES.get(word.removesuffix(quote))) is not None:
            return Coin(ticker, _quote(quote)), 1
    if after in QUOTES and words[at].isupper() and word not in _NOISE | QUOTES:
        if (unknown := _as_ticker(word)) is not None:
            return Coin(unknown, _quote(after), known=False), 2
    return None, 1


def _quote(word: str) -> str:
    return "BTC" if word == "xbt" else word.upper()


def _only_word(words: list[str]) -> Coin | None:
    telling = _telling(words)
    if len(telling) != 1:
        return None
    ticker = NAMES.get(telling[0]) or _as_ticker(telling[0])
    return None if ticker is None else Coin(ticker, known=telling[0] in NAMES)


def _telling(words: list[str]) -> list[str]:
    lower = dict.fromkeys(word.lower() for word in words)
    return [word for word in lower if word not in _NOISE | QUOTES and not word.isdigit()]


def _as_ticker(word: str) -> str | None:
    return word.upper() if re.fullmatch(r"[a-z][a-z0-9]{1,14}", word) else None


def _words(text: str) -> list[str]:
    """Words without accents; capitals inside a word begin another, as do four digits: BTC2024."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [
        part
        for word in re.findall(r"[^\W_]+", plain)
        for part in re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9]{4})", word)
    ]
