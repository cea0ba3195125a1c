from chatd.daemon.cli import main

main()
