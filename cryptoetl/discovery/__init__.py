"""What `init` does: from a folder of downloads to a configuration.

proposal.py is the use case. It learns what each file is by its content (sniffing.py, with layouts.py for
where things are, evidence.py for what all lines together decide, readings.py for the forms of dates), finds
out whose it is (owners.py, coins.py, coin_names.py), puts histories and trends together (pairing.py), and
writes it down (starter_config.py).
"""
