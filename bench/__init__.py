"""Measurements that anybody can repeat: `make bench`; what they mean stands in docs/performance.md."""
