from chatctl.app import main

main()
