"""``python -m stylesearch``."""

from stylesearch.cli.main import main

if __name__ == "__main__":
    main()
