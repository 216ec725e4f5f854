"""Systems that exports are fetched from: each as a set of files that could have been put there by hand.

`fetch` is the door, `rest` what all interfaces over HTTP have in common; of one kind is a module of its own,
which gives `fetch` the tables of its system. Here nothing is read: that is the same for all that landed.
"""
