"""``python -m sipwatch``."""

from sipwatch.cli import main

if __name__ == "__main__":
    main()
