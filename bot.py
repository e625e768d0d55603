"""`python bot.py COMMAND` in a checkout is the same as `tickwright COMMAND` of an installed package."""

from engine.app.cli.main import main

if __name__ == "__main__":
    main()
