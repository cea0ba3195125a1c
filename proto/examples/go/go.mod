module chatd.example/client

go 1.19
