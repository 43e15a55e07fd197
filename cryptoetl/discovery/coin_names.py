"""Names of coins, and the other words in names of files and search terms. Plain data."""

from __future__ import annotations

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
    "FTT": ("ftxtoken",),
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
    "LEO": ("unussedleo", "leotoken"),
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


SAME_COIN: Final = {"MATIC": "POL"}
"""Tickers that a coin had before an exchange of one for one, and the one that it has now."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


QUOTES: Final = _set(
    """
    usd eur gbp jpy chf aud cad nzd krw cny inr brl mxn try rub pln sek nok dkk czk huf zar sgd hkd thb idr
    usdt usdc busd tusd fdusd dai
    """
)
"""What prices are quoted in; a coin only as the first of a pair, such as USDT_EUR."""

COIN_QUOTES: Final = frozenset({"btc", "xbt", "eth", "bnb"})
"""Coins that are also the second of a pair, such as ETH_BTC."""

EVERYDAY: Final = _set(
    """
    algo ape ar atom bal bat beam bonk cake comp dot flow gala harmony hype icon immutable inch leo link
    luna maker mana mask mantle nano near neo ocean one op pi pol quant ray render rose rune sand sandbox sc
    sky stacks sui sushi theta ton trump verge waves zen
    """
)
"""Tickers and names that are words too: they count in capitals, in a pair, or where no other word is."""

NOISE: Final = _set(
    """
    history histories historical hist data dataset investing com google trend trends multitimeline multi
    timeline timeseries csv tsv txt price prices pricing value quote quotes daily weekly monthly day week
    month hour 1d 1w d w kraken binance bitfinex bitstamp coinbase gemini okx huobi kucoin bybit poloniex
    coingecko coinmarketcap yahoo finance cryptodatadownload max all worldwide world interest interesse
    interessi interet interes over time search term crypto coin coins token cryptocurrency currency export
    exports download downloads copy kopie copia file files new old final raw full the of and for in my our
    from to ohlc ohlcv close chart market series dati storici historische daten kurse dados
    historicos gecmis verileri verisi du lieu lich su historis donnees gegevens historiska historiske dane
    historyczne adatok istorice dannye ftx hitbtc bittrex upbit bithumb bitflyer mercadobitcoin local
    candlestick bid ask search converted merged custom fng 과거 데이터 исторические данные kripto
    excel
    donnees historiques datos historicos settimana woche semaine semana kurs prezzo prezzi prix precio
    archive zip gz saved real
    """
)
"""Words that say what a file is, not of which coin."""
