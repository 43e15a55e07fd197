"""Discovery: from a folder of downloads to a configuration, for the command `init`.

proposal.py is the use case. It finds out what each file is by its content (sniffing.py, with layouts.py,
evidence.py and readings.py) and which coin it belongs to (owners.py, coins.py, coin_names.py), pairs
histories with trends (pairing.py), and renders the configuration (starter_config.py).
"""
