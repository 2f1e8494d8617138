"""The gallery's entries: one file each. `lab.phenomenon` says what one consists of."""
