"""HTTP handlers that move bytes: disk images, consoles, metrics, blobs, files; `xapi.loading` lists them."""
