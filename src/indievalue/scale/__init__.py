"""Predict a benchmark in shards of people: on this machine one after the other, or on many with Ray.

``placement`` where and in how many shards · ``shards`` the files of shards, cut and merged · ``work`` every shard
computed once, each tried again if it fails · ``machines`` who computes them · ``cluster`` a Ray of our own, or one that
is there · ``processes`` those that a killed Ray leaves behind · ``ray_workers`` workers of Ray · ``sharded`` all of it
for one predictor · ``forecast`` what it takes.

Only ``cluster`` and ``ray_workers`` import Ray, which is an extra, and only when they are used.
"""
