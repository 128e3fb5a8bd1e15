"""Telephone exchanges: what they post about calls. One exchange is one file; its words stop there."""
