module example.org/netflowgen-example

go 1.19
