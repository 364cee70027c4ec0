# unicorn behind nginx. The test fills in what stands in ${}.
listen '${DIR}/unicorn.sock'
worker_processes 3
preload_app true
