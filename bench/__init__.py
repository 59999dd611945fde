"""`make bench`: this server and its peers, one after the other, under the same load."""
