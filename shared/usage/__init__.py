"""The usage ledger: who used what, what left for the cloud and what it cost, stored for good and sealed."""
