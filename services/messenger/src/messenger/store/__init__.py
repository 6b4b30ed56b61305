"""Files that the programs keep: whom one trusts, where one was, what was said."""
