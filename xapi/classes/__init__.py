"""Behaviour of the XenAPI classes, one module per class (or idea within one); `xapi.loading` lists them."""
