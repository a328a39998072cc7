"""What is remembered: records go in through ``store``, answers come out through ``queries``; ``views`` are for anyone.

Nothing is imported here, so that ``harness.history.records`` stays cheap to import.
"""
